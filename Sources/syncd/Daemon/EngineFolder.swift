import SyncEngine

/// One folder of a daemon, by the real engine: its root stays locked and its directories watched as long as it lives.
final class EngineFolder: FolderWorker {
    private let wiring: EngineWiring
    private let folder: Folder
    /// Each has a descriptor of the root of its own: a reaction that finds another root must not move a running cycle there.
    private let cycleFiles: PosixFileSystem
    private let reactionFiles: PosixFileSystem
    private let share = FolderShare()
    /// Nil where the folder is not to be watched, or cannot be.
    let watcher: FolderWatcher?
    /// Why it cannot be, in the kernel's words.
    let watchFailure: String?

    /// Requests of a reaction under way at once, where a cycle runs beside it.
    private static let reactionConcurrency = 4

    /// `onChange` is called from any thread when something may have to be looked at.
    init(_ folder: Folder, _ wiring: EngineWiring, onChange: @escaping @Sendable () -> Void) {
        self.wiring = wiring
        self.folder = folder
        cycleFiles = PosixFileSystem(root: folder.root)
        reactionFiles = PosixFileSystem(root: folder.root)
        do throws(FileSystemError) {
            watcher =
                switch folder.policy.direction {
                case .up, .both: try FolderWatcher(folder, clock: SystemClock(), onChange: onChange)
                // What is changed here is undone by the next scan; there is nothing to react to.
                case .down: nil
                }
            watchFailure = nil
        } catch {
            watcher = nil
            watchFailure = error.reason
        }
    }

    // MARK: For the loop

    var canReact: Bool { share.isSurveyed }
    var deferred: [RelativePath] { share.deferred }
    var changes: (any ChangeSource)? { watcher }

    func run(_ scope: CycleScope, progress: CycleProgress, until stop: StopSignal) async -> CycleReport {
        await report(scope.isReaction ? reactionFiles : cycleFiles, progress, stop, isReaction: scope.isReaction) {
            await $0.run(scope)
        }
    }

    /// Gives the root up for whoever works on it next. Nothing may run any more.
    func end() { cycleFiles.unlockRoot() }

    // MARK: For the operator

    /// What is on its way.
    var transfers: [LiveTransfer] { share.transfers.all }

    /// What a cycle would do; it may run beside one.
    func plan(maxRows: Int) async -> CycleReport {
        let files = PosixFileSystem(root: folder.root)
        return await report(files, CycleProgress(), StopSignal(), share: FolderShare()) {
            await $0.plan(limit: maxRows)
        }
    }

    /// Approves what the last cycle was stopped from.
    func approve() async throws(CycleFailure) -> Approval { try await wiring.approve(folder) }

    func setPaused(_ isPaused: Bool) async throws(CycleFailure) { try await wiring.setPaused(folder, isPaused) }

    func isPaused() async -> Bool {
        let isPaused = try? await wiring.recall(folder, consequence: "") { context throws(CycleFailure) in
            try await OperatorWishes(context).isPaused()
        }
        return isPaused ?? false
    }

    func explain(_ path: RelativePath) async throws(CycleFailure) -> Explanation {
        try await explainer { explainer throws(CycleFailure) in try await explainer.explain(path) }
    }

    /// Whether all at and beneath a path is in the bucket as it is here, and what keeps it from being so.
    func syncState(_ path: RelativePath) async throws(CycleFailure) -> SyncState {
        try await explainer { explainer throws(CycleFailure) in try await explainer.syncState(path) }
    }

    private func explainer<Value: Sendable>(
        _ body: @escaping @Sendable (Explainer) async throws(CycleFailure) -> Value
    ) async throws(CycleFailure) -> Value {
        let consequence = "Ask again after the next cycle."
        return try await wiring.recall(folder, consequence: consequence, share: share) {
            [watcher] context throws(CycleFailure) in
            try await body(Explainer(context) { watcher?.isWaiting($0) ?? false })
        }
    }

    private func report(
        _ files: PosixFileSystem,
        _ progress: CycleProgress,
        _ stop: StopSignal,
        isReaction: Bool = false,
        share: FolderShare? = nil,
        _ body: @escaping @Sendable (SyncCycle) async -> CycleReport
    ) async -> CycleReport {
        do {
            try wiring.lock(cycleFiles, folder)
        } catch {
            return CycleReport(notBegun: error)
        }
        let isBeside = isReaction && self.share.isCycleRunning
        let concurrency = isBeside ? min(Self.reactionConcurrency, wiring.concurrency) : wiring.concurrency
        let share = share ?? self.share
        return await withTaskExecutorPreference(wiring.executor) {
            await wiring.keeper.run(folder.name) { [self] index in
                let context = wiring.context(
                    folder,
                    files,
                    index,
                    progress,
                    stop,
                    concurrency: concurrency,
                    // A plan watches nothing: it is no part of what goes on.
                    watcher: share === self.share ? watcher : nil,
                    share: share
                )
                return await body(SyncCycle(context))
            }
        }
    }
}
