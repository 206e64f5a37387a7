/// When a folder's cycles and reactions run, as the operator wants it.
public struct ScheduleSettings: Hashable, Sendable {
    /// Between two scans of the whole tree, more than zero.
    public var scanInterval: Duration
    /// The same while all of its directories are watched, so that a scan finds what no event tells of, and little else.
    public var watchedScanInterval: Duration
    /// Between two listings of the bucket, more than zero.
    public var listInterval: Duration
    /// For how long deletes are held back, to judge them together.
    public var deleteDelay: Duration

    public init(
        scanInterval: Duration,
        watchedScanInterval: Duration? = nil,
        listInterval: Duration,
        deleteDelay: Duration
    ) {
        self.scanInterval = scanInterval
        self.watchedScanInterval = watchedScanInterval ?? scanInterval
        self.listInterval = listInterval
        self.deleteDelay = deleteDelay
    }
}

/// What a schedule needs to know of a cycle or reaction that ended.
public struct RunSummary: Hashable, Sendable {
    public var failure: CycleFailure.Code?
    /// The side at which a gate saw what stops everything, so that reactions have to wait; nil where none does.
    public var stoppedAt: Side?
    /// Whether a gate stopped deletes and overwrites, and nothing else.
    public var isGated = false
    /// Deletes that wait to be judged together.
    public var held: Int64
    /// Entries in base.
    public var entries: Int64
    public var nextAttempt: UnixTime?
    /// Whether all directories are watched now.
    public var isWatched = false

    public init(
        failure: CycleFailure.Code? = nil,
        stoppedAt: Side? = nil,
        held: Int64 = 0,
        entries: Int64 = 0,
        nextAttempt: UnixTime? = nil
    ) {
        self.failure = failure
        self.stoppedAt = stoppedAt
        self.held = held
        self.entries = entries
        self.nextAttempt = nextAttempt
    }

    public init(_ report: CycleReport) {
        self.init(
            failure: report.failure?.code,
            stoppedAt: report.halt?.reason.stoppedAt,
            held: report.held,
            entries: report.counts.entries,
            nextAttempt: report.nextAttempt
        )
        isGated = report.halt != nil && stoppedAt == nil
    }
}

extension HaltReason {
    /// The side at which the cause lies, where nothing at all may be written while it holds; nil if only deletes and
    /// overwrites may not.
    public var stoppedAt: Side? {
        switch self {
        case .rootMissing, .rootReplaced, .rootEmptied: .local
        case .remoteEmptied: .remote
        case .tooManyDeletes, .nothingLeft, .foreign: nil
        }
    }

    /// True if nothing at all may be written while it holds; false if only deletes and overwrites may not.
    public var stopsEverything: Bool { stoppedAt != nil }
}

/// Decides when a folder's cycles and reactions run: a value, told what happened and what time it is.
///
/// One cycle and one reaction may run side by side. Nothing runs without a cause, and everything that is due runs soon.
public struct FolderSchedule: Sendable {
    /// What to do now.
    public enum Step: Hashable, Sendable {
        /// Begin a cycle.
        case cycle(Plan)
        /// Look at the changes that have settled.
        case react
        /// Nothing, until then or until something happens; nil: until something happens.
        case wait(until: UnixTime?)
    }

    /// What a cycle is to do.
    public struct Plan: Hashable, Sendable {
        public var scans: Bool
        public var lists: Bool
        public var deletes: Bool
        public var isImpatient: Bool

        /// As the engine takes it.
        public var scope: CycleScope {
            CycleScope(local: scans ? .whole : .none, lists: lists, deletes: deletes, isImpatient: isImpatient)
        }
    }

    private let settings: ScheduleSettings
    /// 0 to 1: where in its jitter each interval falls.
    private let draw: @Sendable () -> Double

    private var nextScan: UnixTime
    private var nextList: UnixTime
    /// When held deletes are judged; nil where none are.
    private var deletesDue: UnixTime?
    /// Held deletes and entries in base, for what judging them costs.
    private var held: (deletes: Int64, entries: Int64) = (0, 0)
    private var retryDue: UnixTime?
    /// Until when nothing is tried, because the last try failed as a whole.
    private var blockedUntil: UnixTime?
    private var failures = 0
    /// True while cycles fail: a reaction that succeeds says nothing of them.
    private var areCyclesFailing = false
    /// When the deletes were due that the running cycle judges.
    private var deletesWereDue: UnixTime?
    /// The start counts as a wish: what failed before may have been mended since.
    private var isSyncWanted = true
    private var runningCycle: Plan?
    private var isReacting = false
    /// Not nil while a gate stops everything: the side at which its cause lies.
    private var stoppedAt: Side?
    /// True while a gate stops deletes and overwrites alone.
    private var isGated = false

