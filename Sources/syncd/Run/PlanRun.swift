import SyncEngine
import Text

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
        let planned: [PlannedFolder]
        do throws(CycleFailure) {
            if let answered = try await ask() {
                planned = answered
            } else {
                guard hasKeys() else { return .configuration }
                planned = try await planHere(until: stop)
            }
        } catch {
            console.complain(error.message)
            return error.code.exitCause
        }
        var causes = planned.flatMap(\.causes)
        if !isJSON {
            for (folder, plan) in zip(folders, planned) { show(plan, of: folder) }
        }
        for line in planned.flatMap(\.complaints) { console.complain(line) }
        if stop.isRequested { causes.append(.failed) }
        if isJSON {
            console.json(
                .object([
                    JSONMember("version", .string(Version.number)),
                    JSONMember("folders", .array(planned.map(\.document))),
                ])
            )
        }
        return ExitCause.first(of: causes)
    }

    private var maxRows: Int { isJSON ? Self.maximumRowsInJSON : Self.maximumRows }

    private func show(_ plan: PlannedFolder, of folder: ConfiguredFolder) {
        if folders.count > 1 {
            let width = CycleLines.labelWidth([folder.folder.name])
            console.line(CycleLines.start(FolderStatus(folder), labelWidth: width))
        }
        console.lines(plan.lines)
    }

    /// By the running syncd, which has the locks; nil where none answers.
    private func ask() async throws(CycleFailure) -> [PlannedFolder]? {
        guard let client = ControlClient(directory: configuration.stateDirectory) else { return nil }
        var planned: [PlannedFolder] = []
        for folder in folders {
            let query = [("folder", folder.folder.name), ("rows", "\(maxRows)"), ("width", "\(console.width)")]
            guard let answer = await client.ask(.get, "/plan", query) else { return nil }
            guard answer.isGood, let plan = answer.json.flatMap({ PlannedFolder(json: $0) }) else {
                throw CycleFailure(code: .index, message: answer.refusal)
            }
            planned.append(plan)
        }
        return planned
    }

    /// Who plans here asks the bucket, and needs keys; a running syncd has them. Complains where there are none.
    private func hasKeys() -> Bool {
        do {
            try configuration.requireCredentials(SystemCredentialsHost(.current))
            return true
        } catch {
            for line in error.lines { console.complain(line) }
            return false
        }
    }

    private func planHere(until stop: StopSignal) async throws(CycleFailure) -> [PlannedFolder] {
        let lock = try StateDirectory(path: configuration.stateDirectory).lock()
        let runner = try await makeRunner(configuration)
        var planned: [PlannedFolder] = []
        for folder in folders where !stop.isRequested {
            let mode = CycleMode.planOnly(maxRows: maxRows)
            let report = await runner.run(folder.folder, mode: mode, progress: CycleProgress(), until: stop)
            let screen = PlanScreen(folder: folder, report: report, now: clock.now(), console: console)
            planned.append(PlannedFolder(screen, configuration: configuration))
        }
        withExtendedLifetime(lock) {}
        return planned
    }
}

/// The plan for one folder, ready to be shown, by whichever process made it.
struct PlannedFolder: Sendable {
    /// One element of `folders` in `plan --json`.
    var document: JSONValue
    /// For people.
    var lines: [String]
    /// For standard error.
    var complaints: [String]
    var causes: [ExitCause]

    init(_ screen: PlanScreen, configuration: Configuration) {
        let name = screen.folder.folder.name
        document = screen.json(approveCommand: configuration.approveCommand(name))
        lines = screen.lines
        complaints = CycleLines.complaints(screen.report, folder: name, configuration: configuration)
        causes = screen.report.planExitCauses
    }

    /// How a daemon answers.
    var json: JSONValue {
        .object([
            JSONMember("document", document),
            JSONMember("lines", .array(lines.map { .string($0) })),
            JSONMember("complaints", .array(complaints.map { .string($0) })),
            JSONMember("causes", .array(causes.map { .integer(Int64($0.rawValue)) })),
        ])
    }

    /// Reads what ``json`` writes; nil for anything else.
    init?(json: JSONValue) {
        guard let document = json["document"], let lines = json["lines"]?.elements,
            let complaints = json["complaints"]?.elements, let causes = json["causes"]?.elements
        else { return nil }
        self.document = document
        self.lines = lines.compactMap(\.text)
        self.complaints = complaints.compactMap(\.text)
        self.causes = causes.compactMap(\.integer).compactMap { ExitCause(rawValue: Int32(truncatingIfNeeded: $0)) }
    }
}
