/// The number of an observation or an outcome: later ones are larger, over all runs of an index.
public struct Sequence: Hashable, Comparable, Sendable {
    public var value: Int64

    public init(value: Int64) {
        self.value = value
    }

    public static func < (left: Sequence, right: Sequence) -> Bool {
        left.value < right.value
    }
}

/// One file that a scan saw.
public struct LocalObservation: Hashable, Sendable {
    public var path: RelativePath
    public var state: LocalState

    public init(path: RelativePath, state: LocalState) {
        self.path = path
        self.state = state
    }
}

/// One object that a listing saw.
public struct RemoteObservation: Hashable, Sendable {
    public var path: RelativePath
    public var state: RemoteState

    public init(path: RelativePath, state: RemoteState) {
        self.path = path
        self.state = state
    }
}

/// What of an unseen row is no evidence of absence.
public struct Unseen: Sendable {
    /// Directories that were not read: they and all beneath them are unknown.
    public var unknown: [RelativePath]
    /// Whether a path is excluded from syncing: its row leaves the index, without a delete on either side.
    public var isExcluded: @Sendable (RelativePath) -> Bool
    /// Whether the rows of excluded paths stay instead, because nothing was decided on yet.
    public var keepsExcluded: Bool

    public init(
        unknown: [RelativePath],
        keepsExcluded: Bool = false,
        isExcluded: @escaping @Sendable (RelativePath) -> Bool
    ) {
        self.unknown = unknown
        self.keepsExcluded = keepsExcluded
        self.isExcluded = isExcluded
    }
}

/// What of a side, or of the entries, is looked at.
public enum EntryScope: Hashable, Sendable {
    case whole
    /// Paths, each with all that lies beneath it; none of them beneath another.
    case paths([RelativePath])
}

/// How a change ended, as the index records it. It names the entry as it was read: where its local side was seen anew
/// since, what was concluded from the old one is not recorded, and the entry stays in need of attention.
public enum Outcome: Sendable {
    /// Both sides hold the same: the new base, and with it both observed sides. `endedJob` is what made it so, where that
    /// was a transfer of many steps: its job goes too. Any other job of the path stays, until what it left is cleared up.
    case agreed(entry: EntryVersion, base: BaseState, isRacy: Bool, endedJob: EndedJob? = nil)
    /// An object was sent that holds what the file was, and the file is another by now: it is the base all the same, since
    /// nobody else's version stands there. The local side stays as it is known, in need of attention.
    case sent(entry: EntryVersion, base: BaseState)
    /// Gone on both sides: the row goes.
    case removed(entry: EntryVersion)
    /// Both sides, as they are recorded, were compared and hold different bytes; the entry stays in need of attention.
    case compared(entry: EntryVersion)
    /// The file, whose state this is, was read again and still holds base's content: its identity can be relied on. The entry
    /// stays in need of attention.
    case confirmed(entry: EntryVersion, LocalState)
    /// Rightly left as it is: no attention until something changes.
    case left(entry: EntryVersion)
    /// A side was looked at again and is otherwise than recorded; the entry stays in need of attention.
    case observedLocal(entry: EntryVersion, LocalState?)
    case observedRemote(entry: EntryVersion, RemoteState?)
    /// Not done; the entry stays in need of attention, and the problem is shown. It is tried again after a while, which
    /// grows with each failure in a row: see ``RetryDelay``.
    case failed(entry: EntryVersion, Problem)
}

extension Outcome {
    /// True if a transfer of many steps has ended with it.
    var endsJob: Bool {
        switch self {
        case .agreed(_, _, _, let endedJob): endedJob != nil
        case .sent, .removed, .compared, .confirmed, .left, .observedLocal, .observedRemote, .failed: false
        }
    }

    /// True if what was agreed on may have changed since without a trace.
    var isRacy: Bool {
        switch self {
        case .agreed(_, _, let isRacy, _): isRacy
        case .sent, .removed, .compared, .confirmed, .left, .observedLocal, .observedRemote, .failed: false
        }
    }
}

