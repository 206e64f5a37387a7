import Glibc
import Synchronization

/// A server on loopback that answers what a test tells it to, byte for byte, on threads of its own.
public final class ScriptedServer: Sendable {
    /// What one connection meets. It is called for each connection with its number, from 1, and ends it by returning.
    public typealias Script = @Sendable (_ number: Int, _ connection: Connection) -> Void

    public let port: UInt16
    private let listener: CInt

    /// One accepted connection.
    public struct Connection: Sendable {
        let socket: CInt

        /// Reads up to the end of a request's head; empty where the client has gone.
        public func readHead() -> String {
            var head: [UInt8] = []
            var byte: UInt8 = 0
            while head.count < 1 << 20, recv(socket, &byte, 1, 0) == 1 {
                head.append(byte)
                if head.suffix(4).elementsEqual("\r\n\r\n".utf8) { break }
            }
            return String(decoding: head, as: UTF8.self)
        }

        /// Reads `count` bytes of a body, or as many as come.
        public func read(_ count: Int) -> [UInt8] {
            var body = [UInt8](repeating: 0, count: count)
            var position = 0
            while position < count {
                let got = body.withUnsafeMutableBytes {
                    recv(socket, $0.baseAddress?.advanced(by: position), count - position, 0)
                }
                guard got > 0 else { break }
                position += got
            }
            return Array(body.prefix(position))
        }

        public func write(_ text: String) { write(Array(text.utf8)) }

        public func write(_ bytes: [UInt8]) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
                guard sent > 0 else { return }
                rest = rest.dropFirst(sent)
            }
        }

        /// Ends the connection with a reset: what was sent before may be lost.
        public func reset() {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        }

        /// Waits until the client closes the connection.
        public func waitForEnd() {
            var byte: UInt8 = 0
            while recv(socket, &byte, 1, 0) > 0 { continue }
        }
    }

    /// Listens on a port of the system's choice until it is released.
    public init(_ script: @escaping Script) {
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (listener, size) = (listener, length)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, size) == 0 && listen(listener, 128) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        precondition(isBound, "no port on loopback")
        port = UInt16(bigEndian: address.sin_port)
        Self.start {
            var number = 0
            while true {
                let accepted = accept(listener, nil, nil)
                guard accepted >= 0 else { return }
                number += 1
                let (own, connection) = (number, Connection(socket: accepted))
                Self.start {
                    script(own, connection)
                    close(accepted)
                }
            }
        }
    }

    deinit {
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
    }

    public var origin: String { "http://127.0.0.1:\(port)" }

    private static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(body)).toOpaque()
        let status = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            box
        )
        precondition(status == 0, "no thread for a server")
        pthread_detach(thread)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
