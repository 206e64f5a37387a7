import Logging
import SyncEngine
import Synchronization

/// The folders of a daemon, each with a loop of its own; what goes wrong in one stops no other.
actor Fleet {
    private struct Member {
        var loop: FolderLoop
        var engine: EngineFolder
        var task: Task<Void, Never>
    }

    private let board: StatusBoard
    private let metrics: MetricsLedger
    private let log: Logger
    private let clock: any EngineClock
    private let changed: @Sendable () -> Void
    private var members: [String: Member] = [:]

    init(
        board: StatusBoard,
        metrics: MetricsLedger,
        log: Logger,
        clock: any EngineClock,
        changed: @escaping @Sendable () -> Void
    ) {
        self.board = board
        self.metrics = metrics
        self.log = log
        self.clock = clock
        self.changed = changed
    }

    /// Starts the loop of a folder that has none.
    func start(_ configured: ConfiguredFolder, _ wiring: EngineWiring, approveCommand: String) async {
        let name = configured.folder.name
        guard members[name] == nil else { return }
        let waker = Waker()
        let engine = EngineFolder(configured.folder, wiring) { waker.wake() }
        if let reason = engine.watchFailure {
            let advice = "it is scanned at its interval; is fs.inotify.max_user_instances reached?"
            log.error("\(name) cannot be watched: \(reason); \(advice)")
        }
        let reporter = FolderReporter(
            name,
            approveCommand: approveCommand,
            board: board,
            metrics: metrics,
            clock: clock,
            log: log,
            watcher: engine.watcher,
            watchFailure: engine.watchFailure,
            changed: changed
        )
        let loop = FolderLoop(
            engine,
            settings: configured.schedule,
            clock: clock,
            draw: { Double.random(in: 0...1) },
            observer: reporter,
            isPaused: await engine.isPaused()
        )
        waker.set(loop)
        // A loop lives until its folder is stopped, which a reload may do at any time: no group could hold it.
        let task = Task { await loop.run() }
        members[name] = Member(loop: loop, engine: engine, task: task)
    }

    /// Ends a folder's loop, orderly, and waits for it.
    func stop(_ name: String) async {
        guard let member = members.removeValue(forKey: name) else { return }
        member.loop.stop()
        await member.task.value
        member.engine.end()
    }

    /// Ends all loops, orderly, and waits for them.
    func stopAll() async {
        for member in members.values { member.loop.stop() }
        for member in members.values { await member.task.value }
        members = [:]
    }

    /// Cancels what runs, for when time is up.
    func breakOff() {
        for member in members.values { member.task.cancel() }
    }

    /// - Returns: false where there is no such folder.
    func command(_ command: FolderLoop.Command, _ name: String) -> Bool {
        guard let member = members[name] else { return false }
        member.loop.command(command)
        return true
    }

    /// When the oldest change that a folder's watcher saw, and nobody looked at yet, was made.
    func oldestChange(_ name: String) -> UnixTime? { members[name]?.engine.watcher?.oldest }

    func engine(_ name: String) -> EngineFolder? { members[name]?.engine }

    /// Has a folder's loop look whether anything is due.
    func wake(_ name: String) { members[name]?.loop.wake() }

    /// Returns when every loop has had its turn: one that hangs never has.
    func ping() async {
        let loops = members.values.map(\.loop)
        for loop in loops {
            await withCheckedContinuation { continuation in loop.ping { continuation.resume() } }
        }
    }

    /// Wakes a loop that is made after what wakes it. It does not hold the loop, which holds the watcher that holds
    /// this: of a folder that was stopped neither lock nor watches may stay.
    private final class Waker: Sendable {
        private struct Held {
            weak var loop: FolderLoop?
        }

        private let held = Mutex(Held())

        func set(_ loop: FolderLoop) { held.withLock { $0.loop = loop } }

        func wake() { held.withLock(\.loop)?.wake() }
    }
}

extension ConfiguredFolder {
    var schedule: ScheduleSettings {
        ScheduleSettings(
            scanInterval: scanInterval,
            watchedScanInterval: watchedScanInterval,
            listInterval: listInterval,
            deleteDelay: deleteDelay
        )
    }
}
