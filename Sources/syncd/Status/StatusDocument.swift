import SyncEngine
import Text

/// What `status --json` says: all folders as they were last seen. A fixed contract of names, see its JSON beside this
/// file.
struct StatusDocument: Hashable, Sendable {
    var version = Version.number
    /// True while a process syncs.
    var running: Bool
    var folders: [FolderStatus]
}

struct FolderStatus: Hashable, Sendable {
    enum State: String, Sendable, CaseIterable {
        case idle
        case scanning
        case transferring
        case paused
        case halted
        case failing
    }

    struct Halt: Hashable, Sendable {
        /// Whole sentences, examples included.
        var reason: String
        /// What lets the folder go on; nil where only mending the cause does.
        var command: String?
    }

    /// At most this many problems of a folder are kept.
    static let maximumProblems = 1_000
    /// At most this many warnings.
    static let maximumWarnings = 100

    var name: String
    var path: String
    var bucket: String
    var prefix: String
    var direction: Direction
    var state = State.idle
    var inSync = false
    var entries: Int64 = 0
    /// Of the entries' content.
    var bytes: Int64 = 0
    var pending = ChangeCounts()
    var skipped: Int64 = 0
    var problems: [ProblemStatus] = []
    /// What the last cycle had to say and nothing failed by.
    var warnings: [String] = []
    var halt: Halt?
    var lastCycle: CycleRecord?
    /// Nil where nothing waits.
    var oldestUnsyncedSeconds: Int64?
    /// When that was so; nil where it does not grow any more by itself, as in a document that was read.
    var agedAt: UnixTime?
    /// How well its directories are watched; nil where nobody does.
    var watching: WatchStatus?
    /// What its store was last seen to do; nil where nobody tried.
    var capabilities: KnownCapabilities?
    /// What its writes to the bucket go by; nil where it writes nothing there, and while nobody knows.
    var guards: WriteGuards?

    /// A folder that was never synced.
    init(_ configured: ConfiguredFolder) {
        name = configured.folder.name
        path = configured.path
        bucket = configured.folder.bucket
        prefix = String(decoding: configured.folder.prefix, as: UTF8.self)
        direction = configured.folder.policy.direction
        guards = WriteGuards(configured.folder, seen: nil)
    }
}

/// One problem. The failure of a whole folder is one too, with an empty path.
struct ProblemStatus: Hashable, Sendable {
    /// In bytes, as the engine has it.
    var path: [UInt8]
    var kind: String
    var message: String
    var since: UnixTime

    init(path: [UInt8], kind: String, message: String, since: UnixTime) {
        self.path = path
        self.kind = kind
        self.message = message
        self.since = since
    }

    init(_ known: KnownProblem) {
        path = known.problem.path
        kind = known.problem.kind.rawValue
        message = known.problem.message
        since = known.since
    }
}

extension FolderStatus {
    /// True if this says something of the same pair of places: otherwise nothing of it holds for `configured`.
    func describes(_ configured: ConfiguredFolder) -> Bool {
        let fresh = FolderStatus(configured)
        return name == fresh.name && path == fresh.path && bucket == fresh.bucket && prefix == fresh.prefix
            && direction == fresh.direction
    }

    /// Takes over what a cycle found; `command` approves a halt of this folder.
    mutating func finish(_ report: CycleReport, approveCommand command: String, now: UnixTime) {
        let failureBefore = problems.first { $0.path.isEmpty }
        pending = report.pending
        skipped = report.skipped
        entries = report.counts.entries
        bytes = report.counts.bytes
        problems = report.problems.prefix(Self.maximumProblems).map { ProblemStatus($0) }
        if let failure = report.failure, report.isFailure {
            let isOld = failureBefore?.kind == failure.code.rawValue
            problems.insert(
                ProblemStatus(
                    path: [],
                    kind: failure.code.rawValue,
                    message: failure.message,
                    since: isOld ? failureBefore?.since ?? report.record.startedAt : report.record.startedAt
                ),
                at: 0
            )
        }
        warnings = Array(report.warnings.prefix(Self.maximumWarnings))
        if !leavesHalt(report) {
            halt = report.halt.map { Halt(reason: $0.text, command: $0.reason.isApprovable ? command : nil) }
        }
        lastCycle = report.record
        capabilities = report.capabilities
        guards = report.guards
        inSync = report.record.result == .inSync && report.failure == nil && halt == nil
        noteAge(of: report, now: now)
        state = halt != nil ? .halted : report.isFailure ? .failing : .idle
    }
}

extension FolderStatus {
    /// True for a cycle that judged no deletes, since they are held: what was halted before still is.
    private func leavesHalt(_ report: CycleReport) -> Bool {
        halt?.command != nil && report.halt == nil && report.failure == nil && report.held > 0
    }

    /// Takes over what a reaction found: of the folder as a whole it knows the numbers and the problems.
    mutating func react(_ report: CycleReport, now: UnixTime) {
        guard report.failure == nil else {
            finish(report, approveCommand: halt?.command ?? "", now: now)
            return
        }
        entries = report.counts.entries
        bytes = report.counts.bytes
        problems = report.problems.prefix(Self.maximumProblems).map { ProblemStatus($0) }
        pending.deletes = max(pending.deletes, report.held)
        if report.record.uploaded > 0 { lastCycle = report.record }
        if report.held > 0 || report.leftToCycle > 0 || !problems.isEmpty {
            inSync = false
            noteAge(of: report, now: now)
        } else if halt == nil, state == .idle, pending.isEmpty {
            inSync = true
            oldestUnsyncedSeconds = nil
        }
    }

    /// The age of the oldest thing that is not in sync: of the oldest problem, or of the first cycle of those, without a
    /// break, that did not end in sync.
    private mutating func noteAge(of report: CycleReport, now: UnixTime) {
        age(until: now)
        guard !inSync else {
            oldestUnsyncedSeconds = nil
            return
        }
        let since = (report.problems.map(\.since) + [report.record.startedAt]).min() ?? now
        oldestUnsyncedSeconds = max(oldestUnsyncedSeconds ?? 0, now.since(since).components.seconds, 0)
        agedAt = now
    }

    /// What waits has waited longer by now.
    mutating func age(until now: UnixTime) {
        guard let known = oldestUnsyncedSeconds, let then = agedAt else { return }
        let seconds = now.since(then).components.seconds
        guard seconds > 0 else { return }
        oldestUnsyncedSeconds = known + seconds
        agedAt = then.adding(.seconds(seconds))
    }
}

extension CycleReport {
    /// True if the cycle came to no good end, and no gate is the reason.
    var isFailure: Bool {
        if let failure { return failure.code != .interrupted }
        switch record.result {
        case .failed: return true
        case .inSync, .problems, .held, .halted, .interrupted: return false
        }
    }
}

extension SyncEngine.Halt {
    /// The summary and the examples in one text.
    var text: String {
        let names = examples.map { escaped($0.bytes) }
        return printable(reason.summary) + (names.isEmpty ? "" : " For example: \(names.joined(separator: ", ")).")
    }
}
