import SyncEngine

/// `syncd plan`: what a cycle would do, without doing it.
struct PlanRun: Sendable {
    /// At most so many rows of a folder are shown to people, and so many in JSON; the counts are always whole.
    static let maximumRows = 1_000
    static let maximumRowsInJSON = 100_000

    var configuration: Configuration
    /// Those to plan for.
    var folders: [ConfiguredFolder]
    var isJSON: Bool
    var console: Console
    var clock: any EngineClock
    var makeRunner: CycleRunnerFactory

    func run(until stop: StopSignal) async -> ExitCause {
        let lock: StateLock
        let runner: any CycleRunner
        do {
            lock = try StateDirectory(path: configuration.stateDirectory).lock()
            runner = try await makeRunner(configuration)
        } catch {
            console.complain(error.message)
            return error.code.exitCause
        }
        var causes: [ExitCause] = []
        var documents: [JSONValue] = []
        let mode = CycleMode.planOnly(maxRows: isJSON ? Self.maximumRowsInJSON : Self.maximumRows)
        for folder in folders where !stop.isRequested {
            let report = await runner.run(folder.folder, mode: mode, progress: CycleProgress(), until: stop)
            causes += report.planExitCauses
            let screen = PlanScreen(folder: folder, report: report, now: clock.now(), console: console)
            let name = folder.folder.name
            if isJSON {
                documents.append(screen.json(approveCommand: configuration.approveCommand(name)))
            } else {
                if folders.count > 1 {
                    console.line(CycleLines.start(FolderStatus(folder), labelWidth: CycleLines.labelWidth([name])))
                }
                console.lines(screen.lines)
            }
            for line in CycleLines.complaints(report, folder: name, configuration: configuration) {
                console.complain(line)
            }
        }
        if stop.isRequested { causes.append(.failed) }
        if isJSON {
            console.json(
                .object([
                    JSONMember("version", .string(Version.number)), JSONMember("folders", .array(documents)),
                ])
            )
        }
        withExtendedLifetime(lock) {}
        return ExitCause.first(of: causes)
    }
}