    public private(set) var isPaused = false

    /// The first cycle is due at once, and looks at everything.
    public init(_ settings: ScheduleSettings, now: UnixTime, draw: @escaping @Sendable () -> Double) {
        self.settings = settings
        self.draw = draw
        nextScan = now
        nextList = now
    }

    public var isRunning: Bool { runningCycle != nil || isReacting }

    // MARK: What to do

    /// `changes` is when the first of the changes that wait will have settled; nil where none wait.
    /// `canReact` says that both sides were once looked at as a whole.
    public mutating func next(at now: UnixTime, changes: UnixTime?, canReact: Bool) -> Step {
        distrustClock(now)
        guard !isPaused else { return .wait(until: nil) }
        if let blockedUntil, blockedUntil > now { return .wait(until: blockedUntil) }
        var causes: [UnixTime] = []
        if runningCycle == nil {
            if let plan = plan(at: now) { return .cycle(plan) }
            causes += [nextScan, nextList] + [deletesDue, stoppedAt == nil ? retryDue : nil].compactMap { $0 }
        }
        if !isReacting, canReact, stoppedAt == nil, let changes {
            if changes <= now { return .react }
            causes.append(changes)
        }
        return .wait(until: causes.min())
    }

    private func plan(at now: UnixTime) -> Plan? {
        let areDeletesDue = deletesDue.map { $0 <= now } ?? false
        // While a gate stops everything, nothing is tried but what the gate wants to see.
        let isRetryDue = stoppedAt == nil && retryDue.map { $0 <= now } ?? false
        let scans = isSyncWanted || nextScan <= now
        let lists = isSyncWanted || nextList <= now
        guard scans || lists || areDeletesDue || isRetryDue else { return nil }
        return Plan(
            scans: scans,
            lists: lists || areDeletesDue && isListingCheaper,
            deletes: deletesDue == nil || areDeletesDue || isSyncWanted,
            isImpatient: isSyncWanted
        )
    }

    /// Whether looking at every object that is to be deleted would cost more than listing them all, a thousand a page.
    private var isListingCheaper: Bool {
        held.deletes > 100 && held.deletes > held.entries / 1_000
    }

    /// A clock that was put back must make nothing wait longer than its interval.
    private mutating func distrustClock(_ now: UnixTime) {
        let longestScan = max(settings.scanInterval, settings.watchedScanInterval) * 2
        if nextScan != Self.never, nextScan > now.adding(longestScan) { nextScan = now }
        if nextList != Self.never, nextList > now.adding(settings.listInterval * 2) { nextList = now }
        if let due = deletesDue, due > now.adding(settings.deleteDelay) { deletesDue = now }
        if let due = blockedUntil, due > now.adding(.seconds(600)) { blockedUntil = nil }
        if let due = retryDue, due > now.adding(.seconds(7_200)) { retryDue = now }
    }

    // MARK: What happened

    /// The step was taken.
    public mutating func cycleBegan(_ plan: Plan) {
        runningCycle = plan
        isSyncWanted = false
        retryDue = nil
        // What comes up from now on is not seen by this cycle, which may have passed it: it is due anew.
        if plan.scans { nextScan = Self.never }
        if plan.lists { nextList = Self.never }
        deletesWereDue = plan.deletes ? deletesDue : nil
        if plan.deletes { deletesDue = nil }
    }

    /// Sets what is due next; after a failure nothing is, until a while has passed that grows with each in a row.
    public mutating func cycleEnded(_ summary: RunSummary, at now: UnixTime) {
        guard let plan = runningCycle else { return }
        runningCycle = nil
        stoppedAt = summary.stoppedAt
        take(summary, isCycle: true, at: now)
        guard summary.failure == nil else {
            restore(plan, at: now)
            return
        }
        if plan.deletes { isGated = summary.isGated }
        if plan.scans {
            let interval = summary.isWatched ? settings.watchedScanInterval : settings.scanInterval
            nextScan = min(nextScan, now.adding(jittered(interval)))
        }
        if plan.lists { nextList = min(nextList, now.adding(jittered(settings.listInterval))) }
        // A gate whose cause is gone is to clear by itself, and soon.
        if let stoppedAt { look(at: stoppedAt, by: now.adding(Self.gateInterval)) }
    }

