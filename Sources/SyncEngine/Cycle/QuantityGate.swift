/// The gates that stop deletes and overwrites: too many of them, or of things that were never ours.
struct QuantityGate {
    private let context: CycleContext
    private let memory: FolderMemory
    private let query: AttentionQuery
    private let decider: Decider
    private let approvals: Approvals

    /// Examples that a halt shows.
    private static let maximumExamples = 5
    /// Changes that are written to the index at once while they are collected for approval.
    private static let pageSize = 1_000

    /// What the cycle may do.
    struct Verdict: Sendable {
        var halt: Halt?
        /// Whether deletes and overwrites that nobody approved may be done.
        var allowsUnapproved: Bool
    }

    init(
        _ context: CycleContext,
        memory: FolderMemory,
        query: AttentionQuery,
        decider: Decider,
        approvals: Approvals
    ) {
        self.context = context
        self.memory = memory
        self.query = query
        self.decider = decider
        self.approvals = approvals
    }

    func judge(_ tally: Tally) async throws -> Verdict {
        let now = context.clock.now()
        let hourAgo = UnixTime(nanoseconds: now.nanoseconds - GateMemory.window)
        let input = QuantityInput(
            wantedDeletes: tally.deletes,
            wantedOverwrites: tally.foreignOverwrites,
            foreignDeletes: tally.foreignDeletes,
            deletesDone: try await context.index.deletes(memory.id, since: hourAgo),
            baseCount: memory.baseCount,
            maxDeletePercent: context.folder.maxDeletePercent
        )
        let judgement = judgeQuantity(input, memory: memory.gate, now: now)
        if judgement.memory != memory.gate { try await context.index.setGate(memory.id, judgement.memory) }
        try await context.index.clearWaiting(memory.id)
        guard let reason = judgement.halt else { return Verdict(halt: nil, allowsUnapproved: true) }
        let halt = Halt(reason: reason, examples: try await collect(onlyForeign: judgement.allowsUnapproved))
        return Verdict(halt: halt, allowsUnapproved: judgement.allowsUnapproved)
    }

    /// Writes the set that waits for approval. - Returns: the first few of its paths.
    private func collect(onlyForeign: Bool) async throws -> [RelativePath] {
        var reader = AttentionReader(query)
        var page: [GatedChange] = []
        var examples: [RelativePath] = []
        while let entry = try await reader.next() {
            let change = decider.change(for: entry)
            guard let gated = GatedChange(entry, change), !onlyForeign || change.isForeignDelete,
                try await !approvals.contains(gated)
            else { continue }
            if examples.count < Self.maximumExamples { examples.append(entry.path) }
            page.append(gated)
            if page.count == Self.pageSize {
                try await context.index.addWaiting(memory.id, page)
                page = []
            }
        }
        if !page.isEmpty { try await context.index.addWaiting(memory.id, page) }
        return examples
    }
}

extension Change {
    /// True for the delete of an entry that was never in base.
    var isForeignDelete: Bool {
        switch self {
        case .deleteLocal(let foreign), .deleteRemote(let foreign): foreign
        case .nothing, .compare, .adopt, .upload, .download, .forget, .conflict, .leave: false
        }
    }
}
