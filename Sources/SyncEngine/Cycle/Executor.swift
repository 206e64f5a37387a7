/// Carries out what was decided and permitted: transfers, then deletes, then what the deletes made room for.
struct Executor {
    let context: CycleContext
    let query: AttentionQuery
    let scope: CycleScope
    let decider: Decider
    let permit: Permit
    private let trash: Trash

    init(_ context: CycleContext, query: AttentionQuery, scope: CycleScope, decider: Decider, permit: Permit) {
        self.context = context
        self.query = query
        self.scope = scope
        self.decider = decider
        self.permit = permit
        trash = Trash(files: context.files, cycle: context.clock.now())
    }

    func run(into done: inout Done, tally: Tally, markers: [RelativePath]) async throws {
        let writing = try await writing(tally)
        let transfers = TransferPass(context, folder: folder, owner: owner, trash: trash, writing)
        if scope.isReaction {
            _ = try await transfer(transfers, into: &done, tally)
            return
        }
        context.progress.update {
            $0.phase = .transferring
            $0.transfers = tally.counts.uploads + tally.counts.downloads
            $0.downloads = tally.counts.downloads
            $0.bytes = tally.counts.bytes
        }
        if context.folder.policy.direction == .down, scope.lists { makeDirectories(markers) }
        let retries = try await transfer(transfers, into: &done, tally)
        if tally.counts.deletes > 0, scope.deletes {
            try await delete(into: &done, markers: Set(markers), writing)
        }
        if !retries.isEmpty, done.deletedLocal + done.deletedRemote > 0 {
            var rest = retries[...]
            _ = try await transfers.run(into: &done, lanes: [.small]) { _ in rest.popFirst() }
        }
        try await JobSweep(context, folder: folder, decider: decider).run()
        expireTrash()
    }

    private var folder: Int64 { query.folder }

    fileprivate var owner: PathClaims.Owner { scope.isReaction ? .reaction : .cycle }

    /// False where another works on that path.
    fileprivate func claim(_ path: RelativePath) -> Bool { context.claims.claim(path, for: owner) }

    /// - Returns: the jobs that something else was in the way of.
    private func transfer(
        _ transfers: TransferPass,
        into done: inout Done,
        _ tally: Tally
    ) async throws -> [TransferJob] {
        guard tally.counts.uploads + tally.counts.downloads + tally.conflicts > 0 else { return [] }
        // What takes long would keep the next reaction waiting: a reaction leaves it to a cycle.
        let lanes: [TransferLane] = tally.largeTransfers > 0 && !scope.isReaction ? [.small, .large] : [.small]
        var sources = lanes.map { TransferSource(self, lane: $0) }
        return try await transfers.run(into: &done, lanes: lanes) { try await sources[$0.rawValue].next() }
    }

    /// How objects are written. Where others write to them, too, it is tried first what the store looks at.
    private func writing(_ tally: Tally) async throws -> RemoteWriting {
        let policy = context.folder.policy
        let writes = tally.counts.uploads + tally.counts.deletes + tally.conflicts > 0
        guard policy.direction == .both else {
            return RemoteWriting(policy.direction, Capabilities(), listed: scope.lists)
        }
        var needed: Set<Capabilities.Feature> = writes ? [.putIfNoneMatch, .putIfMatch, .deleteIfMatch] : []
        if writes, tally.largeTransfers > 0 { needed.insert(.completeIfMatch) }
        let known = try await CapabilityBook(context, folder: folder).knowing(needed)
        return RemoteWriting(policy.direction, known, listed: scope.lists)
    }

    private func delete(into done: inout Done, markers: Set<RelativePath>, _ writing: RemoteWriting) async throws {
        let deletes = DeletePass(context, folder: folder, trash: trash, markers: markers, writing)
        var remote = DeleteSource(self, side: .remote)
        try await deletes.deleteRemote(into: &done, next: { try await remote.next() }, approved: { remote.approved })
        var local = DeleteSource(self, side: .local)
        try await deletes.deleteLocal(into: &done, next: { try await local.next() }, approved: { local.approved })
    }

