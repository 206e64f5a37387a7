import Synchronization

/// The calls that crossed the seams, in their order.
public final class Trace: Sendable {
    private let calls = Mutex<[String]>([])

    public init() {}

    public var lines: [String] { calls.withLock { $0 } }

    /// Adds a line.
    public func note(_ operation: String, _ path: [UInt8]) {
        calls.withLock { $0.append("\(operation) \(String(decoding: path, as: UTF8.self))") }
    }
}
