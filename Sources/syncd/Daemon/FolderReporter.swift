import Logging
import SyncEngine
import Synchronization

/// Tells the log and the status of one folder what its loop does: a line for each change of state, none for sameness.
final class FolderReporter: FolderLoopObserver {
    private struct State {
        var condition: Condition?
        /// What reactions did since the last line that told of them.
        var uploaded: Int64 = 0
        var bytes: Int64 = 0
        var toldAt: UnixTime?
        var warnings: Set<String> = []
        /// What was said last of directories that are not watched.
        var unwatched: String?
    }

    /// What a folder's cycles come to, as far as an operator would call it a change.
    private enum Condition: Hashable {
        case inSync
        case held
        case problems(Int)
        case halted(String)
        case failing(CycleFailure.Code)
        case interrupted

        var isHalt: Bool {
            switch self {
            case .halted: true
            case .inSync, .held, .problems, .failing, .interrupted: false
            }
        }
    }

    private let folder: String
    private let approveCommand: String
    private let board: StatusBoard
    private let metrics: MetricsLedger
    private let clock: any EngineClock
    private let log: Logger
    private let watcher: FolderWatcher?
    private let watchFailure: String?
    private let changed: @Sendable () -> Void
    private let state = Mutex(State())

    /// Between two lines on what reactions did.
    private static let reactionInterval = Duration.seconds(60)

    /// `changed` is called when the status has changed for good: at the end of a cycle.
    init(
        _ folder: String,
        approveCommand: String,
        board: StatusBoard,
        metrics: MetricsLedger,
        clock: any EngineClock,
        log: Logger,
        watcher: FolderWatcher?,
        watchFailure: String?,
        changed: @escaping @Sendable () -> Void
    ) {
        self.folder = folder
        self.approveCommand = approveCommand
        self.board = board
        self.metrics = metrics
        self.clock = clock
        var log = log
        log[metadataKey: "folder"] = "\(folder)"
        self.log = log
        self.watcher = watcher
        self.watchFailure = watchFailure
        self.changed = changed
    }

    func cycleBegan(_ plan: FolderSchedule.Plan, _ progress: CycleProgress) {
        board.begin(folder, progress)
        log.debug("cycle begins", metadata: ["scans": "\(plan.scans)", "lists": "\(plan.lists)"])
    }

    func cycleEnded(_ report: CycleReport, _ schedule: FolderSchedule) {
        board.finish(folder, report, approveCommand: approveCommand, now: clock.now())
        metrics.add(report, of: folder, scanned: true)
        noteWatching(schedule)
        tellWork(of: report)
        tell(Self.condition(report), report)
        for warning in report.warnings where state.withLock({ $0.warnings.insert(warning).inserted }) {
            log.warning("\(warning)")
        }
        changed()
    }

    func reactionEnded(_ report: CycleReport, _ schedule: FolderSchedule) {
        let now = clock.now()
        board.react(folder, report, now: now)
        metrics.add(report, of: folder, scanned: false)
        noteWatching(schedule)
        if report.failure != nil { tell(Self.condition(report), report) }
        let sum = state.withLock { state -> (Int64, Int64)? in
            state.uploaded += report.record.uploaded
            state.bytes += report.record.bytesUp
            guard state.uploaded > 0, state.toldAt.map({ now.since($0) >= Self.reactionInterval }) ?? true else {
                return nil
            }
            defer { (state.uploaded, state.bytes, state.toldAt) = (0, 0, now) }
            return (state.uploaded, state.bytes)
        }
        if let (files, bytes) = sum { log.info("uploaded \(Format.count(files, "file")) (\(Format.size(bytes)))") }
        changed()
    }

    func paused(_ isPaused: Bool) {
        board.update(folder) { status in
            if isPaused { status.state = .paused } else if status.state == .paused { status.state = .idle }
        }
        log.notice(isPaused ? "paused" : "goes on")
        changed()
    }

    private func noteWatching(_ schedule: FolderSchedule) {
        let status = watcher?.status ?? watchFailure.map { WatchStatus(unwatched: 1, reason: $0) }
        let isPaused = schedule.isPaused
        board.update(folder) { folder in
            folder.watching = status
            if isPaused { folder.state = .paused }
        }
        metrics.note(status, of: folder)
        let sentence = status?.sentence
        let isNew = state.withLock { state in
            defer { state.unwatched = sentence }
            return sentence != state.unwatched
        }
        if isNew, let sentence { log.warning("\(sentence)") }
    }

    /// What a cycle did, and what reactions did before it that was not told yet.
    private func tellWork(of report: CycleReport) {
        let now = clock.now()
        let pending = state.withLock { state in
            defer { (state.uploaded, state.bytes) = (0, 0) }
            return (files: state.uploaded, bytes: state.bytes)
        }
        let record = report.record
        var parts: [String] = []
        let uploaded = record.uploaded + pending.files
        if uploaded > 0 { parts.append("uploaded \(uploaded) (\(Format.size(record.bytesUp + pending.bytes)))") }
        if record.downloaded > 0 { parts.append("downloaded \(record.downloaded) (\(Format.size(record.bytesDown)))") }
        if record.deletedRemote > 0 { parts.append("deleted \(record.deletedRemote) in the bucket") }
        if record.deletedLocal > 0 { parts.append("moved \(record.deletedLocal) to the trash") }
        guard !parts.isEmpty else { return }
        state.withLock { $0.toldAt = now }
        log.info("\(parts.joined(separator: ", "))")
    }

    private static func condition(_ report: CycleReport) -> Condition {
        if let failure = report.failure {
            return failure.code == .interrupted ? .interrupted : .failing(failure.code)
        }
        if let halt = report.halt { return .halted("\(halt.reason)") }
        if !report.problems.isEmpty { return .problems(report.problems.count) }
        return report.record.result == .held ? .held : .inSync
    }

    private func tell(_ condition: Condition, _ report: CycleReport) {
        let before = state.withLock { state in
            defer { if condition != .interrupted { state.condition = condition } }
            return state.condition
        }
        guard condition != before else { return }
        switch condition {
        case .held where before?.isHalt == true:
            // Nothing was judged: what was said of the halt still holds.
            state.withLock { $0.condition = before }
        case .inSync where before == .held:
            break
        case .inSync:
            log.notice("in sync: \(Format.count(report.counts.entries, "file")), \(Format.size(report.counts.bytes))")
        case .held where report.held > 0:
            log.info("\(Format.count(report.held, "change")) wait to be judged together")
        case .held:
            log.info("\(Format.count(report.leftToCycle, "path")) changed meanwhile and will be looked at again")
        case .problems(let count):
            log.warning("\(Format.count(Int64(count), "problem")): syncd status \(shellQuoted(folder)) --problems")
        case .halted:
            log.error("halted: \(report.halt?.text ?? "")")
            if report.halt?.reason.isApprovable == true { log.error("to go on all the same: \(approveCommand)") }
        case .failing:
            log.error("\(report.failure?.message ?? "failed")")
        case .interrupted:
            log.info("interrupted; the next cycle goes on from here")
        }
    }
}
