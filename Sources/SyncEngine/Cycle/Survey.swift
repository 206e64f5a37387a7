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

    /// What a reaction does not do: what takes long, and what comes down, a half of each conflict among it.
    var leftByReactions: Int64 { largeTransfers + largeComparisons + counts.downloads }
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
            try await runBounded(limit: context.jobsAtOnce, until: context.stop) { () async throws -> Entry? in
                while let entry = try await reader.next() {
                    let change = decider.change(for: entry)
                    let mustBeRead = change == .compare || isDoubted(entry, change)
                    if mustBeRead, query.scope != .whole, context.parts.isLarge(entry.local?.size ?? 0) {
                        // Reading it takes long, and would keep the next reaction waiting: a cycle does it.
                        tally.largeComparisons += 1
                        continue
                    }
                    // What it replaces may turn out to be no foreign version, but for as long as it is racy its row says so.
                    if entry.isDoubtful { tally.judged.insert(entry.id) }
                    if mustBeRead { return entry }
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
        /// Nil where nothing had to be compared after all.
        var verdict: ContentComparer.Verdict?
    }

    /// Whether the file must be read before `change` is believed: one that was only touched, or only may have changed, must not
    /// count as a version of its own.
    private func isDoubted(_ entry: Entry, _ change: Change) -> Bool {
        switch decider.policy.direction {
        case .up: false
        case .down: change == .download(replacing: .foreign) && entry.isDoubtful
        // Here the remote side may win by it, or be deleted.
        case .both: entry.mayHoldBase && entry.remoteRelation != .asBase && !entry.isKnownDifferent
        }
    }

    private func compare(_ entry: Entry, by comparer: ContentComparer) async -> Comparison {
        var entry = entry
        let confirmation: ContentComparer.Confirmation
        switch decider.policy.direction {
        case .up, .down: confirmation = entry.isDoubtful ? await comparer.confirmBase(entry) : .refuted
        case .both:
            let mayHoldBase = entry.mayHoldBase && entry.remoteRelation != .asBase
            confirmation = mayHoldBase ? await comparer.proveBase(entry) : .refuted
        }
        if confirmation != .refuted, let local = entry.local { entry.takeAsBase(local) }
        let change = decider.change(for: entry)
        let verdict = change == .compare ? await comparer.compare(entry) : nil
        return Comparison(entry: entry, confirmation: confirmation, verdict: verdict)
    }

    private func take(
        _ comparison: Comparison,
        _ tally: inout Tally,
        _ recorder: inout OutcomeRecorder
    ) async throws {
        let entry = comparison.entry
        if comparison.confirmation == .proves, let local = entry.local {
            try await recorder.add(.confirmed(entry: entry.version, local))
        }
        switch comparison.verdict {
        case nil:
            try await settle(entry, decider.change(for: entry), &tally, &recorder)
        case .same(let base, let isRacy):
            // What was seen before is durable; this is another version.
            if base.local != entry.local { try context.files.makeDurable([entry.path]) }
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

    /// True if the file's identity is not base's, or no proof, and its content may be base's all the same.
    var mayHoldBase: Bool {
        localRelation == .changed && base?.digest != nil && local?.size == base?.local.size
    }

    /// The file holds what base recorded.
    mutating func takeAsBase(_ state: LocalState) {
        base?.local = state
        isRacy = false
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
