import Synchronization

/// What a cycle wants the operator to know and nothing failed by: each sentence once, however often it is said.
public final class CycleNotices: Sendable {
    private let sentences = Mutex<[String]>([])

    /// Sentences that are kept; beyond, the cycle has said enough.
    private static let maximumKept = 100

    public init() {}

    /// In the order in which they were first said.
    public var all: [String] { sentences.withLock { $0 } }

    func say(_ sentence: String) {
        sentences.withLock { sentences in
            if sentences.count < Self.maximumKept, !sentences.contains(sentence) { sentences.append(sentence) }
        }
    }
}
