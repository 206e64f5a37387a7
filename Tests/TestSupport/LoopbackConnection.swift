import Glibc
import Synchronization

/// A request as it came over the wire.
public struct LoopbackRequest: Sendable {
    /// All of it.
    public var bytes: [UInt8]
    /// Where its body begins.
    public var bodyStart: Int

    /// `PUT /bucket/key HTTP/1.1`.
    public var line: String { lines.first ?? "" }

    /// Names as they came.
    public var headers: [(name: String, value: String)] {
        lines.dropFirst().compactMap { line in
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { return nil }
            return (String(halves[0]), String(halves[1].drop { $0 == " " }))
        }
    }

    /// The values of all headers of that name, which is in lower case.
    public func values(of name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name }.map(\.value)
    }

    public var body: [UInt8] { Array(bytes[bodyStart...]) }

    private var lines: [String] {
        String(decoding: bytes[..<bodyStart], as: UTF8.self).split(separator: "\r\n").map(String.init)
    }
}

/// One accepted connection, for the thread that serves it. All calls block; none fails the test by itself.
public final class LoopbackConnection {
    /// How many connections came before it.
    public let number: Int
    private var socket: CInt
    private let core: LoopbackCore
    /// Read, but not yet asked for.
    private var pending: [UInt8] = []

    init(socket: CInt, number: Int, core: LoopbackCore) {
        self.socket = socket
        self.number = number
        self.core = core
    }

    /// The head of the next request, its empty line included; nil if the other side ended before.
    public func readHead() -> [UInt8]? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let start = pending.indices.first(where: { pending[$0...].starts(with: end) }) {
                defer { pending.removeFirst(start + end.count) }
                return Array(pending[..<(start + end.count)])
            }
            guard receive() else { return nil }
        }
    }

    /// The next `count` bytes; fewer if the other side ended before.
    public func read(_ count: Int) -> [UInt8] {
        pending.reserveCapacity(count)
        while pending.count < count, receive() {}
        let taken = min(count, pending.count)
        defer { pending.removeFirst(taken) }
        return Array(pending[..<taken])
    }

    /// The next request, and keeps it for ``LoopbackServer/requests``; nil if it did not come whole.
    /// A client that waits for `100 Continue` gets it.
    @discardableResult
    public func readRequest() -> LoopbackRequest? {
        guard let head = readHead() else { return nil }
        var request = LoopbackRequest(bytes: head, bodyStart: head.count)
        if request.values(of: "expect") == ["100-continue"] { send("HTTP/1.1 100 Continue\r\n\r\n") }
        let length = request.values(of: "content-length").first.flatMap { Int($0) } ?? 0
        let body = read(length)
        guard body.count == length else { return nil }
        request.bytes += body
        let whole = request
        core.state.withLock { $0.requests.append(whole) }
        return whole
    }

    @discardableResult
    public func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// False if the other side did not take it all.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// A whole answer that keeps the connection.
    @discardableResult
    public func answer(_ status: Int = 200, headers: [String] = [], body: [UInt8] = []) -> Bool {
        var head = "HTTP/1.1 \(status) Words\r\nContent-Length: \(body.count)\r\n"
        for header in headers { head += "\(header)\r\n" }
        return send(Array("\(head)\r\n".utf8) + body)
    }

    /// Whether the other side closed, read whatever it still sent.
    @discardableResult
    public func waitForClose() -> Bool {
        while receive() { pending.removeAll() }
        return errno != EAGAIN
    }

    /// Waits until the other side closed, and leaves what it sends where it is: then its sending comes to a stop.
    public func waitForCloseUnread() {
        // POLLRDHUP, which Glibc's module hides.
        var descriptor = pollfd(fd: socket, events: 0x2000, revents: 0)
        _ = poll(&descriptor, 1, 600_000)
    }

    /// Ends the connection by RST instead of FIN.
    public func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    public func close() {
        guard socket >= 0 else { return }
        core.state.withLock { state in
            state.sockets.remove(socket)
            Glibc.close(socket)
        }
        socket = -1
    }

    /// Puts what comes behind ``pending``; false at the end, with errno set.
    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = 0 }
            guard count > 0 else { return false }
            pending += buffer[..<count]
            return true
        }
    }
}
