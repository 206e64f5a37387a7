import Synchronization

/// What a folder's loop works with: one folder's engine, watched or not.
public protocol FolderWorker: Sendable {
    /// Runs a cycle or a reaction. What goes wrong is in the report; `stop` ends it orderly.
    func run(_ scope: CycleScope, progress: CycleProgress, until stop: StopSignal) async -> CycleReport
    /// True once reactions are possible.
    var canReact: Bool { get }
    /// What the reaction that ended last had to leave to the cycle that ran beside it.
    var deferred: [RelativePath] { get }
    /// Nil where the folder is not watched.
    var changes: (any ChangeSource)? { get }
}

/// Where changes come from: a ``FolderWatcher``, or a simulation.
public protocol ChangeSource: Sendable {
    /// When what waits will first have settled; nil where nothing waits.
    var nextDue: UnixTime? { get }
    /// Whether all directories of the tree are watched.
    var watchesAll: Bool { get }
    /// Takes out what has settled.
    func takeSettled() -> FolderWatcher.Settled
    /// What was taken out last has been looked at.
    func finished()
    /// Has paths looked at later on.
    func putBack(_ paths: [RelativePath], after delay: Duration)
}

/// Is told what a folder's loop does. Its functions are called one at a time, and must not block.
public protocol FolderLoopObserver: Sendable {
    /// `progress` may be read by any thread until the cycle has ended.
    func cycleBegan(_ plan: FolderSchedule.Plan, _ progress: CycleProgress)
    /// `schedule` is as it stands with that.
    func cycleEnded(_ report: CycleReport, _ schedule: FolderSchedule)
    /// The report speaks of the paths that were reacted to; its counts and problems are the whole folder's.
    func reactionEnded(_ report: CycleReport, _ schedule: FolderSchedule)
    /// Whether the folder rests has changed.
    func paused(_ isPaused: Bool)
}

/// Keeps one folder in sync for as long as it runs: starts cycles and reactions when the schedule says so.
public final class FolderLoop: Sendable {
    /// What the operator wants of a loop.
    public enum Command: Sendable {
        case sync
        case pause
        case resume
        case approved
    }

    private enum Event: Sendable {
        /// Something may be due: a change, a timer, or nothing at all.
        case wake
        case command(Command)
        case timer(UnixTime)
        case cycleEnded(CycleReport)
        case reactionEnded(CycleReport)
        case stopped
        /// Somebody asks whether the loop is alive.
        case ping(@Sendable () -> Void)
    }

    private let worker: any FolderWorker
    private let clock: any EngineClock
    private let observer: any FolderLoopObserver
    private let settings: ScheduleSettings
    private let draw: @Sendable () -> Double
    /// Whether it begins at rest.
    private let isPaused: Bool
    private let signals: AsyncStream<Event>
    private let send: AsyncStream<Event>.Continuation
    /// True while a wake-up is on its way: a burst of changes needs only one.
    private let isWaking = Atomic(false)

