import ArgumentParser
import SyncEngine
import Text

/// `syncd plan`
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a cycle would do, without doing it.",
        discussion: """
            Exit codes: 0 nothing to do, 2 changes to make, 4 a gate would stop it.

            Examples:
              syncd plan
              syncd plan photos
              syncd plan photos --json | jq '.folders[].changes[].path'
            """
    )

    @Argument(help: "The folder to plan for; all where none is named.")
    var folder: String?

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "plan")
        try await Self.plan(folder: folder, shared: shared)
    }

    /// Also `--once --dry-run`.
    static func plan(folder: String?, shared: SharedOptions) async throws {
        let context = try shared.open(needsCredentials: false)
        let plan = PlanRun(
            configuration: context.configuration,
            folders: try context.folders(named: folder),
            isJSON: shared.json,
            console: context.console,
            clock: SystemClock(),
            makeRunner: EngineWiring.makeRunner
        )
        try await context.finish { await plan.run(until: $0) }
    }
}

/// `syncd status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the folders are.",
        discussion: """
            It asks no server and holds up no running cycle. It exits with 0 whenever it
            could answer, however the folders are; --max-lag judges them.

            Examples:
              syncd status
              syncd status photos --problems
              syncd status --watch
              syncd status --max-lag 60s || alert
              syncd status --json | jq '.folders[] | select(.inSync | not) | .name'
            """
    )

    @Argument(help: "The folder to show; all where none is named.")
    var folder: String?

    @Flag(help: "List every problem with its path.")
    var problems = false

    @Flag(help: "Show it again and again until interrupted.")
    var watch = false

    @Option(help: ArgumentHelp("Exit with 1 if the oldest unsynced change is older.", valueName: "duration"))
    var maxLag: String?

    @Flag(help: "Answer in OpenMetrics, for node_exporter's textfile collector.")
    var openmetrics = false

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "status")
        var limit: Duration?
        if let maxLag {
            limit = Units.duration(maxLag)
            guard limit != nil else {
                throw ValidationError("--max-lag \"\(printable(maxLag))\" is no duration such as 90s, 15m or 1h")
            }
        }
        let context = try shared.open(needsCredentials: false)
        let status = StatusRun(
            configuration: context.configuration,
            folders: try context.folders(named: folder),
            form: openmetrics ? .openMetrics : shared.json ? .json : problems ? .problems : .overview,
            maxLag: limit,
            console: context.console,
            clock: SystemClock()
        )
        let cause = watch ? await status.watch() : await status.run()
        if cause != .done { throw ExitCode(cause.rawValue) }
    }
}

/// `syncd verify`
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read everything again, and tell what is wrong.",
        discussion: """
            It reads every file, lists the bucket, and compares both with what they last
            agreed on. It writes nothing and repairs nothing. What was changed since the
            last cycle on the side that leads is not synced yet and no fault; on the side
            that follows it is one.

            Exit codes: 0 all is well, 3 something differs, 4 the root is missing or another.

            Examples:
              syncd verify
              syncd verify photos --read
              syncd verify --json | jq '.folders[].findings'
            """
    )

    @Argument(help: "The folder to verify; all where none is named.")
    var folder: String?

    @Flag(help: "Fetch every object, too, and compare its bytes.")
    var read = false

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "verify")
        let context = try shared.open(needsCredentials: true)
        let verify = VerifyRun(
            configuration: context.configuration,
            folders: try context.folders(named: folder),
            readsObjects: read,
            isJSON: shared.json,
            console: context.console,
            clock: SystemClock(),
            makeRunner: EngineWiring.makeRunner
        )
        try await context.finish { await verify.run(until: $0) }
    }
}

/// `syncd approve`
struct ApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Let a halted folder go on with what it was stopped from, for 24 hours.",
        discussion: """
            It approves the changes that the last cycle was stopped from, and no others. Look at them first.

            Examples:
              syncd plan backups
              syncd approve backups
            """
    )

    @Argument(help: "The halted folder.")
    var folder: String

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "approve")
        let context = try shared.open(needsCredentials: false)
        let approve = ApproveRun(
            configuration: context.configuration,
            folder: try context.configuration.folder(named: folder),
            isJSON: shared.json,
            console: context.console,
            clock: SystemClock(),
            makeRunner: EngineWiring.makeRunner
        )
        try await context.finish { _ in await approve.run() }
    }
}

extension Syncd {
    /// The flags of `--once` go with no command, but for those that the command has itself.
    func refuseOnce(before command: String, knowsQuiet: Bool = false) throws {
        guard once || dryRun || quiet && !knowsQuiet else { return }
        let flag = once ? "--once" : dryRun ? "--dry-run" : "--quiet"
        throw ValidationError("\(flag) does not go with the command \(command)")
    }
}
