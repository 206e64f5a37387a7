import SyncEngine

/// `syncd approve`: lets a halted folder do what it was stopped from, for a day.
struct ApproveRun: Sendable {
    var configuration: Configuration
    var folder: ConfiguredFolder
    var isJSON: Bool
    var console: Console
    var clock: any EngineClock
    var makeRunner: CycleRunnerFactory

    func run() async -> ExitCause {
        let lock: StateLock
        let approval: Approval
        do {
            lock = try StateDirectory(path: configuration.stateDirectory).lock()
            approval = try await makeRunner(configuration).approve(folder.folder)
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
        withExtendedLifetime(lock) {}
        return .done
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

extension GatedChange.Action {
    /// What approving `count` changes of this kind lets the next cycles do.
    fileprivate func sentence(_ count: Int64) -> String {
        switch self {
        case .deleteLocal: "delete \(Format.count(count, "file")) here (to the trash)"
        case .deleteRemote: "delete \(Format.count(count, "object")) in the bucket"
        case .overwriteLocal: "overwrite \(Format.count(count, "file")) here (the old ones go to the trash)"
        case .overwriteRemote: "overwrite \(Format.count(count, "object")) in the bucket"
        case .acceptRoot: "the root as it is now is accepted"
        case .acceptEmptiedLocal: "the root is accepted empty; its deletes are judged next"
        case .acceptEmptiedRemote: "the bucket is accepted empty; its deletes are judged next"
        }
    }
}