    /// `draw` gives numbers from 0 to 1, for jitter.
    public init(
        _ worker: any FolderWorker,
        settings: ScheduleSettings,
        clock: any EngineClock,
        draw: @escaping @Sendable () -> Double,
        observer: any FolderLoopObserver,
        isPaused: Bool = false
    ) {
        self.isPaused = isPaused
        self.worker = worker
        self.settings = settings
        self.clock = clock
        self.draw = draw
        self.observer = observer
        (signals, send) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .unbounded)
    }

    /// Something changed. May be called from any thread, as often as wanted.
    public func wake() {
        if !isWaking.exchange(true, ordering: .acquiringAndReleasing) { send.yield(.wake) }
    }

    /// Has the loop do what the operator wants when it next has its turn.
    public func command(_ command: Command) { send.yield(.command(command)) }

    /// Ends the loop orderly: what runs ends by itself, nothing new begins.
    public func stop() { send.yield(.stopped) }

    /// Calls `answer` when the loop next has its turn: a loop that hangs never does.
    /// One that has ended answers at once.
    public func ping(_ answer: @escaping @Sendable () -> Void) {
        if case .terminated = send.yield(.ping(answer)) { answer() }
    }

    /// Runs until ``stop()``, or until the task is cancelled.
    public func run() async {
        var state = State(schedule: FolderSchedule(settings, now: clock.now(), draw: draw))
        if isPaused { take(.pause, &state) }
        await withTaskGroup(of: Event.self) { group in
            group.addTask { [self] in await nextSignal() }
            while true {
                if !state.isStopping { begin(&state, in: &group) }
                if state.isStopping, !state.schedule.isRunning { break }
                guard let event = await group.next() else { break }
                switch event {
                case .wake, .command, .stopped, .ping:
                    // Cancelled, there are no more signals, and only ends are waited for.
                    if !Task.isCancelled { group.addTask { [self] in await nextSignal() } }
                case .timer, .cycleEnded, .reactionEnded: break
                }
                take(event, &state)
            }
            group.cancelAll()
        }
        send.finish()
        for await event in signals {
            if case .ping(let answer) = event { answer() }
        }
    }

    private struct State {
        var schedule: FolderSchedule
        /// Of what runs.
        var stops: [StopSignal] = []
        var timers: Set<UnixTime> = []
        /// What the reaction that runs looks at.
        var reacting: [RelativePath] = []
        var isStopping = false
    }

    private func nextSignal() async -> Event {
        for await event in signals { return event }
        return .stopped
    }

    // MARK: Beginning

    private func begin(_ state: inout State, in group: inout TaskGroup<Event>) {
        while true {
            let now = clock.now()
            let step = state.schedule.next(at: now, changes: worker.changes?.nextDue, canReact: worker.canReact)
            switch step {
            case .cycle(let plan): beginCycle(plan, &state, in: &group)
            case .react: react(&state, in: &group)
            case .wait(let time):
                if let time { arm(time, at: now, &state, in: &group) }
                return
            }
        }
    }

    private func beginCycle(_ plan: FolderSchedule.Plan, _ state: inout State, in group: inout TaskGroup<Event>) {
        let progress = CycleProgress()
        let stop = StopSignal()
        state.stops.append(stop)
        state.schedule.cycleBegan(plan)
        observer.cycleBegan(plan, progress)
        group.addTask { [worker] in .cycleEnded(await worker.run(plan.scope, progress: progress, until: stop)) }
    }

    private func react(_ state: inout State, in group: inout TaskGroup<Event>) {
        switch worker.changes?.takeSettled() ?? .nothing {
        case .nothing:
            return
        case .everything:
            state.schedule.everythingChanged(at: clock.now())
        case .paths(let paths):
            let stop = StopSignal()
            state.stops.append(stop)
            state.schedule.reactionBegan()
            state.reacting = paths
            group.addTask { [worker] in
                .reactionEnded(await worker.run(.reaction(to: paths), progress: CycleProgress(), until: stop))
            }
        }
    }

    /// Sees to it that the loop wakes at `time`. A timer that is no longer needed costs one turn.
    private func arm(_ time: UnixTime, at now: UnixTime, _ state: inout State, in group: inout TaskGroup<Event>) {
        if let first = state.timers.min(), first <= time { return }
        state.timers.insert(time)
        let wait = max(time.since(now), .milliseconds(1))
        group.addTask { [clock] in
            try? await clock.sleep(for: wait)
            return .timer(time)
        }
    }

    // MARK: Taking what happened

    private func take(_ event: Event, _ state: inout State) {
        switch event {
        case .wake:
            isWaking.store(false, ordering: .releasing)
        case .timer(let time):
            state.timers.remove(time)
        case .command(let command):
            take(command, &state)
        case .ping(let answer):
            answer()
        case .stopped:
            state.isStopping = true
            for stop in state.stops { stop.request() }
        case .cycleEnded(let report):
            state.schedule.cycleEnded(summary(of: report), at: clock.now())
            lookAgain(report, left: Self.surpriseDelay, &state)
            observer.cycleEnded(report, state.schedule)
        case .reactionEnded(let report):
            worker.changes?.putBack(worker.deferred, after: .seconds(1))
            // Broken off, it may have looked at none of them.
            if report.failure != nil || report.halt != nil {
                worker.changes?.putBack(state.reacting, after: .zero)
            }
            state.reacting = []
            worker.changes?.finished()
            state.schedule.reactionEnded(summary(of: report), at: clock.now())
            lookAgain(report, left: .zero, &state)
            observer.reactionEnded(report, state.schedule)
        }
    }

    private func summary(of report: CycleReport) -> RunSummary {
        var summary = RunSummary(report)
        summary.isWatched = worker.changes?.watchesAll ?? false
        return summary
    }

    /// What was left is for a cycle that begins after `left`. What was written just before it was read may have been
    /// written to once more in the same instant, and is looked at later on.
    private func lookAgain(_ report: CycleReport, left delay: Duration, _ state: inout State) {
        if !state.schedule.isRunning { state.stops = [] }
        if report.leftToCycle > 0 { state.schedule.retry(at: clock.now().adding(delay)) }
        if let changes = worker.changes, report.racy.count <= CycleNotices.maximumRacy {
            changes.putBack(report.racy.paths, after: Self.racyDelay)
        } else if report.racy.count > 0 {
            state.schedule.retry(at: clock.now().adding(Self.racyDelay))
        }
    }

    /// After a cycle that met objects which are others than it knew: a service that shows others each time must not make
    /// it spin.
    private static let surpriseDelay = Duration.seconds(30)

    /// A little more than the coarsest clock of a file system.
    private static let racyDelay = Duration.milliseconds(2_200)

    private func take(_ command: Command, _ state: inout State) {
        let wasPaused = state.schedule.isPaused
        switch command {
        case .sync: state.schedule.syncWanted()
        case .approved: state.schedule.approved(at: clock.now())
        case .resume: state.schedule.resume()
        case .pause:
            state.schedule.pause()
            for stop in state.stops { stop.request() }
        }
        if state.schedule.isPaused != wasPaused { observer.paused(state.schedule.isPaused) }
    }
}

extension FolderWatcher: ChangeSource {}
