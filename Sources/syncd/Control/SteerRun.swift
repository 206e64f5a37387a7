import ArgumentParser
import SyncEngine
import Text

/// Commands that tell the running syncd what to do.
struct SteerRun: Sendable {
    /// What is told.
    enum Order: String, Sendable {
        case sync, pause, resume, reload
    }

    private let context: CommandContext
    private let folders: [ConfiguredFolder]
    /// Nil for all.
    private let folder: String?
    private let isJSON: Bool

    init(_ shared: SharedOptions, folder: String?) throws {
        context = try shared.open(needsCredentials: false)
        folders = try context.folders(named: folder)
        self.folder = folder
        isJSON = shared.json
    }

    func run(_ order: Order) async throws {
        try await context.finish { _ in await carryOut(order) }
    }

    private func carryOut(_ order: Order) async -> ExitCause {
        let configuration = context.configuration
        let client = ControlClient(directory: configuration.stateDirectory)
        let query = folder.map { [("folder", $0)] } ?? []
        guard let answer = await client?.ask(.post, "/\(order.rawValue)", query) else {
            switch order {
            case .pause, .resume: return await note(isPaused: order == .pause)
            case .sync, .reload:
                context.console.complain("no syncd runs on \(configuration.stateDirectory): syncd run starts one")
                return .failed
            }
        }
        guard answer.isGood else {
            for line in answer.refusal.split(separator: "\n") { context.console.complain(String(line)) }
            return .failed
        }
        tell(order, answer.json)
        return .done
    }

    private func tell(_ order: Order, _ answer: JSONValue?) {
        let console = context.console
        if isJSON {
            console.json(answer ?? .object([]))
            return
        }
        switch order {
        case .reload:
            for line in answer?["changes"]?.elements?.compactMap(\.text) ?? [] { console.line(line) }
        case .sync, .pause, .resume:
            let word = order == .sync ? "looks at both sides" : order == .pause ? "paused" : "goes on"
            let width = CycleLines.labelWidth(folders.map(\.folder.name))
            for folder in folders { console.line(CycleLines.label(folder.folder.name, width: width) + word) }
        }
    }

    /// Where nobody answers, the wish goes into the index, for whoever runs next.
    private func note(isPaused: Bool) async -> ExitCause {
        do {
            let lock = try StateDirectory(path: context.configuration.stateDirectory).lock()
            let runner = try await EngineWiring.makeRunner(context.configuration)
            for folder in folders { try await runner.setPaused(folder.folder, isPaused) }
            withExtendedLifetime(lock) {}
        } catch {
            context.console.complain(error.message)
            return error.code.exitCause
        }
        tell(isPaused ? .pause : .resume, nil)
        return .done
    }
}
