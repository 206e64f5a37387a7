import ArgumentParser
import SyncEngine
import Text

/// `syncd explain`
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show why an entry is as it is.",
        discussion: """
            Examples:
              syncd explain photos 2024/new.jpg
              syncd explain photos 2024/new.jpg --json | jq .decision
            """
    )

    @Argument(help: "The folder.")
    var folder: String

    @Argument(help: "The entry's path in the folder.")
    var path: String

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "explain")
        let context = try shared.open(needsCredentials: false)
        let entry: RelativePath
        do {
            entry = try RelativePath(Array(path.utf8))
        } catch {
            throw ValidationError("\"\(printable(path))\" is no path in a folder: it is relative to the folder's root")
        }
        let explain = ExplainRun(
            configuration: context.configuration,
            folder: try context.configuration.folder(named: folder),
            path: entry,
            isJSON: shared.json,
            console: context.console,
            clock: SystemClock(),
            makeRunner: EngineWiring.makeRunner
        )
        try await context.finish { _ in await explain.run() }
    }
}

/// `syncd explain`, answered by the running syncd or, where none runs, from the index.
struct ExplainRun: Sendable {
    var configuration: Configuration
    var folder: ConfiguredFolder
    var path: RelativePath
    var isJSON: Bool
    var console: Console
    var clock: any EngineClock
    var makeRunner: CycleRunnerFactory

    func run() async -> ExitCause {
        let name = folder.folder.name
        let query = [("folder", name), ("path", Base64.encode(path.bytes))]
        if let answer = await ControlClient(directory: configuration.stateDirectory)?.ask(.get, "/explain", query) {
            guard answer.isGood, let json = answer.json else {
                console.complain(answer.refusal)
                return .failed
            }
            show(json)
            return .done
        }
        do {
            let lock = try StateDirectory(path: configuration.stateDirectory).lock()
            let explanation = try await makeRunner(configuration).explain(folder.folder, path)
            show(explanation.json(folder: name, now: clock.now()))
            withExtendedLifetime(lock) {}
            return .done
        } catch {
            console.complain("\(name): \(error.message)")
            return error.code.exitCause
        }
    }

    private func show(_ json: JSONValue) {
        if isJSON {
            console.json(json)
        } else {
            console.lines(json["lines"]?.elements?.compactMap(\.text) ?? [])
        }
    }
}
