import Synchronization

/// What a cycle wants the operator to know and nothing failed by: each sentence once, however often it is said.
public final class CycleNotices: Sendable {
    private let sentences = Mutex<[String]>([])
    private let surprising = Mutex<Int64>(0)
    private let racy = Mutex((paths: [RelativePath](), count: 0))

    /// Sentences that are kept; beyond, the cycle has said enough.
    private static let maximumKept = 100

    public init() {}

    /// In the order in which they were first said.
    public var all: [String] { sentences.withLock { $0 } }

    /// Files that were written so lately that they are to be looked at once more: the first of them, and how many.
    public var racyPaths: (paths: [RelativePath], count: Int) { racy.withLock { $0 } }

    /// Objects that were found to be others than the index knew.
    var surprises: Int64 { surprising.withLock { $0 } }

    func noteSurprise() {
        surprising.withLock { $0 += 1 }
    }

    func noteRacy(_ path: RelativePath) {
        racy.withLock { racy in
            racy.count += 1
            if racy.paths.count < Self.maximumRacy { racy.paths.append(path) }
        }
    }

    /// Racy paths that are kept one by one.
    public static let maximumRacy = 1_000

    func say(_ sentence: String) {
        sentences.withLock { sentences in
            if sentences.count < Self.maximumKept, !sentences.contains(sentence) { sentences.append(sentence) }
        }
    }
}
