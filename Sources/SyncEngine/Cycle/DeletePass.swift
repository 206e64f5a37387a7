/// Carries out deletes, on either side, and records how each ended.
struct DeletePass {
    let context: CycleContext
    let folder: Int64
    let deleter: Deleter
    let trash: Trash
    /// Directories that folder markers in the bucket name: they stay, empty or not.
    let markers: Set<RelativePath>

    /// Keys in one request: S3's own bound.
    private static let batchSize = 1_000
    /// Batches that wait in memory until one that is tried is not denied.
    private static let maximumPassedOver = 16
    /// Batches under way at once.
    private static let maximumBatches = 4

    /// `writing` says what an object must be looked at for before it goes.
    init(_ context: CycleContext, folder: Int64, trash: Trash, markers: Set<RelativePath>, _ writing: RemoteWriting) {
        self.context = context
        self.folder = folder
        self.trash = trash
        self.markers = markers
        deleter = Deleter(
            files: context.files,
            store: context.store,
            trash: trash,
            looksFirst: writing.looksBeforeDeletes,
            isGuarded: writing.guardsDeletes,
            device: context.share.view?.device
        )
    }

    /// Deletes the objects of the entries that `next` yields.
    func deleteRemote(
        into done: inout Done,
        next: () async throws -> Entry?,
        approved: () -> Int64
    ) async throws {
        let before = done.deletedRemote
        var recorder = OutcomeRecorder(context, folder: folder)
        let firstError = await run(limit: Self.maximumBatches) {
            try await Self.batch(next)
        } delete: { [deleter] entries in
            await deleter.deleteRemote(entries)
        } finish: { _, result in
            if case .deleted = result { done.deletedRemote += 1 }
            if case .failed(.observedRemote) = result { context.notices.noteSurprise() }
            try await recorder.add(result.outcome())
        }
        try await finish(&recorder, count: done.deletedRemote - before - approved(), firstError)
    }

    /// Moves the files of the entries that `next` yields to the trash, and removes the directories this emptied.
    func deleteLocal(
        into done: inout Done,
        next: () async throws -> Entry?,
        approved: () -> Int64
    ) async throws {
        let before = done.deletedLocal
        var recorder = OutcomeRecorder(context, folder: folder)
        var firstError = await run(limit: context.jobsAtOnce) {
            try await next().map { [$0] }
        } delete: { [deleter] entries in
            var results: [Deleter.Result] = []
            for entry in entries { results.append(await deleter.deleteLocal(entry)) }
            return results
        } finish: { entry, result in
            if case .deleted = result {
                done.deletedLocal += 1
                trash.removeEmptied(above: entry.path, keeping: markers)
            }
            if case .failed(.observedRemote) = result { context.notices.noteSurprise() }
            try await recorder.add(result.outcome())
        }
        // A file that came back by a power cut would look like a new one.
        do {
            if done.deletedLocal > before { try context.files.synchronizeAll() }
        } catch {
            firstError = firstError ?? error
        }
        try await finish(&recorder, count: done.deletedLocal - before - approved(), firstError)
    }

    /// - Returns: the first error; all that had begun by then is finished.
    private func run(
        limit: @autoclosure () -> Int,
        next: () async throws -> [Entry]?,
        delete: @escaping @Sendable ([Entry]) async -> [Deleter.Result],
        finish: (Entry, Deleter.Result) async throws -> Void
    ) async -> (any Error)? {
        var filter = DenialFilter<[Entry]>(maximumStride: Self.maximumPassedOver)
        do {
            repeat {
                try await runBounded(limit: limit(), until: context.stop) {
                    try await filter.next(next)
                } run: { entries in
                    (entries, await delete(entries))
                } finish: { entries, results in
                    var failure: (any Error)?
                    for (entry, result) in zip(entries, results) {
                        context.claims.release(entry.path, by: .cycle)
                        filter.note(isDenial: result.isDenial)
                        do {
                            try await finish(entry, result)
                        } catch {
                            // Those behind it may have been deleted all the same.
                            failure = failure ?? error
                        }
                    }
                    if let failure { throw failure }
                }
            } while filter.hasMore
            return nil
        } catch {
            return error
        }
    }

    private func finish(_ recorder: inout OutcomeRecorder, count: Int64, _ firstError: (any Error)?) async throws {
        try await recorder.flush()
        if count > 0 {
            // For the gate's hour: deletes that were done unasked count, whatever stopped the rest.
            try await context.index.noteDeletes(folder, count: count, at: context.clock.now())
        }
        if let firstError { throw firstError }
    }

    private static func batch(_ next: () async throws -> Entry?) async throws -> [Entry]? {
        var entries: [Entry] = []
        while entries.count < batchSize, let entry = try await next() { entries.append(entry) }
        return entries.isEmpty ? nil : entries
    }
}

extension Deleter.Result {
    fileprivate var isDenial: Bool {
        if case .failed(.failed(_, let problem)) = self { problem.kind == .denied } else { false }
    }

    /// - Throws: the failure that ends the cycle.
    func outcome() throws(CycleFailure) -> Outcome {
        switch self {
        case .deleted(let outcome), .failed(let outcome): outcome
        case .fatal(let failure): throw failure
        }
    }
}
