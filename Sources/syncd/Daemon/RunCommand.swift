import ArgumentParser
import Logging
import SyncEngine

/// `syncd run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Keep all folders in sync until stopped: the daemon.",
        discussion: """
            It watches the folders, lists the buckets at their intervals, and logs to
            standard error. SIGHUP has it read the configuration anew; SIGTERM ends it
            within ten seconds, with all parts saved.

            Examples:
              syncd run
              systemctl enable --now syncd
            """
    )

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "run")
        let context = try shared.open(needsCredentials: true)
        let path = shared.config
        let environment = context.environment
        var handler = StandardErrorLog.standard(environment, isVerbose: shared.verbose)
        // The daemon has nothing else to speak by.
        handler.logLevel = shared.verbose ? .debug : .info
        let daemon = DaemonRun(
            configuration: context.configuration,
            load: { try ConfigurationFile.load(path, environment: environment) },
            console: context.console,
            clock: SystemClock(),
            log: Logger(label: "syncd") { [handler] _ in handler },
            notifier: ServiceNotifier(environment)
        )
        let cause = await daemon.run()
        if cause != .done { throw ExitCode(cause.rawValue) }
    }
}
