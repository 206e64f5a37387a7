/// What deciding on all entries came to, before anything is carried out.
struct Tally: Sendable {
    var counts = ChangeCounts()
    /// Deletes of entries that were once agreed on, without those that were approved.
    var deletes: Int64 = 0
    /// Deletes of entries that were never in base, without those that were approved.
    var foreignDeletes: Int64 = 0
    /// Overwrites of versions that were never agreed on, without those that were approved.
    var foreignOverwrites: Int64 = 0
    /// Deletes and foreign overwrites that were approved.
    var approved: Int64 = 0
    /// Entries that were changed on both sides.
    var conflicts: Int64 = 0
    /// The rows whose deletes and foreign overwrites were counted: what comes up later waits for a cycle that counts it.
    var judged = BitSet()
    /// Transfers of objects that travel in parts.
    var largeTransfers: Int64 = 0
    /// Large files that are left to a cycle, which compares them.
    var largeComparisons: Int64 = 0
}

/// Decides on the entries that need attention: compares what must be compared, records what needs no transfer, and
/// counts the rest for the gates.
struct Survey {
    let context: CycleContext
    let query: AttentionQuery
    let decider: Decider
    let approvals: Approvals

    func run() async throws -> Tally {
        var tally = Tally()
        var reader = AttentionReader(query)
        var recorder = OutcomeRecorder(context, folder: query.folder)
        let comparer = ContentComparer(context)
        context.progress.update { $0.phase = .comparing }
        do {
            try await runBounded(limit: context.concurrency, until: context.stop) { () async throws -> Entry? in
                while let entry = try await reader.next() {
                    let change = decider.change(for: entry)
                    if change == .compare, query.scope != .whole, context.parts.isLarge(entry.local?.size ?? 0) {
                        // Reading it takes long, and would keep the next reaction waiting: a cycle does it.
                        tally.largeComparisons += 1
                        continue
                    }
                    let isDoubted = change == .download(replacing: .foreign) && entry.isDoubtful
                    // What it replaces may turn out to be no foreign version, but for as long as it is racy its row says so.
                    if entry.isDoubtful { tally.judged.insert(entry.id) }
                    if change == .compare || isDoubted { return entry }
                    try await settle(entry, change, &tally, &recorder)
                }
                return nil
            } run: { entry in
                await compare(entry, by: comparer)
            } finish: { comparison in
                try await take(comparison, &tally, &recorder)
            }
        } catch {
            try await recorder.flush()
            throw error
        }
        try await recorder.flush()
        return tally
    }

    private struct Comparison: Sendable {
        var entry: Entry
        var confirmation: ContentComparer.Confirmation
        var verdict: ContentComparer.Verdict
    }

    /// A file that was only suspected to have changed must not count as a version that nobody agreed on.
    private func compare(_ entry: Entry, by comparer: ContentComparer) async -> Comparison {
        var entry = entry
        let confirmation = entry.isDoubtful ? await comparer.confirmBase(entry) : .refuted
        if confirmation != .refuted { entry.isRacy = false }
        let verdict = decider.change(for: entry) == .compare ? await comparer.compare(entry) : .different
        return Comparison(entry: entry, confirmation: confirmation, verdict: verdict)
    }

    private func take(
        _ comparison: Comparison,
        _ tally: inout Tally,
        _ recorder: inout OutcomeRecorder
    ) async throws {
        let entry = comparison.entry
        if comparison.confirmation == .proves { try await recorder.add(.confirmed(entry: entry.version)) }
        switch comparison.verdict {
        case .same(let base, let isRacy):
            if isRacy { context.notices.noteRacy(entry.path) }
            try await recorder.add(.agreed(entry: entry.version, base: base, isRacy: isRacy))
        case .different:
            try await recorder.add(.compared(entry: entry.version))
            try await count(decider.change(for: entry, content: .different), of: entry, &tally)
        case .changed(let state):
            try await recorder.add(.observedLocal(entry: entry.version, state))
        case .failed(let problem):
            try await recorder.add(.failed(entry: entry.version, problem))
        case .fatal(let failure):
            throw failure
        }
    }

    private func settle(
        _ entry: Entry,
        _ change: Change,
        _ tally: inout Tally,
        _ recorder: inout OutcomeRecorder
    ) async throws {
        switch change {
        case .nothing, .leave(.deletesOff), .leave(.foreign):
            try await recorder.add(.left(entry: entry.version))
        case .forget:
            try await recorder.add(.removed(entry: entry.version))
        case .leave(.unknown):
            if let problem = obstacle(to: entry) {
                try await recorder.add(.failed(entry: entry.version, problem))
            }
        case .compare, .adopt:
            break
        case .conflict: try await count(change, of: entry, &tally)
        case .upload:
            if let problem = keyProblem(of: entry.path, prefixLength: context.folder.prefix.count) {
                try await recorder.add(.failed(entry: entry.version, problem))
            } else {
                try await count(change, of: entry, &tally)
            }
        case .download, .deleteRemote, .deleteLocal:
            try await count(change, of: entry, &tally)
        }
    }

    /// What keeps an object from coming down: something unknown where its file must be. Upwards that which is unknown
    /// is told where it stands, or is no file at all.
    private func obstacle(to entry: Entry) -> Problem? {
        switch decider.policy.direction {
        case .up: return nil
        case .down, .both: break
        }
        guard let remote = entry.remote, entry.base?.remote != remote else { return nil }
        let message = "a link, a special file or what cannot be read is in the way of this object: move it away"
        return Problem(path: entry.path.bytes, side: .local, kind: .collision, message: message)
    }

    private func count(_ change: Change, of entry: Entry, _ tally: inout Tally) async throws {
        tally.counts.add(change, of: entry)
        if change == .conflict { tally.conflicts += 1 }
        if TransferLane(change, of: entry, context.parts) == .large { tally.largeTransfers += 1 }
        guard let gated = GatedChange(entry, change) else { return }
        tally.judged.insert(entry.id)
        if try await approvals.contains(gated) {
            tally.approved += 1
            return
        }
        switch change {
        case .deleteRemote(foreign: true), .deleteLocal(foreign: true): tally.foreignDeletes += 1
        case .deleteRemote(foreign: false), .deleteLocal(foreign: false): tally.deletes += 1
        case .upload, .download: tally.foreignOverwrites += 1
        case .nothing, .compare, .adopt, .forget, .conflict, .leave: break
        }
    }
}

extension ChangeCounts {
    mutating func add(_ change: Change, of entry: Entry) {
        switch change {
        case .upload: uploads += 1
        case .download: downloads += 1
        case .deleteRemote, .deleteLocal: deletes += 1
        // Both versions go where they are not.
        case .conflict: (uploads, downloads) = (uploads + 1, downloads + 1)
        case .nothing, .compare, .adopt, .forget, .leave: break
        }
        bytes += entry.bytesMoved(by: change)
    }
}

extension Entry {
    /// True if the object is another than in base, and nothing but a racy identity says that the file may be, too.
    var isDoubtful: Bool {
        isRacy && local != nil && base?.local == local && remoteRelation == .changed
    }

    /// The bytes that a change of this entry transfers.
    func bytesMoved(by change: Change) -> Int64 {
        switch change {
        case .upload: local?.size ?? 0
        case .download: remote?.size ?? 0
        case .conflict: (local?.size ?? 0) + (remote?.size ?? 0)
        case .nothing, .compare, .adopt, .deleteRemote, .deleteLocal, .forget, .leave: 0
        }
    }
}
