import Glibc
import Logging
import S3API
import SyncEngine
import Synchronization

/// A daemon at work: its folders, what is known of them, and the configuration they run by.
final class Daemon: Sendable {
    let fleet: Fleet
    let board: StatusBoard
    let metrics = MetricsLedger()
    let notifier: ServiceNotifier
    private let load: @Sendable () throws -> Configuration
    private let clock: any EngineClock
    private let log: Logger
    private let keeper: IndexKeeper
    private let file: StatusFile
    private let current: Mutex<(configuration: Configuration, wiring: EngineWiring)>
    /// One at a time.
    private let reloads = ReloadTurn()
    private let changes: AsyncStream<Void>
    private let noteChange: AsyncStream<Void>.Continuation

    /// Opens the index. The state directory is locked by the caller.
    init(
        _ configuration: Configuration,
        load: @escaping @Sendable () throws -> Configuration,
        clock: any EngineClock,
        log: Logger,
        notifier: ServiceNotifier
    ) throws(CycleFailure) {
        self.load = load
        self.clock = clock
        self.log = log
        self.notifier = notifier
        keeper = try EngineWiring.makeKeeper(configuration)
        let wiring = try EngineWiring(configuration, keeper: keeper)
        current = Mutex((configuration, wiring))
        file = StatusFile(directory: configuration.stateDirectory)
        board = try StatusBoard.begin(configuration, file, at: clock.now(), log)
        let (changes, noteChange) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (self.changes, self.noteChange) = (changes, noteChange)
        fleet = Fleet(board: board, metrics: metrics, log: log, clock: clock) { noteChange.yield() }
    }

    var configuration: Configuration { current.withLock(\.configuration) }

    func startFolders() async {
        let (configuration, wiring) = current.withLock { $0 }
        for folder in configuration.folders { await start(folder, configuration, wiring) }
    }

    private func start(_ folder: ConfiguredFolder, _ configuration: Configuration, _ wiring: EngineWiring) async {
        await fleet.start(folder, wiring, approveCommand: configuration.approveCommand(folder.folder.name))
    }

    /// The last thing that is done: whoever asks for the status from now on is told that nobody syncs.
    func end() {
        board.end()
        write()
        file.forgetProcess()
    }

    // MARK: Telling

    /// Writes the status and the manager's line when something changed, at most once a second.
    func tellChanges() async {
        for await _ in changes {
            write()
            notifier.status(StatusLine.text(board.snapshot))
            guard (try? await clock.sleep(for: .seconds(1))) != nil else { return }
        }
    }

    /// While a cycle runs, the status follows its progress.
    func tellProgress() async {
        while (try? await clock.sleep(for: .seconds(2))) != nil {
            if board.refresh(at: clock.now()) { noteChange.yield() }
        }
    }

    /// A status that cannot be written stops no transfer.
    private func write() {
        board.age(until: clock.now())
        do {
            try board.write()
        } catch {
            log.warning("the status cannot be written", metadata: ["reason": "\(error.message)"])
        }
    }

    /// Nil where the service manager wants none.
    var watchdog: Watchdog? {
        notifier.watchdogInterval.map { interval in
            Watchdog(
                interval: interval,
                fleet: fleet,
                pulses: [
                    { [self] in
                        let wiring = current.withLock(\.wiring)
                        await wiring.executor.ping()
                        await wiring.bulkThreads.ping()
                        for transport in wiring.transports { await transport.ping() }
                    }
                ],
                clock: clock,
                notifier: notifier
            )
        }
    }

    // MARK: Reloading

    /// Reads the configuration anew. What is not valid takes no effect.
    /// - Returns: a line for each change, or the reasons why nothing was changed.
    func reload() async -> Result<[String], ReloadRefused> {
        guard await reloads.begin() else {
            return .failure(ReloadRefused(lines: ["another reload is under way: ask again when it is done"]))
        }
        notifier.reloading()
        defer { notifier.ready() }
        let result: Result<[String], ReloadRefused>
        do {
            let lines = try await take(try load())
            for line in lines { log.notice("reload: \(line)") }
            result = .success(lines)
        } catch {
            let refused = ReloadRefused(error)
            for line in refused.lines { log.error("reload refused: \(line)") }
            result = .failure(refused)
        }
        await reloads.end()
        return result
    }

    private func take(_ new: Configuration) async throws -> [String] {
        let (old, oldWiring) = current.withLock { $0 }
        guard new.stateDirectory == old.stateDirectory else {
            throw ReloadRefused(lines: ["stateDirectory: only a restart changes it"])
        }
        try new.requireCredentials(SystemCredentialsHost(.current))
        let difference = ConfigurationDifference(from: old, to: new)
        guard !difference.isEmpty else { return ["nothing has changed"] }
        let wiring =
            difference.changesEngine
            ? try EngineWiring(new, keeper: keeper, after: oldWiring) : oldWiring.serving(new)
        for name in difference.stopped { await fleet.stop(name) }
        current.withLock { $0 = (new, wiring) }
        board.replaceFolders(new.folders)
        for folder in new.folders where difference.started.contains(folder.folder.name) {
            await start(folder, new, wiring)
        }
        noteChange.yield()
        return difference.lines
    }
}

/// Why a new configuration was not taken.
struct ReloadRefused: Error {
    var lines: [String]

    init(lines: [String]) {
        self.lines = lines
    }

    init(_ error: any Error) {
        switch error {
        case let error as ReloadRefused: self = error
        case let error as ConfigurationError: lines = error.lines
        case let error as CycleFailure: lines = [error.message]
        default: lines = ["\(error)"]
        }
    }
}

/// One reload at a time.
private actor ReloadTurn {
    private var isTaken = false

    func begin() -> Bool {
        guard !isTaken else { return false }
        isTaken = true
        return true
    }

    func end() { isTaken = false }
}
