import ArgumentParser
import Glibc
import Logging
import SyncEngine

/// The command line: `syncd` and, in files of their own, its commands.
@main
struct Syncd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "syncd",
        abstract: "Keeps a local folder and a prefix of an S3 bucket the same.",
        usage:
            "syncd run [--config PATH]\nsyncd --once [--dry-run] [--quiet] [--json] [--config PATH]\nsyncd COMMAND [FOLDER] [--json] [--config PATH]",
        discussion: """
            Examples:
              syncd plan                     what would be done, without doing it
              syncd run                      keep all folders in sync until stopped
              syncd --once                   one cycle over all folders, then exit
              syncd --once --quiet --json    the same for scripts

            Exit codes: 0 in sync or done, 1 failed, 2 plan has changes,
            3 done with problems, 4 halted, 64 usage, 69 endpoint unreachable,
            75 another syncd at work, 77 credentials refused, 78 configuration.
            """,
        version: "syncd \(Version.number)",
        groupedSubcommands: [
            CommandGroup(name: "Sync", subcommands: [RunCommand.self, PlanCommand.self, WaitCommand.self]),
            CommandGroup(
                name: "Look",
                subcommands: [StatusCommand.self, ExplainCommand.self, VerifyCommand.self, CheckCommand.self]
            ),
            CommandGroup(
                name: "Steer",
                subcommands: [
                    SyncCommand.self, PauseCommand.self, ResumeCommand.self, ApproveCommand.self, ReloadCommand.self,
                ]
            ),
            CommandGroup(
                name: "Buckets",
                subcommands: [
                    BucketsCommand.self, ListCommand.self, StatCommand.self, GetCommand.self, PutCommand.self,
                    RemoveCommand.self,
                ]
            ),
            CommandGroup(name: "Set up", subcommands: [PolicyCommand.self]),
        ]
    )

    @Flag(help: "Run one cycle over all folders, then exit.")
    var once = false

    @Flag(help: "With --once: tell what the cycle would do, as plan does.")
    var dryRun = false

    @Flag(help: "With --once: tell only what went wrong.")
    var quiet = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        guard once else {
            guard dryRun || quiet || CommandLine.arguments.count > 1 else {
                print(Self.helpMessage(columns: 100))
                return
            }
            throw ValidationError("say --once, or a command")
        }
        if dryRun {
            try await PlanCommand.plan(folder: nil, shared: shared)
            return
        }
        let context = try shared.open(needsCredentials: true)
        let once = OnceRun(
            configuration: context.configuration,
            isJSON: shared.json,
            isQuiet: quiet,
            console: context.console,
            clock: SystemClock(),
            log: shared.logger(context.environment),
            makeRunner: EngineWiring.makeRunner
        )
        try await context.finish { await once.run(until: $0) }
    }

    /// Parses, runs, and says what went wrong the way syncd does.
    static func main() async {
        Hardening.forbidDumps()
        OpenFiles.raiseLimit()
        Signals.ignoreBrokenPipes()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        let code = exitCode(for: error)
        let console = Console.standard(.current)
        switch error {
        case let error as ConfigurationError:
            for line in error.lines { console.complain(line) }
            Glibc.exit(ExitCause.configuration.rawValue)
        case let error as UsageError:
            console.complain(error.message)
            Glibc.exit(ExitCause.usage.rawValue)
        case _ where code == .validationFailure:
            console.complain("\(message(for: error)) (syncd --help)")
            Glibc.exit(ExitCause.usage.rawValue)
        default:
            exit(withError: error)
        }
    }
}
