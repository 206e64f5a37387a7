/// Changes that a cycle found, by what they do.
public struct ChangeCounts: Hashable, Sendable {
    public var uploads: Int64 = 0
    public var downloads: Int64 = 0
    public var deletes: Int64 = 0
    /// Bytes to transfer.
    public var bytes: Int64 = 0

    public init() {}

    public var isEmpty: Bool { uploads == 0 && downloads == 0 && deletes == 0 }
}

/// One change that a cycle would make, for `plan`.
public struct PlannedChange: Hashable, Sendable {
    public var path: RelativePath
    public var change: Change
    /// Bytes to transfer; nil for a change that transfers nothing.
    public var bytes: Int64?
    /// When the local file was modified; nil where there is none.
    public var modified: UnixTime?
    /// True if a gate would hold it back until it is approved.
    public var isGated: Bool

    public init(path: RelativePath, change: Change, bytes: Int64?, modified: UnixTime?, isGated: Bool) {
        self.path = path
        self.change = change
        self.bytes = bytes
        self.modified = modified
        self.isGated = isGated
    }
}

/// A folder that a gate stopped.
public struct Halt: Hashable, Sendable {
    public var reason: HaltReason
    /// Up to five paths that it is about.
    public var examples: [RelativePath]

    public init(reason: HaltReason, examples: [RelativePath] = []) {
        self.reason = reason
        self.examples = examples
    }
}

/// How a cycle over one folder went.
public struct CycleReport: Sendable {
    public var record: CycleRecord
    /// What was found and not done: waiting for approval, failed, or only planned.
    public var pending: ChangeCounts
    /// How many of those wait only to be judged together with others.
    public var held: Int64
    /// Names that are rightly not synced: excluded, links, special files.
    public var skipped: Int64
    public var problems: [KnownProblem]
    public var halt: Halt?
    public var failure: CycleFailure?
    public var counts: FolderCounts
    /// The changes of a plan, in byte order, deletes in place; empty after a cycle that acted.
    public var planned: [PlannedChange]
    /// What the operator should know and nothing failed by, a sentence or two each. It changes no exit code.
    public var warnings: [String]
    /// When the first of the entries that failed is to be tried again; nil where none waits.
    public var nextAttempt: UnixTime?
    /// Files to be looked at once more in two seconds, being written so lately: the first of them, and how many.
    public var racy: (paths: [RelativePath], count: Int) = ([], 0)
    /// What was left to the next cycle: large files, downloads and conflicts that a reaction found, and objects that turned
    /// out to be others than the index knew.
    public var leftToCycle: Int64 = 0
    /// Requests that were tried again.
    public var retries: Int64 = 0
    /// What the store was last seen to do; nil where nobody tried.
    public var capabilities: KnownCapabilities?
    /// What writes to the bucket go by; nil where nothing is written there, and while nobody knows.
    public var guards: WriteGuards?

    public init(
        record: CycleRecord,
        pending: ChangeCounts = .init(),
        held: Int64 = 0,
        skipped: Int64 = 0,
        problems: [KnownProblem] = [],
        halt: Halt? = nil,
        failure: CycleFailure? = nil,
        counts: FolderCounts = .init(entries: 0, bytes: 0, attention: 0),
        planned: [PlannedChange] = [],
        warnings: [String] = [],
        nextAttempt: UnixTime? = nil
    ) {
        self.record = record
        self.pending = pending
        self.held = held
        self.skipped = skipped
        self.problems = problems
        self.halt = halt
        self.failure = failure
        self.counts = counts
        self.planned = planned
        self.warnings = warnings
        self.nextAttempt = nextAttempt
    }
}
