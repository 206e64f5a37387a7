import ArgumentParser
import Logging
import SyncEngine

/// What every command takes.
struct SharedOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration.", valueName: "path"))
    var config = ConfigurationFile.defaultPath

    @Flag(help: "Answer in JSON.")
    var json = false

    @Flag(help: "Log to standard error what is done.")
    var verbose = false

    /// Reads the configuration.
    func open(needsCredentials: Bool) throws -> CommandContext {
        let environment = ProcessEnvironment.current
        let configuration = try ConfigurationFile.load(config, environment: environment)
        if needsCredentials { try configuration.requireCredentials(SystemCredentialsHost(environment)) }
        return CommandContext(
            configuration: configuration,
            environment: environment,
            console: Console.standard(environment)
        )
    }

    func logger(_ environment: ProcessEnvironment) -> Logger {
        let handler = StandardErrorLog.standard(environment, isVerbose: verbose)
        return Logger(label: "syncd") { _ in handler }
    }
}

/// What a command works with once its configuration is read.
struct CommandContext: Sendable {
    var configuration: Configuration
    var environment: ProcessEnvironment
    var console: Console

    /// The folder of that name, or all where there is none.
    func folders(named name: String?) throws(UsageError) -> [ConfiguredFolder] {
        guard let name else { return configuration.folders }
        return [try configuration.folder(named: name)]
    }

    /// Runs the work under the signals' rule, and exits as it ended.
    func finish(_ work: @escaping @Sendable (StopSignal) async -> ExitCause) async throws {
        let console = console
        let cause = await Signals.stopping {
            console.clearLine()
            console.complain("stopping orderly; a second signal stops at once")
        } _: { stop in
            await work(stop)
        }
        if cause != .done { throw ExitCode(cause.rawValue) }
    }
}
