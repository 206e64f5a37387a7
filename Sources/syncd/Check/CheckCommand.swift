import ArgumentParser
import S3API
import SyncEngine

/// `syncd check`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look at configuration, keys, folders, state and buckets.",
        discussion: """
            It looks as the user who runs it, sends one small listing for each folder, and
            changes nothing. What it does not check yet: whether the keys may write.

            Exit codes: 0 all is well, 3 something wants attention, else what a run would
            fail with.

            Examples:
              syncd check
              runuser -u syncd -- syncd check
              syncd check photos --json | jq '.checks[] | select(.result != "ok")'
            """
    )

    @Argument(help: "The folder to check; all where none is named.")
    var folder: String?

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "check")
        let context = try shared.open(needsCredentials: false)
        let host = SystemCredentialsHost(context.environment)
        let check = CheckRun(
            local: LocalChecks(configuration: context.configuration),
            folders: try context.folders(named: folder),
            isJSON: shared.json,
            console: context.console,
            findKeys: { connection throws(CredentialsError) in
                try await connection.renewingCredentials(host).found()
            },
            list: CheckRun.lister { EngineWiring.makeClient($0, host).client }
        )
        try await context.finish { _ in await check.run() }
    }
}
