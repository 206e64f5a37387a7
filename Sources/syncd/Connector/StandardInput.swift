import Glibc
import SyncEngine

/// Standard input for commands that a person may interrupt while it says nothing.
enum StandardInput {
    enum Piece: Hashable, Sendable {
        case bytes([UInt8])
        case end
        /// A stop was asked for.
        case stopped
        /// It cannot be read; the system's words for why.
        case failed(String)
    }

    /// How long a request to stop may stay unseen, in milliseconds.
    private static let patience: CInt = 100

    /// What comes next, `limit` bytes at most; waits for it.
    static func next(_ limit: Int, until stop: StopSignal) -> Piece {
        var chunk = [UInt8](repeating: 0, count: limit)
        while !stop.isRequested {
            var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, patience)
            if ready == 0 || ready < 0 && errno == EINTR { continue }
            let count = ready < 0 ? -1 : read(STDIN_FILENO, &chunk, limit)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count >= 0 else { return .failed(reason(errno)) }
            return count == 0 ? .end : .bytes(Array(chunk[..<count]))
        }
        return .stopped
    }

    /// The first line, of 1,000 bytes at most, without its end; nil where none came or a stop was asked for.
    static func line(until stop: StopSignal) -> String? {
        var line: [UInt8] = []
        while line.count < 1_000, case .bytes(let bytes) = next(1, until: stop) {
            if bytes == [UInt8(ascii: "\n")] { return String(decoding: line, as: UTF8.self) }
            line += bytes
        }
        return nil
    }
}
