import Glibc
import Synchronization

/// A server on 127.0.0.1 whose every answer is written by the test, byte by byte: for what real servers rarely do.
///
/// Each connection has a thread of its own that runs the test's handler; its end closes the connection. ``stop()``, or
/// the end of this object, breaks all connections off and waits for their threads.
public final class LoopbackServer: Sendable {
    private let core: LoopbackCore

    /// `handle` runs on the connection's own thread, and may block there.
    public init(handle: @escaping @Sendable (LoopbackConnection) -> Void) throws {
        core = try LoopbackCore(handle: handle)
        core.startAccepting()
    }

    deinit { core.stop() }

    public var port: UInt16 { core.port }

    public var origin: String { "http://127.0.0.1:\(port)" }

    /// All requests that handlers read whole, in the order in which they were complete.
    public var requests: [LoopbackRequest] { core.state.withLock { $0.requests } }

    /// Connections accepted so far.
    public var connectionCount: Int { core.state.withLock { $0.accepted } }

    public func stop() { core.stop() }
}

/// A system call that failed.
public struct LoopbackError: Error {
    public var operation: String
    public var errno: CInt
}

/// A port of 127.0.0.1 that is taken and refuses all connections while this object lives.
public final class RefusingPort: Sendable {
    public let port: UInt16
    private let socket: CInt

    public init() throws {
        (socket, port) = try boundSocket()
    }

    deinit { close(socket) }
}

/// What threads share; it lives as long as any of them.
final class LoopbackCore: Sendable {
    struct State {
        var requests: [LoopbackRequest] = []
        var accepted = 0
        var isStopping = false
        /// Of connections that are open.
        var sockets: Set<CInt> = []
        var acceptor: pthread_t?
    }

    let state = Mutex(State())
    let port: UInt16
    private let listener: CInt
    private let handle: @Sendable (LoopbackConnection) -> Void

    /// Connections that wait to be accepted.
    private static let backlog: CInt = 1_024

    init(handle: @escaping @Sendable (LoopbackConnection) -> Void) throws {
        (listener, port) = try boundSocket()
        self.handle = handle
        guard listen(listener, Self.backlog) == 0 else { throw LoopbackError(operation: "listen", errno: errno) }
    }

    deinit { close(listener) }

    func startAccepting() {
        let thread = startThread { self.accept() }
        state.withLock { $0.acceptor = thread }
    }

    func stop() {
        let acceptor = state.withLock { state in
            state.isStopping = true
            for socket in state.sockets { shutdown(socket, CInt(SHUT_RDWR)) }
            defer { state.acceptor = nil }
            return state.acceptor
        }
        shutdown(listener, CInt(SHUT_RDWR))
        if let acceptor { pthread_join(acceptor, nil) }
    }

    /// The body of the accepting thread.
    private func accept() {
        var threads: [pthread_t] = []
        while true {
            let socket = Glibc.accept(listener, nil, nil)
            if socket < 0, errno == EINTR || errno == ECONNABORTED { continue }
            guard socket >= 0 else { break }
            // Nothing waits for ever, whatever a test forgets; but the test may have to wait its turn for minutes.
            var patience = timeval(tv_sec: 600, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            let number = state.withLock { state -> Int? in
                guard !state.isStopping else { return nil }
                state.sockets.insert(socket)
                state.accepted += 1
                return state.accepted - 1
            }
            guard let number else {
                close(socket)
                break
            }
            threads.append(
                startThread {
                    let connection = LoopbackConnection(socket: socket, number: number, core: self)
                    self.handle(connection)
                    connection.close()
                }
            )
        }
        for thread in threads { pthread_join(thread, nil) }
    }
}

private func boundSocket() throws -> (socket: CInt, port: UInt16) {
    let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw LoopbackError(operation: "socket", errno: errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(socket, address, length) == 0 && getsockname(socket, address, &length) == 0
        }
    }
    guard status else {
        let code = errno
        close(socket)
        throw LoopbackError(operation: "bind", errno: code)
    }
    return (socket, UInt16(bigEndian: address.sin_port))
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Starts a thread that somebody must join.
private func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    let status = pthread_create(&thread, nil, threadMain, context)
    precondition(status == 0, "pthread_create failed with \(status)")
    return thread
}

private let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
    if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run() }
    return nil
}
