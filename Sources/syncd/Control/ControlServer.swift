import FlyingFox
import FlyingSocks
import Foundation
import ServiceLifecycle
import SyncEngine
import Text

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
        try await withGracefulShutdownHandler {
            do {
                try await server.run()
            } catch is CancellationError {
                // The daemon's time to end in good order is over.
            } catch let error as SocketError where error == .disconnected {
                // What stopping looks like from here.
            }
        } onGracefulShutdown: {
            // The handler cannot wait, and the server's end is waited for above.
            Task { await server.stop() }
        }
        socket.remove()
    }

    /// Returns when the socket answers, and only to its owner.
    func waitUntilListening() async throws {
        try await server.waitUntilListening(timeout: 30)
        try socket.restrict()
    }
}

extension ControlAnswer {
    /// As the server sends it.
    var response: HTTPResponse {
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
