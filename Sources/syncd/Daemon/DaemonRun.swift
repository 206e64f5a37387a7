import Logging
import ServiceLifecycle
import SyncEngine
import Synchronization
import UnixSignals

/// `syncd run`: keeps all folders in sync until it is told to stop.
struct DaemonRun: Sendable {
    var configuration: Configuration
    /// Reads the configuration anew.
    var load: @Sendable () throws -> Configuration
    var console: Console
    var clock: any EngineClock
    var log: Logger
    var notifier: ServiceNotifier

    /// Ends when SIGTERM or SIGINT has come and all that was under way has ended or is saved; a second one ends the
    /// process at once.
    func run() async -> ExitCause {
        let lock: StateLock
        let daemon: Daemon
        let control: ControlServer
        var metrics: MetricsServer?
        do {
            lock = try StateDirectory(path: configuration.stateDirectory).lock()
            // A damaged or unclean index is looked at as a whole, which may take minutes.
            notifier.extendStart(by: .seconds(600))
            daemon = try Daemon(configuration, load: load, clock: clock, log: log, notifier: notifier)
            let api = ControlAPI(daemon: daemon)
            control = try ControlServer(directory: configuration.stateDirectory, api: api)
            metrics = configuration.metricsPort.map { MetricsServer(port: $0, api: api, log: log) }
        } catch {
            console.complain(error.message)
            return error.code.exitCause
        }
        defer { withExtendedLifetime(lock) {} }
        let secondSignal = Signals.exitOnSecond()
        defer { withExtendedLifetime(secondSignal) {} }
        Signals.ignoreHangUp()
        var services = ServiceGroupConfiguration(
            services: [
                .init(service: FleetService(daemon: daemon)), .init(service: control),
                .init(service: TellingService(daemon: daemon, control: control)),
                .init(service: ReloadService(daemon: daemon)),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Self.quiet(log)
        )
        if let metrics { services.services.append(.init(service: metrics)) }
        services.maximumGracefulShutdownDuration = Signals.grace
        do {
            try await ServiceGroup(configuration: services).run()
        } catch is CancellationError {
            // Time was up: what ran was broken off, and is saved as far as it had come.
        } catch {
            console.complain((error as? CycleFailure)?.message ?? "\(error)")
            daemon.end()
            return .failed
        }
        daemon.end()
        return .done
    }

    /// The library's own messages are of no use to an operator.
    private static func quiet(_ log: Logger) -> Logger {
        var log = log
        log.logLevel = .error
        return log
    }
}

/// Runs the folders' loops.
private struct FleetService: Service {
    let daemon: Daemon

    func run() async throws {
        await daemon.startFolders()
        try? await gracefulShutdown()
        daemon.notifier.stopping()
        await withTaskCancellationHandler {
            await daemon.fleet.stopAll()
        } onCancel: {
            let fleet = daemon.fleet
            // The handler cannot wait; the loops' ends are waited for above.
            Task { await fleet.breakOff() }
        }
    }
}

/// Tells everybody else: the status file, the service manager and its watchdog.
private struct TellingService: Service {
    let daemon: Daemon
    let control: ControlServer

    func run() async throws {
        try await control.waitUntilListening()
        daemon.notifier.ready()
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await daemon.tellChanges() }
                group.addTask { await daemon.tellProgress() }
                if let watchdog = daemon.watchdog { group.addTask { await watchdog.run() } }
            }
        }
    }
}

/// Reads the configuration anew at each SIGHUP.
private struct ReloadService: Service {
    let daemon: Daemon

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) { _ = await daemon.reload() }
        }
    }
}