/// What the index remembers of a folder between cycles.
public struct FolderMemory: Sendable {
    public var id: Int64
    /// The root that was adopted; nil before the first cycle.
    public var root: RootIdentity?
    /// N of the quantity gate, and when it was taken; nil if no delete is in its hour.
    public var gate: GateMemory?
    /// Entries that have a base, and the bytes of their content.
    public var baseCount: Int64
    public var baseBytes: Int64
    /// Whether the operator wants it to rest.
    public var isPaused: Bool
    /// What its store was last seen to do; nil where nobody tried.
    public var capabilities: KnownCapabilities?

    public init(
        id: Int64,
        root: RootIdentity?,
        gate: GateMemory?,
        baseCount: Int64,
        baseBytes: Int64,
        isPaused: Bool = false
    ) {
        self.isPaused = isPaused
        self.id = id
        self.root = root
        self.gate = gate
        self.baseCount = baseCount
        self.baseBytes = baseBytes
    }
}

/// The quantity gate's N: the base entries at the start of the first cycle of the hour that wanted a delete.
public struct GateMemory: Hashable, Sendable {
    public var baseCount: Int64
    public var since: UnixTime
    /// True while the folder is halted by this gate: N is kept until the set is approved or has shrunk.
    public var isHalted: Bool

    public init(baseCount: Int64, since: UnixTime, isHalted: Bool) {
        self.baseCount = baseCount
        self.since = since
        self.isHalted = isHalted
    }
}

/// What is known of all that lies beneath a directory.
public struct SubtreeTrace: Hashable, Sendable {
    /// Whether any entry there has a base.
    public var holdsBase = false
    /// Whether the observation saw any entry there, and whether one of those with a base.
    public var sawAny = false
    public var sawBase = false

    public init() {}
}

/// One change that needs approval, with the identity of what it destroys.
public struct GatedChange: Hashable, Sendable {
    /// What the change does, or what it accepts.
    public enum Action: String, Sendable, CaseIterable {
        case deleteLocal, deleteRemote, overwriteLocal, overwriteRemote
        /// Of a folder as a whole: another root, or a side that held entries and is empty now.
        case acceptRoot, acceptEmptiedLocal, acceptEmptiedRemote
    }

    public var path: RelativePath
    public var action: Action
    /// ETag and size, or inode, size and times, of the version that would go: another version needs another approval.
    public var identity: String

    public init(path: RelativePath, action: Action, identity: String) {
        self.path = path
        self.action = action
        self.identity = identity
    }
}

/// One cycle, for the history.
public struct CycleRecord: Hashable, Sendable {
    /// How the cycle ended; `problems` is an end too.
    public enum Result: String, Sendable {
        case inSync, problems, halted, failed, interrupted
        /// All is well; deletes wait to be judged together.
        case held
    }

    public var startedAt: UnixTime
    public var finishedAt: UnixTime
    public var result: Result
    public var uploaded: Int64
    public var downloaded: Int64
    public var deletedLocal: Int64
    public var deletedRemote: Int64
    public var bytesUp: Int64
    public var bytesDown: Int64
    /// By class: LIST, GET, HEAD, PUT, DELETE, POST.
    public var requests: [String: Int64]

    public init(
        startedAt: UnixTime,
        finishedAt: UnixTime,
        result: Result,
        uploaded: Int64 = 0,
        downloaded: Int64 = 0,
        deletedLocal: Int64 = 0,
        deletedRemote: Int64 = 0,
        bytesUp: Int64 = 0,
        bytesDown: Int64 = 0,
        requests: [String: Int64] = [:]
    ) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.result = result
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.deletedLocal = deletedLocal
        self.deletedRemote = deletedRemote
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.requests = requests
    }
}

extension CycleRecord {
    /// True if anything was transferred or deleted, or went wrong.
    var didSomething: Bool {
        if uploaded + downloaded + deletedLocal + deletedRemote > 0 { return true }
        switch result {
        case .inSync, .problems, .held: return false
        case .halted, .failed, .interrupted: return true
        }
    }
}

