import ArgumentParser
import SyncEngine
import Text

/// `syncd wait`
struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until files are in the bucket as they are here.",
        discussion: """
            Exit codes: 0 they are, 1 not in time, 3 a problem keeps them from it.

            Examples:
              syncd wait --synced report.pdf
              syncd wait --synced build/ --timeout 5m
            """
    )

    @Flag(help: "Until the content is durable in the bucket; there is nothing else to wait for yet.")
    var synced = false

    @Option(help: ArgumentHelp("For so long at most.", valueName: "duration"))
    var timeout = "5m"

    @Argument(help: "Files or directories in a folder.")
    var paths: [String]

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "wait")
        guard synced else { throw ValidationError("say --synced") }
        guard let limit = Units.duration(timeout) else {
            throw ValidationError("--timeout \"\(printable(timeout))\" is no duration such as 90s, 15m or 1h")
        }
        let context = try shared.open(needsCredentials: false)
        let wait = WaitRun(
            configuration: context.configuration,
            console: context.console,
            clock: SystemClock(),
            isJSON: shared.json
        )
        try await context.finish { stop in await wait.run(paths, limit: limit, until: stop) }
    }
}
