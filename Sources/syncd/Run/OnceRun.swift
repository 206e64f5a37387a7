import Logging
import SyncEngine

/// `syncd --once`: one cycle over all folders, one after the other. What goes wrong in one stops no other.
struct OnceRun: Sendable {
    var configuration: Configuration
    /// One JSON object at the end in place of lines.
    var isJSON: Bool
    /// Only what went wrong is told.
    var isQuiet: Bool
    var console: Console
    var clock: any EngineClock
    var log: Logger
    var makeRunner: CycleRunnerFactory

    /// Ends early, with all that was done recorded, when `stop` is given.
    func run(until stop: StopSignal) async -> ExitCause {
        let lock: StateLock
        let board: StatusBoard
        let file = StatusFile(directory: configuration.stateDirectory)
        do {
            lock = try StateDirectory(path: configuration.stateDirectory).lock()
            board = try StatusBoard.begin(configuration, file, at: clock.now(), log)
        } catch {
            console.complain(error.message)
            return error.code.exitCause
        }
        let reporter = CycleReporter(console: console, configuration: configuration, isQuiet: isQuiet || isJSON)
        let causes = await withTaskGroup(of: Void.self) { group in
            group.addTask { await tick(board, reporter) }
            let causes = await cycles(board, reporter, stop)
            group.cancelAll()
            return causes
        }
        board.end()
        write(board)
        file.forgetProcess()
        if isJSON { console.json(board.snapshot.json) }
        withExtendedLifetime(lock) {}
        return ExitCause.first(of: causes)
    }

    private func cycles(_ board: StatusBoard, _ reporter: CycleReporter, _ stop: StopSignal) async -> [ExitCause] {
        let runner: any CycleRunner
        do {
            runner = try await makeRunner(configuration)
        } catch {
            for folder in configuration.folders {
                finish(folder, failed(error), board, reporter)
            }
            return [error.code.exitCause]
        }
        var causes: [ExitCause] = []
        for folder in configuration.folders {
            if stop.isRequested || Task.isCancelled {
                console.complain("\(folder.folder.name): not begun")
                causes.append(.failed)
                continue
            }
            let progress = CycleProgress()
            board.begin(folder.folder.name, progress)
            reporter.begin(folder, progress, now: clock.now())
            write(board)
            log.info("cycle begins", metadata: ["folder": "\(folder.folder.name)"])
            let report = await runner.run(folder.folder, mode: .apply, progress: progress, until: stop)
            finish(folder, report, board, reporter)
            causes += report.exitCauses
        }
        return causes
    }

    private func finish(
        _ folder: ConfiguredFolder,
        _ report: CycleReport,
        _ board: StatusBoard,
        _ reporter: CycleReporter
    ) {
        let name = folder.folder.name
        board.finish(name, report, approveCommand: configuration.approveCommand(name), now: clock.now())
        write(board)
        reporter.finish(folder, report)
        // The reporter has told people; this is for the journal, by a level that says it once on a terminal.
        for warning in report.warnings.prefix(CycleLines.maximumWarnings) {
            log.notice("\(warning)", metadata: ["folder": "\(name)"])
        }
        log.info(
            "cycle ends",
            metadata: [
                "folder": "\(name)", "result": "\(report.record.result.rawValue)",
                "uploaded": "\(report.record.uploaded)", "downloaded": "\(report.record.downloaded)",
                "deletedLocal": "\(report.record.deletedLocal)", "deletedRemote": "\(report.record.deletedRemote)",
                "problems": "\(report.problems.count)",
            ]
        )
    }

    private func failed(_ failure: CycleFailure) -> CycleReport {
        let now = clock.now()
        return CycleReport(record: CycleRecord(startedAt: now, finishedAt: now, result: .failed), failure: failure)
    }

    /// Shows and saves about every second how far the cycle is, until cancelled.
    private func tick(_ board: StatusBoard, _ reporter: CycleReporter) async {
        while (try? await clock.sleep(for: .seconds(1))) != nil {
            reporter.tick(now: clock.now())
            board.refresh(at: clock.now())
            write(board)
        }
    }

    /// A status that cannot be written stops no transfer.
    private func write(_ board: StatusBoard) {
        do {
            try board.write()
        } catch {
            log.warning("the status cannot be written", metadata: ["reason": "\(error.message)"])
        }
    }
}
