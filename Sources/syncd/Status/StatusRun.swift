import SyncEngine

/// `syncd status`: what is known of the folders, from the process that syncs them or, where none does, from the file that
/// the last one left. It takes no lock, opens no index and sends no request to a service.
struct StatusRun: Sendable {
    /// How it is shown.
    enum Form: Sendable {
        case overview
        /// Every problem in place of an overview.
        case problems
        case json
        case openMetrics
    }

    var configuration: Configuration
    /// Those to show.
    var folders: [ConfiguredFolder]
    var form: Form
    /// A folder whose oldest unsynced change is older than that makes the command fail; nil for no limit.
    var maxLag: Duration?
    var console: Console
    var clock: any EngineClock

    private struct Known {
        var document: StatusDocument
        var runningSince: UnixTime?
    }

    func run() async -> ExitCause {
        do throws(CycleFailure) {
            if form == .openMetrics { return try await showMetrics() }
            let known = try await look()
            show(known)
            return judge(known.document)
        } catch {
            console.complain(error.message)
            return error.code.exitCause
        }
    }

    /// Shows it anew every second until the task is cancelled or the process interrupted.
    func watch() async -> ExitCause {
        var cause = ExitCause.done
        while !Task.isCancelled {
            if console.isTerminal, form != .json { console.clearScreen() }
            cause = await run()
            guard (try? await clock.sleep(for: .seconds(1))) != nil else { break }
        }
        return cause
    }

    private func look() async throws(CycleFailure) -> Known {
        let recorded = try StatusFile(directory: configuration.stateDirectory).read()
        var shown = configuration
        shown.folders = folders
        let now = clock.now()
        if recorded.runningSince != nil, let live = await ask("/status")?.json.flatMap({ StatusDocument(json: $0) }) {
            var alive = RecordedStatus()
            (alive.document, alive.writtenAt, alive.runningSince) = (live, now, recorded.runningSince)
            return Known(
                document: StatusDocument(alive, configuration: shown, now: now),
                runningSince: recorded.runningSince
            )
        }
        return Known(
            document: StatusDocument(recorded, configuration: shown, now: now),
            runningSince: recorded.runningSince
        )
    }

    private func ask(_ path: String) async -> ControlClient.Answer? {
        guard let answer = await ControlClient(directory: configuration.stateDirectory)?.ask(.get, path),
            answer.isGood
        else { return nil }
        return answer
    }

    private func show(_ known: Known) {
        switch form {
        case .json:
            console.json(known.document.json)
        case .overview, .problems:
            let screen = StatusScreen(
                document: known.document,
                configuration: configuration,
                runningSince: known.runningSince,
                now: clock.now(),
                console: console
            )
            console.lines(form == .problems ? screen.problemLines : screen.lines)
        case .openMetrics:
            break
        }
    }

    /// Where nobody runs, the counters are those of nobody; what is known of the folders still counts.
    private func showMetrics() async throws(CycleFailure) -> ExitCause {
        if let answer = await ask("/metrics") {
            console.text(String(decoding: answer.body, as: UTF8.self))
            return .done
        }
        let known = try await look()
        console.text(OpenMetrics.text(known.document, now: clock.now()) { _ in MetricsLedger.Totals() })
        return judge(known.document)
    }

    private func judge(_ document: StatusDocument) -> ExitCause {
        guard let maxLag else { return .done }
        var cause = ExitCause.done
        for folder in document.folders {
            guard let age = folder.oldestUnsyncedSeconds, .seconds(age) > maxLag else { continue }
            let elapsed = Format.elapsed(.seconds(age))
            console.complain("\(folder.name): the oldest unsynced change is \(elapsed) old")
            cause = .failed
        }
        return cause
    }
}
