import Synchronization

/// How far a cycle is, for whoever shows it.
public struct ProgressSnapshot: Hashable, Sendable {
    /// What the cycle is at.
    public enum Phase: String, Sendable {
        case idle, scanning, comparing, transferring
        /// Of verifying.
        case listing, verifying
    }

    public var phase: Phase = .idle
    public var filesScanned: Int64 = 0
    public var pagesListed: Int64 = 0
    /// Transfers that the cycle set out to do, or entries to verify, and their bytes.
    public var transfers: Int64 = 0
    public var bytes: Int64 = 0
    public var transfersDone: Int64 = 0
    /// How many of the transfers come down.
    public var downloads: Int64 = 0
    public var downloadsDone: Int64 = 0
    public var bytesDone: Int64 = 0

    public init() {}
}

/// The progress of one cycle, written by the engine and read by any thread at any time.
public final class CycleProgress: Sendable {
    private let state = Mutex(ProgressSnapshot())

    public init() {}

    public var snapshot: ProgressSnapshot { state.withLock { $0 } }

    func update(_ change: (inout ProgressSnapshot) -> Void) {
        state.withLock { change(&$0) }
    }
}
