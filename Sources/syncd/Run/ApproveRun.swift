import SyncEngine
import Text

/// `syncd approve`: lets a halted folder do what it was stopped from, for a day.
struct ApproveRun: Sendable {
    var configuration: Configuration
    var folder: ConfiguredFolder
    var isJSON: Bool
    var console: Console
    var clock: any EngineClock
    var makeRunner: CycleRunnerFactory

    func run() async -> ExitCause {
        let approval: Approval
        do throws(CycleFailure) {
            if let given = try await ask() { approval = given } else { approval = try await approveHere() }
        } catch {
            console.complain("\(folder.folder.name): \(error.message)")
            return error.code.exitCause
        }
        if isJSON {
            console.json(approval.json(folder: folder.folder.name))
        } else {
            let name = folder.folder.name
            console.line(CycleLines.label(name, width: CycleLines.labelWidth([name])) + sentence(approval))
        }
        return .done
    }

    /// By the running syncd, which goes on at once; nil where none answers.
    private func ask() async throws(CycleFailure) -> Approval? {
        let client = ControlClient(directory: configuration.stateDirectory)
        guard let answer = await client?.ask(.post, "/approve", [("folder", folder.folder.name)]) else { return nil }
        if answer.isGood, let approval = answer.json.flatMap({ Approval(json: $0) }) { return approval }
        throw CycleFailure(code: .index, message: answer.refusal)
    }

    private func approveHere() async throws(CycleFailure) -> Approval {
        let lock = try StateDirectory(path: configuration.stateDirectory).lock()
        let approval = try await makeRunner(configuration).approve(folder.folder)
        withExtendedLifetime(lock) {}
        return approval
    }

    private func sentence(_ approval: Approval) -> String {
        let until = Format.clock(approval.until, now: clock.now())
        let parts = GatedChange.Action.allCases.compactMap { action in
            approval.changes[action].map { action.sentence($0) }
        }
        guard !parts.isEmpty else { return "nothing waits for approval" }
        return "approved until \(until): \(parts.joined(separator: "; "))"
    }
}

extension Approval {
    /// What `approve --json` says.
    func json(folder: String) -> JSONValue {
        .object([
            JSONMember("folder", .string(folder)),
            JSONMember("approved", .integer(changes.values.reduce(0, +))),
            JSONMember("until", .string(Format.timestamp(until))),
            JSONMember(
                "changes",
                .object(
                    changes.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                        JSONMember($0.key.rawValue, .integer($0.value))
                    }
                )
            ),
        ])
    }

    /// Reads what ``json(folder:)`` writes; nil for anything else.
    init?(json: JSONValue) {
        guard let until = json["until"]?.text.flatMap({ Format.time($0) }), let members = json["changes"]?.members
        else { return nil }
        let changes = members.compactMap { member in
            GatedChange.Action(rawValue: member.key).flatMap { action in member.value.integer.map { (action, $0) } }
        }
        self.init(changes: Dictionary(changes, uniquingKeysWith: +), until: until)
    }
}

extension GatedChange.Action {
    /// What approving `count` changes of this kind lets the next cycles do.
    fileprivate func sentence(_ count: Int64) -> String {
        switch self {
        case .deleteLocal: "delete \(Format.count(count, "file")) here (to the trash)"
        case .deleteRemote: "delete \(Format.count(count, "object")) in the bucket"
        case .overwriteLocal: "overwrite \(Format.count(count, "file")) here (the old ones go to the trash)"
        case .overwriteRemote: "overwrite \(Format.count(count, "object")) in the bucket"
        case .acceptRoot: "the root as it is now is accepted"
        case .acceptEmptiedLocal: "the root is accepted empty; what follows from it is judged next"
        case .acceptEmptiedRemote: "the bucket is accepted empty; what follows from it is judged next"
        }
    }
}
