import SyncEngine

/// `syncd status`: what is known of the folders, from the files of the process that syncs them. It takes no lock, opens
/// no index and sends no request.
struct StatusRun: Sendable {
    var configuration: Configuration
    /// Those to show.
    var folders: [ConfiguredFolder]
    var isJSON: Bool
    /// Every problem in place of an overview.
    var showsProblems: Bool
    var console: Console
    var clock: any EngineClock

    func run() -> ExitCause {
        let recorded: RecordedStatus
        do {
            recorded = try StatusFile(directory: configuration.stateDirectory).read()
        } catch {
            console.complain(error.message)
            return error.code.exitCause
        }
        let now = clock.now()
        var shown = configuration
        shown.folders = folders
        let document = StatusDocument(recorded, configuration: shown, now: now)
        if isJSON {
            console.json(document.json)
            return .done
        }
        let screen = StatusScreen(
            document: document,
            configuration: configuration,
            runningSince: recorded.runningSince,
            now: now,
            console: console
        )
        console.lines(showsProblems ? screen.problemLines : screen.lines)
        return .done
    }
}