    /// Has a side looked at by then.
    private mutating func look(at side: Side, by time: UnixTime) {
        switch side {
        case .local: nextScan = min(nextScan, time)
        case .remote: nextList = min(nextList, time)
        }
    }

    /// What a failed cycle was to do still is.
    private mutating func restore(_ plan: Plan, at now: UnixTime) {
        retryDue = now
        if plan.scans { nextScan = now }
        if plan.lists { nextList = now }
        if plan.isImpatient { isSyncWanted = true }
        if let due = deletesWereDue { deletesDue = min(due, deletesDue ?? due) }
    }

    /// The step was taken, and there was something to react to.
    public mutating func reactionBegan() {
        isReacting = true
    }

    /// Sets what is due next.
    public mutating func reactionEnded(_ summary: RunSummary, at now: UnixTime) {
        isReacting = false
        if let side = summary.stoppedAt {
            // A cycle says so, and goes on when the cause is gone.
            stoppedAt = side
            look(at: side, by: now)
        }
        take(summary, isCycle: false, at: now)
        if summary.failure != nil { retryDue = now }
        // What a gate waits for may have come: a file is back that was to be deleted.
        if isGated { retry(at: now.adding(settings.deleteDelay)) }
        // A directory has come that cannot be watched.
        if !summary.isWatched { nextScan = min(nextScan, now.adding(settings.scanInterval)) }
    }

    private mutating func take(_ summary: RunSummary, isCycle: Bool, at now: UnixTime) {
        if let failure = summary.failure {
            failures += 1
            if isCycle { areCyclesFailing = true }
            blockedUntil = now.adding(Self.delay(after: failure, failures: failures))
            return
        }
        if isCycle || !areCyclesFailing {
            areCyclesFailing = false
            failures = 0
            blockedUntil = nil
        }
        if let attempt = summary.nextAttempt {
            // One whose time is past was passed by, for a reason that will not go at once.
            let due = max(attempt, now.adding(Self.shortestRetry))
            retryDue = min(due, retryDue ?? due)
        }
        guard summary.held > 0 else { return }
        held = (summary.held, summary.entries)
        if deletesDue == nil { deletesDue = now.adding(settings.deleteDelay) }
    }

    /// Entries that need attention are to be decided on then.
    mutating func retry(at time: UnixTime) {
        retryDue = min(time, retryDue ?? time)
    }

    /// So much changed that the whole tree has to be looked at.
    public mutating func everythingChanged(at now: UnixTime) {
        look(at: .local, by: now)
    }

    /// The operator wants a cycle now.
    public mutating func syncWanted() {
        isSyncWanted = true
        blockedUntil = nil
    }

    /// The operator approved what waited.
    public mutating func approved(at now: UnixTime) {
        deletesDue = now
        blockedUntil = nil
        if let stoppedAt { look(at: stoppedAt, by: now) }
    }

    /// Nothing is due until ``resume()``.
    public mutating func pause() {
        isPaused = true
    }

    /// What became due meanwhile is due now.
    public mutating func resume() {
        isPaused = false
        blockedUntil = nil
    }

    // MARK: Delays

    /// While a cycle that sees to it runs.
    private static let never = UnixTime(nanoseconds: .max)

    /// Between two cycles for the sake of entries that failed.
    private static let shortestRetry = Duration.seconds(30)

    /// Between two looks at a folder that a gate stops as a whole.
    private static let gateInterval = Duration.seconds(30)

    /// Between three quarters and five quarters of an interval, so that many daemons do not come at once.
    private func jittered(_ interval: Duration) -> Duration {
        interval * (0.75 + draw() / 2)
    }

    /// How long nothing is tried after so many failures in a row.
    private static func delay(after failure: CycleFailure.Code, failures: Int) -> Duration {
        let longest: Duration
        switch failure {
        // What mends itself is tried again soon.
        case .unreachable, .incompleteListing, .unreadableRoot, .busy: longest = .seconds(15)
        // What a person mends is not, lest keys be locked for too many tries.
        case .credentialsRefused, .refused, .noSuchBucket, .index, .indexDamaged, .stateDirectory, .neverSynced:
            longest = .seconds(300)
        case .interrupted: return .zero
        }
        return min(.seconds(1 << min(failures - 1, 9)), longest)
    }
}
