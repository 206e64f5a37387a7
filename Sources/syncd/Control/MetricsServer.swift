import FlyingFox
import FlyingSocks
import Glibc
import Logging
import ServiceLifecycle
import SyncEngine

/// Serves the metrics to whoever asks on this machine: HTTP/1.1 on a port of the loopback interface.
struct MetricsServer: Service {
    private let server: HTTPServer
    private let port: UInt16
    private let log: Logger

    /// Seconds until an answer must be there.
    private static let timeout = 10.0
    /// Between two tries to have the port.
    private static let pause = Duration.seconds(30)

    init(port: UInt16, api: ControlAPI, log: Logger) {
        self.log = log
        self.port = port
        var address = sockaddr_in.inet(port: port)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
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

    /// A port that cannot be had, or that another process floods, is no reason to stop syncing: it is tried again, and
    /// told once.
    func run() async {
        await cancelWhenGracefulShutdown {
            var told: String?
            while !Task.isCancelled {
                do {
                    try await server.run()
                } catch {
                    let reason = Self.reason(error)
                    if !Task.isCancelled, reason != told {
                        log.error("metricsPort: cannot listen on 127.0.0.1:\(port): \(reason)")
                        told = reason
                    }
                }
                guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
            }
        }
    }

    /// In the kernel's words, where it is the kernel's error.
    private static func reason(_ error: any Error) -> String {
        guard case .failed(_, _, let message) = error as? SocketError else { return "\(error)" }
        return message
    }
}
