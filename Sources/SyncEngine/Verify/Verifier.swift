/// Reads all files of a folder again and compares them, and the bucket, with what both sides last agreed on. It writes
/// nothing: not here, not in the bucket, not in the index. This file holds the order, and no more.
public struct Verifier: Sendable {
    private let context: CycleContext
    private let readsObjects: Bool
    private let rules: IgnoreRules

    /// `readsObjects` says whether every object is fetched and hashed, too; otherwise a listing, and a HEAD where it does
    /// not say enough, must do.
    public init(_ context: CycleContext, readsObjects: Bool) {
        self.context = context
        self.readsObjects = readsObjects
        rules = IgnoreRules(patterns: context.folder.exclude)
    }

    /// What went wrong as a whole is in the report, and with it what was found until then.
    public func run() async -> VerifyReport {
        let requestsBefore = context.store.requestCounts
        let startedAt = context.clock.now()
        var tally = VerifyTally(VerifyReport(startedAt: startedAt, finishedAt: startedAt))
        do {
            try await verify(&tally)
        } catch {
            tally.report.failure = CycleFailure(of: error)
        }
        context.progress.update { $0.phase = .idle }
        return tally.finish(requests: context.requests(since: requestsBefore), at: context.clock.now())
    }

    private func verify(_ tally: inout VerifyTally) async throws {
        guard let memory = try await context.index.memory(of: context.folder), let root = memory.root else {
            throw CycleFailure(
                code: .neverSynced,
                message: "it was never synced, so there is nothing to verify it against: run a cycle first"
            )
        }
        if let reason = try await checkRoot(recorded: root, folder: memory.id) {
            tally.report.halt = Halt(reason: reason)
            return
        }
        let marks = try await list(folder: memory.id)
        context.progress.update {
            $0.phase = .verifying
            $0.transfers = memory.baseCount
            $0.bytes = memory.baseBytes * sidesRead
        }
        let verifier = EntryVerifier(context, readsObjects: readsObjects)
        var jobs = JobSource(context.index, folder: memory.id, rules: rules, marks: marks)
        try await runBounded(limit: context.jobsAtOnce, until: context.stop) {
            try await jobs.next()
        } run: { job in
            await verifier.verify(job)
        } finish: { ended in
            switch ended {
            case .done(let result):
                tally.add(result)
                advance(result)
            case .fatal(let failure):
                throw failure
            }
        }
    }

    private var sidesRead: Int64 { readsObjects ? 2 : 1 }

    private func advance(_ result: EntryVerifier.Result) {
        context.progress.update {
            $0.transfersDone += 1
            $0.bytesDone += result.base.local.size * sidesRead
        }
    }

    /// Nil if the root is the one that was adopted: of another, nothing could be said to be missing.
    private func checkRoot(recorded: RootIdentity, folder: Int64) async throws -> HaltReason? {
        let current: RootIdentity
        do {
            current = try context.files.rootIdentity()
        } catch {
            guard error.code == .notFound || error.code == .notDirectory else { throw error }
            return .rootMissing
        }
        switch judgeRoot(recorded: recorded, current: current) {
        case .adopt, .same: return nil
        case .replaced(let reason):
            let accepted = GatedChange.acceptRoot(current)
            let now = context.clock.now()
            return try await context.index.approved(folder, among: [accepted], at: now).isEmpty ? reason : nil
        }
    }

    private func list(folder: Int64) async throws -> ListingMarks {
        context.progress.update { $0.phase = .listing }
        let lister = RemoteLister(store: context.store, rules: rules, progress: context.progress, stop: context.stop)
        do {
            return try await ListingMarks.take(lister, context.index, folder: folder)
        } catch let error as StoreError {
            if let failure = CycleFailure(fatal: error) { throw failure }
            throw CycleFailure(
                code: error.code == .accessDenied ? .refused : .incompleteListing,
                message: "the listing did not come to its end, so what it did not show is unknown: \(error.message)"
            )
        }
    }
}

/// The entries to verify, one after the other in byte order, read in pages.
private struct JobSource {
    private let index: any Index
    private let folder: Int64
    private let rules: IgnoreRules
    private let marks: ListingMarks
    private var page: ArraySlice<Entry> = []
    private var last: RelativePath?
    private var isExhausted = false

    /// Entries that are read at once.
    private static let pageSize = 1_000

    init(_ index: any Index, folder: Int64, rules: IgnoreRules, marks: ListingMarks) {
        self.index = index
        self.folder = folder
        self.rules = rules
        self.marks = marks
    }

    /// The next one; nil after the last. What is excluded by now is on neither side any business of syncd's.
    mutating func next() async throws -> EntryVerifier.Job? {
        while let entry = try await nextEntry() {
            guard let base = entry.base, !rules.excludes(entry.path) else { continue }
            return EntryVerifier.Job(entry: entry, base: base, mark: marks.mark(entry))
        }
        return nil
    }

    private mutating func nextEntry() async throws -> Entry? {
        if page.isEmpty, !isExhausted {
            page = try await index.agreed(folder, after: last, limit: Self.pageSize)[...]
            isExhausted = page.count < Self.pageSize
            last = page.last?.path
        }
        return page.popFirst()
    }
}
