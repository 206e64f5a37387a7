import SyncEngine
import Synchronization

/// Running totals of a daemon, by folder, since it began.
final class MetricsLedger: Sendable {
    /// Of one folder.
    struct Totals: Sendable {
        var uploaded: Int64 = 0
        var downloaded: Int64 = 0
        var deletedLocal: Int64 = 0
        var deletedRemote: Int64 = 0
        var bytesUp: Int64 = 0
        var bytesDown: Int64 = 0
        var requests: [String: Int64] = [:]
        var retries: Int64 = 0
        var cycles: Int64 = 0
        var reactions: Int64 = 0
        var failures: Int64 = 0
        var watching: WatchStatus?
        /// When the last cycle that came to its end did.
        var lastSuccess: UnixTime?
    }

    private let folders = Mutex<[String: Totals]>([:])

    func totals(of folder: String) -> Totals { folders.withLock { $0[folder] ?? Totals() } }

    /// `scanned` says that it was a cycle, no reaction.
    func add(_ report: CycleReport, of folder: String, scanned: Bool) {
        folders.withLock { folders in
            var totals = folders[folder] ?? Totals()
            let record = report.record
            totals.uploaded += record.uploaded
            totals.downloaded += record.downloaded
            totals.deletedLocal += record.deletedLocal
            totals.deletedRemote += record.deletedRemote
            totals.bytesUp += record.bytesUp
            totals.bytesDown += record.bytesDown
            totals.requests.merge(record.requests, uniquingKeysWith: +)
            totals.retries += report.retries
            if scanned { totals.cycles += 1 } else { totals.reactions += 1 }
            if report.failure != nil {
                totals.failures += 1
            } else if scanned {
                totals.lastSuccess = record.finishedAt
            }
            folders[folder] = totals
        }
    }

    func note(_ watching: WatchStatus?, of folder: String) {
        folders.withLock { $0[folder, default: Totals()].watching = watching }
    }
}
