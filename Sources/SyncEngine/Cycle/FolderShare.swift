import Synchronization

/// What a daemon's cycles and reactions of one folder share: what was seen beside the index, and who works on what.
public final class FolderShare: Sendable {
    let claims = PathClaims()
    /// What is on its way.
    public let transfers = LiveTransfers()
    private let seen = Mutex(Seen())

    private struct Seen {
        var view: FolderView?
        /// What was seen beside this index means nothing beside another.
        weak var index: AnyObject?
    }

    public init() {}

    /// Nil until both sides were looked at as a whole.
    var view: FolderView? { seen.withLock(\.view) }

    func note(_ view: FolderView) {
        seen.withLock { $0.view = view }
    }

    /// Takes over a look at `paths`: all else may have been looked at since by a cycle.
    func merge(_ scan: ScanResult, of paths: [RelativePath]) {
        seen.withLock { $0.view?.merge(scan, of: paths) }
    }

    /// Forgets what was seen if `index` is another than before: a damaged one was replaced.
    func use(_ index: any Index) {
        seen.withLock { seen in
            if seen.index !== index { seen.view = nil }
            seen.index = index
        }
    }

    /// True once reactions are possible: they go by what a whole look brought.
    public var isSurveyed: Bool { view != nil }

    /// True while a cycle of the folder runs.
    public var isCycleRunning: Bool { claims.cycleRuns }

    /// What the reaction that began last left, because a cycle works on it: it is to be looked at again.
    public var deferred: [RelativePath] { claims.deferred }
}
