internal import CCurl
import Glibc
import Synchronization

/// How a ``CurlTransport`` connects and what it waits for.
public struct TransportOptions: Sendable {
    /// A file of PEM certificates to trust instead of the system's; nil for the system's.
    public var caFile: String?
    /// Seconds until a connection must stand, name look-up and TLS included; at least 1.
    public var connectTimeout: Int
    /// Seconds without a byte in either direction after which an exchange has failed; at least 1.
    public var stallTimeout: Int
    /// What the service's log calls us.
    public var userAgent: String
    /// The Unix socket that every connection goes to, whatever the origin says; nil for the network. At most 107 bytes.
    public var unixSocket: String?
    /// Whether the proxy that the environment names is used.
    public var usesProxy: Bool
    /// Connections that each of the two threads keeps for reuse: as many as requests are ever under way, at least 1.
    public var keptConnections: Int
    /// How fast bodies may travel. Transports that share it share the limit.
    public var bandwidth: Bandwidth

    public init(
        caFile: String? = nil,
        connectTimeout: Int = 10,
        stallTimeout: Int = 60,
        userAgent: String = "syncd",
        unixSocket: String? = nil,
        usesProxy: Bool = true,
        keptConnections: Int = 256,
        bandwidth: Bandwidth = Bandwidth()
    ) {
        self.keptConnections = max(1, keptConnections)
        self.bandwidth = bandwidth
        self.unixSocket = unixSocket
        self.usesProxy = usesProxy
        self.caFile = caFile
        self.connectTimeout = max(1, connectTimeout)
        self.stallTimeout = max(1, stallTimeout)
        self.userAgent = userAgent
    }
}

/// HTTP/1.1 by libcurl: two threads of our own, each with a multi handle, serve any number of exchanges at once.
///
/// Certificates are verified; redirects are not followed; bodies are not decoded; the proxy environment is honoured.
public final class CurlTransport: HTTPTransport {
    /// Small exchanges share one thread, which costs less than spreading them; large ones have the other, so that a slow
    /// disk under them stops nothing else.
    private let small: CurlLoop
    private let large: CurlLoop

    /// Bytes in either direction from which an exchange is large.
    private static let largeFrom: Int64 = 1 << 20
    /// Thread-safe only where it is done once, before anything else of libcurl's.
    private static let globalStatus = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    public init(options: TransportOptions = TransportOptions()) {
        precondition(Self.globalStatus == CURLE_OK, "libcurl cannot be set up: \(Self.globalStatus.rawValue)")
        small = CurlLoop(options: options)
        large = CurlLoop(options: options)
    }

    deinit {
        // No exchange is under way: each holds the transport until it has ended.
        small.stop()
        large.stop()
    }

    public func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let isClean = request.headers.allSatisfy { header in
            !header.name.utf8.contains(where: Self.isLineBreak) && !header.value.utf8.contains(where: Self.isLineBreak)
        }
        guard isClean else { throw TransportError(code: .malformed, message: "a header holds a line break") }
        let loop = request.isLarge(from: Self.largeFrom) ? large : small
        let exchange = CurlExchange(request)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.continuation = continuation
                loop.start(exchange)
            }
        } onCancel: {
            loop.cancel(exchange)
        }
        return try result.get()
    }

    /// Returns when every thread has had its turn: one that hangs, in a read from a dead disk for instance, never does.
    public func ping() async {
        for loop in [small, large] {
            await withCheckedContinuation { continuation in
                loop.ping { continuation.resume() }
            }
        }
    }

    /// Has the thread of small exchanges hang for ever: for tests of what ``ping()`` is for.
    package func hang() {
        small.ping {
            while true { pause() }
        }
    }

    private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 13 || byte == 10 || byte == 0 }
}

extension HTTPRequest {
    fileprivate func isLarge(from bound: Int64) -> Bool {
        switch sink {
        case .descriptor(_, _, let limit) where limit >= bound: true
        case .discard(let limit) where limit >= bound: true
        case .descriptor, .discard, .memory: body.length >= bound
        }
    }
}
