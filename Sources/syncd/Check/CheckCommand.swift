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
            changes nothing. With --probe it also writes, reads and deletes a few small
            objects below PREFIX/.syncd/ to find out what the keys may do and what the
            service can: whether it refuses wrong digests and broken conditions, and in
            which order it lists.

            Exit codes: 0 all is well, 3 something wants attention, else what a run would
            fail with.

            Examples:
              syncd check
              runuser -u syncd -- syncd check
              syncd check photos --probe
              syncd check photos --json | jq '.checks[] | select(.result != "ok")'
            """
    )

    @Argument(help: "The folder to check; all where none is named.")
    var folder: String?

    @Flag(help: "Write and delete a few objects to find out what is allowed and what the service can.")
    var probe = false

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
            list: CheckRun.lister { EngineWiring.makeClient($0, host).client },
            probe: probe ? CheckRun.prober { EngineWiring.makeClient($0, host).client } : nil
        )
        try await context.finish { _ in await check.run() }
    }
}
