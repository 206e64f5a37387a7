import SyncEngine
import Text

/// `syncd verify`: reads everything again and tells what is not as it was agreed on, folder after folder.
struct VerifyRun: Sendable {
    var configuration: Configuration
    /// Those to verify.
    var folders: [ConfiguredFolder]
    /// Whether objects are read as well.
    var readsObjects: Bool
    /// One JSON object at the end in place of lines.
    var isJSON: Bool
    var console: Console
    var clock: any EngineClock
    var makeRunner: CycleRunnerFactory

    /// Ends early, with what was found until then, when `stop` is given.
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
        let reporter = CycleReporter(console: console, configuration: configuration, isQuiet: isJSON)
        let verified = await withTaskGroup(of: Void.self) { group in
            group.addTask { await tick(reporter) }
            let verified = await verify(runner, reporter, stop)
            group.cancelAll()
            return verified
        }
        if isJSON {
            console.json(
                .object([
                    JSONMember("version", .string(Version.number)),
                    JSONMember("folders", .array(verified.documents)),
                ])
            )
        }
        withExtendedLifetime(lock) {}
        return ExitCause.first(of: verified.causes)
    }

    private func verify(
        _ runner: any CycleRunner,
        _ reporter: CycleReporter,
        _ stop: StopSignal
    ) async -> (causes: [ExitCause], documents: [JSONValue]) {
        var causes: [ExitCause] = []
        var documents: [JSONValue] = []
        for folder in folders {
            if stop.isRequested || Task.isCancelled {
                console.complain("\(folder.folder.name): not begun")
                causes.append(.failed)
                continue
            }
            let progress = CycleProgress()
            reporter.begin(folder, progress, now: clock.now())
            let report = await runner.verify(
                folder.folder,
                readsObjects: readsObjects,
                progress: progress,
                until: stop
            )
            let screen = VerifyScreen(folder: folder, report: report, readsObjects: readsObjects, console: console)
            reporter.finish(folder, lines: screen.lines, complaints: screen.complaints)
            documents.append(screen.json)
            causes += report.exitCauses
        }
        return (causes, documents)
    }

    /// Shows about every second how far the work is, until cancelled.
    private func tick(_ reporter: CycleReporter) async {
        while (try? await clock.sleep(for: .seconds(1))) != nil { reporter.tick(now: clock.now()) }
    }
}
