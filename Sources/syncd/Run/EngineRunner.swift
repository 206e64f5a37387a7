import SyncEngine

/// Cycles by the real engine: the machine's files, the service, the index on disk.
struct EngineRunner: CycleRunner {
    let wiring: EngineWiring

    func run(
        _ folder: Folder,
        mode: CycleMode,
        progress: CycleProgress,
        until stop: StopSignal
    ) async -> CycleReport {
        let files = PosixFileSystem(root: folder.root)
        do {
            try wiring.lock(files, folder)
        } catch {
            return CycleReport(notBegun: error)
        }
        return await withTaskExecutorPreference(wiring.executor) {
            await wiring.keeper.run(folder.name) { index in
                let cycle = SyncCycle(wiring.context(folder, files, index, progress, stop))
                return switch mode {
                case .apply: await cycle.run()
                case .planOnly(let maxRows): await cycle.plan(limit: maxRows)
                }
            }
        }
    }

    func verify(
        _ folder: Folder,
        readsObjects: Bool,
        progress: CycleProgress,
        until stop: StopSignal
    ) async -> VerifyReport {
        let files = PosixFileSystem(root: folder.root)
        do throws(CycleFailure) {
            try wiring.lock(files, folder)
            return try await withTaskExecutorPreference(wiring.executor) { () throws(CycleFailure) in
                let consequence = "There is nothing to verify against: run a cycle."
                return try await wiring.keeper.recall(folder.name, consequence: consequence) {
                    index throws(CycleFailure) in
                    let context = wiring.context(folder, files, index, progress, stop)
                    let report = await Verifier(context, readsObjects: readsObjects).run()
                    if let failure = report.failure, failure.code == .indexDamaged { throw failure }
                    return report
                }
            }
        } catch {
            let now = SystemClock().now()
            return VerifyReport(startedAt: now, finishedAt: now, failure: error)
        }
    }

    func explain(_ folder: Folder, _ path: RelativePath) async throws(CycleFailure) -> Explanation {
        let consequence = "Nothing is known of the path: run a cycle."
        return try await wiring.recall(folder, consequence: consequence) { context throws(CycleFailure) in
            try await Explainer(context).explain(path)
        }
    }

    func setPaused(_ folder: Folder, _ isPaused: Bool) async throws(CycleFailure) {
        try await wiring.setPaused(folder, isPaused)
    }

    func approve(_ folder: Folder) async throws(CycleFailure) -> Approval {
        try await wiring.approve(folder)
    }
}