/// A problem as the index keeps it.
public struct KnownProblem: Hashable, Sendable {
    public var problem: Problem
    /// When it was first met without a break.
    public var since: UnixTime

    public init(problem: Problem, since: UnixTime) {
        self.problem = problem
        self.since = since
    }
}

/// Numbers for `status`.
public struct FolderCounts: Hashable, Sendable {
    /// Entries that have a base.
    public var entries: Int64
    /// Bytes of their content.
    public var bytes: Int64
    /// Entries that need attention.
    public var attention: Int64

    public init(entries: Int64, bytes: Int64, attention: Int64) {
        self.entries = entries
        self.bytes = bytes
        self.attention = attention
    }
}

/// The memory of all folders, on disk. Each function that writes is one transaction; reads are pages.
public protocol Index: JobIndex, AnyObject {
    /// The folder's row, made anew if its name is new or names another pair than before (root path, endpoint, bucket,
    /// prefix or direction differ): a new pair has no base. Entries are marked for attention where the policy changed.
    func open(_ folder: Folder) async throws -> FolderMemory
    /// The folder's row as it stands, with nothing written; nil where this pair has none.
    func memory(of folder: Folder) async throws -> FolderMemory?
    /// Drops all that is known of a folder.
    func forget(_ folder: Int64) async throws
    /// Notes the root that was adopted.
    func setRoot(_ folder: Int64, _ root: RootIdentity) async throws
    /// Notes the quantity gate's N; nil where no hour runs.
    func setGate(_ folder: Int64, _ gate: GateMemory?) async throws

    /// Notes whether the operator wants the folder to rest.
    func setPaused(_ folder: Int64, _ isPaused: Bool) async throws
    /// Notes what the folder's store was seen to do, in place of what it was seen to do before.
    func setCapabilities(_ folder: Int64, _ known: KnownCapabilities) async throws

    /// Takes the number of an observation of one side; call it before the first request or directory read. `scope` is
    /// what will be looked at: of nothing else an absence is concluded.
    func beginObservation(_ folder: Int64, of side: Side, within scope: EntryScope) async throws -> Sequence
    /// Writes what differs from the rows, for rows that nothing younger than `number` touched. At most 1,000 a page.
    func observe(_ number: Sequence, local page: [LocalObservation]) async throws
    /// The same for objects.
    func observe(_ number: Sequence, remote page: [RemoteObservation]) async throws
    /// The observation was complete but for `unseen`: rows it did not see are absent now.
    func completeObservation(_ number: Sequence, unseen: Unseen) async throws
    /// Whether there are rows on that side which the observation has not seen: they count as gone when it is complete.
    func hasUnseen(_ number: Sequence) async throws -> Bool
    /// The observation ended early: what it did not see stays as it was.
    func abandonObservation(_ number: Sequence) async

    /// What the index holds beneath a directory, and what of it an observation under way has seen.
    func trace(_ number: Sequence, beneath directory: RelativePath) async throws -> SubtreeTrace
    /// Directories of the folder that were noted as mount points.
    func mountPoints(_ folder: Int64) async throws -> Set<RelativePath>
    /// Notes mount points, and forgets others.
    func setMountPoints(_ folder: Int64, noting new: Set<RelativePath>, forgetting old: Set<RelativePath>) async throws

