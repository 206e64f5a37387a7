import Synchronization

/// Counts the bytes that a pass of transfers moves, part by part, and tells the cycle's progress of them.
final class TransferMeter: Sendable {
    private let counts = Mutex((up: Int64(0), down: Int64(0)))
    private let progress: CycleProgress

    init(_ progress: CycleProgress) {
        self.progress = progress
    }

    var sent: Int64 { counts.withLock { $0.up } }
    var received: Int64 { counts.withLock { $0.down } }

    /// `bytes` went up and were taken.
    func noteSent(_ bytes: Int64) {
        counts.withLock { $0.up += bytes }
        progress.update { $0.bytesDone += bytes }
    }

    /// `bytes` came down and were written.
    func noteReceived(_ bytes: Int64) {
        counts.withLock { $0.down += bytes }
        progress.update { $0.bytesDone += bytes }
    }

    /// `bytes` need not be moved: an earlier cycle did.
    func noteSpared(_ bytes: Int64) {
        progress.update { $0.bytesDone += bytes }
    }
}
