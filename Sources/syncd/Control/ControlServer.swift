import FlyingFox
import FlyingSocks
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import SyncEngine

/// Serves the control interface: HTTP/1.1 over the state directory's Unix socket.
struct ControlServer: Service {
    private let socket: ControlSocket
    private let server: HTTPServer

    /// Seconds until an answer must be there; a plan of a large folder takes long.
    private static let timeout: TimeInterval = 600

    /// - Throws: where the directory cannot be used.
    init(directory: String, api: ControlAPI) throws(CycleFailure) {
        socket = try ControlSocket(directory: directory)
        server = HTTPServer(
            address: .unix(path: socket.path),
            timeout: Self.timeout,
            logger: .disabled,
            handler: ClosureHTTPHandler { request in
                let query = Dictionary(
                    request.query.map { ($0.name, $0.value) },
                    uniquingKeysWith: { first, _ in first }
                )
                let answer = await api.answer(method: request.method.rawValue, path: request.path, query: query)
                return answer.response
            }
        )
    }

    func run() async throws {
        socket.remove()
        try await runUntilShutdown(server)
        socket.remove()
    }

    /// Returns when the socket answers, and only to its owner.
    func waitUntilListening() async throws {
        try await server.waitUntilListening(timeout: 30)
        try socket.restrict()
    }
}

/// Serves the metrics to whoever asks on this machine: HTTP/1.1 on a port of the loopback interface.
struct MetricsServer: Service {
    private let server: HTTPServer
    private let port: UInt16
    private let log: Logger

    /// Seconds until an answer must be there.
    private static let timeout: TimeInterval = 10

    init(port: UInt16, api: ControlAPI, log: Logger) throws(CycleFailure) {
        self.log = log
        self.port = port
        let address: sockaddr_in
        do {
            address = try .inet(ip4: "127.0.0.1", port: port)
        } catch {
            throw Self.failure(port, error)
        }
        server = HTTPServer(
            address: address,
            timeout: Self.timeout,
            logger: .disabled,
            handler: ClosureHTTPHandler { request in
                // Nothing else of the control interface is for other users.
                guard request.method == .GET, request.path == "/metrics" else {
                    return HTTPResponse(statusCode: .notFound)
                }
                return await api.answer(method: "GET", path: "/metrics", query: [:]).response
            }
        )
    }

    /// Between two tries to have the port.
    private static let pause = Duration.seconds(30)

    /// A port that cannot be had, or that another process floods, is no reason to stop syncing.
    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await server.run()
                } catch {
                    if !Task.isCancelled { log.error("\(Self.failure(port, error).message)") }
                }
                guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
            }
        }
    }

    private static func failure(_ port: UInt16, _ error: any Error) -> CycleFailure {
        let reason = error.localizedDescription
        return CycleFailure(
            code: .stateDirectory,
            message: "metricsPort: cannot listen on 127.0.0.1:\(port): \(reason); name another port, or none"
        )
    }
}

/// Serves until the daemon is to end. - Throws: where the address cannot be had.
private func runUntilShutdown(_ server: HTTPServer) async throws {
    try await withGracefulShutdownHandler {
        do {
            try await server.run()
        } catch is CancellationError {
            return
        } catch let error as SocketError where error == .disconnected {
            return
        }
    } onGracefulShutdown: {
        // The handler cannot wait, and the server's end is waited for above.
        Task { await server.stop() }
    }
}

extension ControlAnswer {
    fileprivate var response: HTTPResponse {
        switch self {
        case .json(let status, let value):
            HTTPResponse(
                statusCode: HTTPStatusCode(status, phrase: ""),
                headers: [.contentType: "application/json"],
                body: Data(value.serialized + [0x0A])
            )
        case .text(let type, let text):
            HTTPResponse(statusCode: .ok, headers: [.contentType: type], body: Data(text.utf8))
        }
    }
}
