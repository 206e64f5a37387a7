/// Everything that a cycle works with: the folder and the seams.
public struct CycleContext: Sendable {
    public var folder: Folder
    public var files: any FileSystem
    public var store: any ObjectStore
    public var index: any Index
    public var clock: any EngineClock
    public var random: any RandomSource
    public var progress: CycleProgress
    /// Set when no more work is to be begun.
    public var stop: StopSignal
    /// What the operator should know of the cycle, beside its problems.
    public let notices = CycleNotices()
    /// Requests under way at once at most; at least 1.
    public var concurrency: Int
    /// How the bucket is listed.
    public var listing: ListingPolicy
    /// Permission bits of a downloaded file whose object names none: 0666 less the umask.
    public var defaultMode: UInt16
    public var parts: PartPolicy
    /// Where large transfers run; nil for where all else does.
    public var bulkThreads: (any TaskExecutor)?
    /// Is told of every directory that is read; nil where nothing is watched.
    public var watcher: (any DirectoryWatcher)?
    /// The same for all cycles and reactions of a folder in one process.
    public var share: FolderShare
    /// Takes the outcomes in place of the index, which then keeps only what unfinished transfers need; nil for a folder
    /// that is synced.
    var outcomes: (@Sendable (Outcome) -> Void)?

    public init(
        folder: Folder,
        files: any FileSystem,
        store: any ObjectStore,
        index: any Index,
        clock: any EngineClock,
        random: any RandomSource,
        progress: CycleProgress = CycleProgress(),
        stop: StopSignal = StopSignal(),
        concurrency: Int = 32,
        defaultMode: UInt16 = 0o644,
        parts: PartPolicy = .standard,
        watcher: (any DirectoryWatcher)? = nil,
        share: FolderShare = FolderShare()
    ) {
        self.folder = folder
        self.files = files
        self.store = store
        self.index = index
        self.clock = clock
        self.random = random
        self.progress = progress
        self.stop = stop
        self.concurrency = max(1, concurrency)
        listing = .standard(concurrency: concurrency)
        self.defaultMode = defaultMode
        self.parts = parts
        self.watcher = watcher
        self.share = share
    }

    var claims: PathClaims { share.claims }

    /// Jobs to have under way at the moment, at least 1: as many as the store can bear, and never more than
    /// ``concurrency``.
    var jobsAtOnce: Int { min(concurrency, max(1, store.worthwhileRequests ?? concurrency)) }

    /// Requests by class since the store's count was `before`, without the classes that had none.
    func requests(since before: [String: Int64]) -> [String: Int64] {
        store.requestCounts.merging(before) { $0 - $1 }.filter { $0.value > 0 }
    }
}