    /// Entries in need of attention after `path` (nil: from the first), in byte order: all of the folder, or those at and
    /// beneath `root`. Without those whose next attempt is later than `time`; nil for all.
    func attention(
        _ folder: Int64,
        beneath root: RelativePath?,
        after path: RelativePath?,
        dueBy time: UnixTime?,
        limit: Int
    ) async throws -> [Entry]
    /// When the first of the entries that failed is to be tried again; nil where none waits.
    func nextAttempt(_ folder: Int64) async throws -> UnixTime?
    /// Whether any entry is present on a side.
    func holdsAny(_ folder: Int64, on side: Side) async throws -> Bool
    /// The entry at a path; nil if the index has no row for it.
    func entry(_ folder: Int64, at path: RelativePath) async throws -> Entry?
    /// The entry at a path, with all else that the index holds of it; nil if it has no row.
    func notes(_ folder: Int64, at path: RelativePath) async throws -> EntryNotes?
    /// The entries at `paths`, one for each and in their order; nil where the index has no row. As many
    /// as a page of a listing holds.
    func entries(_ folder: Int64, at paths: [RelativePath]) async throws -> [Entry?]
    /// Entries that have a base after `path` (nil: from the first), in byte order.
    func agreed(_ folder: Int64, after path: RelativePath?, limit: Int) async throws -> [Entry]
    /// The first entry beneath a directory that has a local or a remote side; nil if there is none.
    func firstEntry(_ folder: Int64, beneath directory: RelativePath) async throws -> Entry?
    /// All outcomes in one transaction. A problem noted for an entry goes when the entry's outcome is another.
    func record(_ folder: Int64, _ outcomes: [Outcome], at time: UnixTime) async throws

    /// Replaces the problems that belong to no entry, as far as they lie within `scope`: those of a scan (`.local`) or a
    /// listing (`.remote`).
    func setProblems(
        _ folder: Int64,
        of side: Side,
        within scope: EntryScope,
        _ problems: [Problem],
        at time: UnixTime
    ) async throws
    /// Problems of entries, walks and listings in the byte order of their paths, at most `limit`.
    func problems(_ folder: Int64, limit: Int) async throws -> [KnownProblem]
    /// Up to `count` names of a folder's objects, drawn evenly from its rows and in no order: fewer where other folders' rows
    /// lie between.
    func someNames(_ folder: Int64, count: Int) async throws -> [[UInt8]]
    /// Numbers for `status`, kept up to date by every write: it costs no pass over the entries.
    func counts(_ folder: Int64) async throws -> FolderCounts

    /// Notes deletes that were done, for the gate's sliding hour.
    func noteDeletes(_ folder: Int64, count: Int64, at time: UnixTime) async throws
    /// Deletes that were noted at `time` or later.
    func deletes(_ folder: Int64, since time: UnixTime) async throws -> Int64

    /// Empties the set that waits for approval, before a cycle collects it anew.
    func clearWaiting(_ folder: Int64) async throws
    /// Adds to the set that waits for approval.
    func addWaiting(_ folder: Int64, _ changes: [GatedChange]) async throws
    /// Approves all that waits, until `expiry`. - Returns: how many changes of each kind that were.
    func approveWaiting(_ folder: Int64, until expiry: UnixTime) async throws -> [GatedChange.Action: Int64]
    /// Which of `changes` were approved and are still valid at `time`.
    func approved(_ folder: Int64, among changes: [GatedChange], at time: UnixTime) async throws -> Set<GatedChange>
    /// Ends approvals of the folder as a whole: what they let pass has passed.
    func endApprovals(_ folder: Int64, of actions: [GatedChange.Action]) async throws
    /// Whether anything is approved and valid at `time`, so that asking row by row can be spared.
    func hasApprovals(_ folder: Int64, at time: UnixTime) async throws -> Bool

    /// Adds a cycle to the history, which keeps the last 1,000.
    func addCycle(_ folder: Int64, _ record: CycleRecord) async throws
    /// The cycle that ended last; nil before the first.
    func lastCycle(_ folder: Int64) async throws -> CycleRecord?
}

extension Index {
    /// Begins the observation of a whole side.
    public func beginObservation(_ folder: Int64, of side: Side) async throws -> Sequence {
        try await beginObservation(folder, of: side, within: .whole)
    }

    /// All entries in need of attention after `path`, in byte order.
    public func attention(_ folder: Int64, after path: RelativePath?, limit: Int) async throws -> [Entry] {
        try await attention(folder, beneath: nil, after: path, dueBy: nil, limit: limit)
    }
}