    /// Directories that only a folder marker names. One that cannot be made is no loss: its files will say so.
    private func makeDirectories(_ markers: [RelativePath]) {
        for marker in markers { try? context.files.makeDirectories(marker) }
    }

    /// Old trash goes when it can; what stays is tried again in the next cycle that does something.
    private func expireTrash() {
        let days = Int64(context.folder.trashDays) * 24 * 3_600
        let limit = UnixTime(nanoseconds: context.clock.now().nanoseconds - days * 1_000_000_000)
        try? trash.expire(before: limit)
    }
}

/// The transfers of one lane of a folder, in byte order, as far as they are permitted.
private struct TransferSource {
    private let executor: Executor
    private let lane: TransferLane
    private var reader: AttentionReader
    /// What the store keeps in keys; nil until a name asks for it.
    private var capabilities: Capabilities?

    init(_ executor: Executor, lane: TransferLane) {
        self.executor = executor
        self.lane = lane
        reader = AttentionReader(executor.query)
    }

    mutating func next() async throws -> TransferJob? {
        while let entry = try await reader.next() {
            let change = executor.decider.change(for: entry)
            guard TransferLane(change, of: entry, executor.context.parts) == lane else { continue }
            switch change {
            case .upload:
                guard try await executor.permit.allows(change, of: entry), try await canName(entry) else { continue }
            case .download, .conflict:
                // What comes down rests on a listing, and a reaction has none.
                guard !executor.scope.isReaction, try await executor.permit.allows(change, of: entry) else { continue }
            case .nothing, .compare, .adopt, .deleteRemote, .deleteLocal, .forget, .leave:
                continue
            }
            if executor.claim(entry.path) { return TransferJob(entry: entry, change: change) }
        }
        return nil
    }

    /// Whether the bucket can hold the entry's name; if not, that is noted as its problem.
    private mutating func canName(_ entry: Entry) async throws -> Bool {
        let context = executor.context
        var problem = keyProblem(of: entry.path, prefixLength: context.folder.prefix.count)
        let needed = entry.path.neededFeatures
        if problem == nil, !needed.isEmpty {
            let book = CapabilityBook(context, folder: executor.query.folder)
            let known = if let capabilities { capabilities } else { try await book.knowing(needed) }
            capabilities = known
            problem = needed.first { known[$0] != .yes }.map { .folded(entry.path, $0) }
        }
        guard let problem else { return true }
        let outcome = Outcome.failed(entry: entry.version, problem)
        try await context.index.record(executor.query.folder, [outcome], at: context.clock.now())
        return false
    }
}

/// The deletes of a folder on one side, in byte order, as far as they are permitted.
private struct DeleteSource {
    private let executor: Executor
    private let side: Side
    private var reader: AttentionReader
    /// How many of those yielded so far were approved.
    private(set) var approved: Int64 = 0

    init(_ executor: Executor, side: Side) {
        self.executor = executor
        self.side = side
        reader = AttentionReader(executor.query)
    }

    mutating func next() async throws -> Entry? {
        while let entry = try await reader.next() {
            let change = executor.decider.change(for: entry)
            guard change.deletes(on: side) else { continue }
            guard try await executor.permit.allows(change, of: entry), executor.claim(entry.path) else { continue }
            if try await executor.permit.isApproved(change, of: entry) { approved += 1 }
            return entry
        }
        return nil
    }
}

extension Change {
    /// True if this change deletes on `side`.
    func deletes(on side: Side) -> Bool {
        switch self {
        case .deleteRemote: side == .remote
        case .deleteLocal: side == .local
        case .nothing, .compare, .adopt, .upload, .download, .forget, .conflict, .leave: false
        }
    }
}
