/// One pass over one folder: observe, decide, gate, transfer, record. This file holds the order, and no more.
public struct SyncCycle: Sendable {
    private let context: CycleContext
    private let rules: IgnoreRules

    /// - Throws: ``CycleFailure`` never; a pattern that is no gitignore pattern matches nothing.
    public init(_ context: CycleContext) {
        self.context = context
        rules = IgnoreRules(patterns: context.folder.exclude)
    }

    /// Makes both sides equal, as far as gates and problems let it.
    public func run() async -> CycleReport {
        await report { run, memory in
            try await carryOut(&run, memory)
        }
    }

    /// Finds out what ``run()`` would do. Writes to the index only: what was seen, and what needs no transfer.
    /// `limit` is the most changes that are listed one by one.
    public func plan(limit: Int) async -> CycleReport {
        await report { run, memory in
            run.acts = false
            guard let survey = try await survey(&run, memory) else { return }
            run.tally = survey.tally
            let gate = try await gate(survey, memory)
            run.halt = gate.halt
            let planner = Planner(context, folder: memory.id, decider: survey.decider, permit: survey.permit(gate))
            run.planned = try await planner.list(limit: limit)
        }
    }

    /// Approves, for 24 hours, what the last cycle was stopped from.
    public func approve() async throws(CycleFailure) -> Approval {
        do {
            let now = context.clock.now()
            let until = UnixTime(nanoseconds: now.nanoseconds + GatedChange.lifetime)
            let memory = try await context.index.open(context.folder)
            return Approval(changes: try await context.index.approveWaiting(memory.id, until: until), until: until)
        } catch {
            throw CycleFailure(of: error)
        }
    }

    /// What a cycle has come to so far; it becomes the report.
    private struct Run {
        /// False for a plan.
        var acts = true
        var tally = Tally()
        var done = Done()
        var skipped: Int64 = 0
        var halt: Halt?
        var planned: [PlannedChange] = []

        /// What was found and not done.
        var pending: ChangeCounts {
            var pending = tally.counts
            pending.uploads = max(0, pending.uploads - done.uploaded)
            pending.downloads = max(0, pending.downloads - done.downloaded)
            pending.deletes = max(0, pending.deletes - done.deletedLocal - done.deletedRemote)
            let bytes = max(0, pending.bytes - done.bytesUp - done.bytesDown)
            pending.bytes = pending.uploads + pending.downloads > 0 ? bytes : 0
            return pending
        }
    }

    private struct Surveyed: Sendable {
        var tally: Tally
        var decider: Decider
        var approvals: Approvals
        var markers: [RelativePath]
        var leftovers: [RelativePath]

        func permit(_ gate: QuantityGate.Verdict) -> Permit {
            Permit(allowsUnapproved: gate.allowsUnapproved, approvals: approvals)
        }
    }

    private func carryOut(_ run: inout Run, _ memory: FolderMemory) async throws {
        guard let survey = try await survey(&run, memory) else { return }
        run.tally = survey.tally
        try await sweep(survey.leftovers, of: memory.id)
        let gate = try await gate(survey, memory)
        run.halt = gate.halt
        let executor = Executor(
            context,
            folder: memory.id,
            decider: survey.decider,
            permit: survey.permit(gate)
        )
        try await executor.run(into: &run.done, tally: survey.tally, markers: survey.markers)
    }

    /// Observes both sides and decides on all entries; nil where an identity gate halted the folder.
    private func survey(_ run: inout Run, _ memory: FolderMemory) async throws -> Surveyed? {
        let gates = IdentityGates(context, memory: memory, marksRoot: run.acts)
        if let halt = try await gates.checkRoot() {
            run.halt = halt
            return nil
        }
        context.progress.update { $0.phase = .scanning }
        let observed = try await Observer(context: context, rules: rules, folder: memory.id).observe()
        run.skipped = observed.scan.skipped + observed.listing.skipped
        if let halt = try await gates.checkEmptied(observed) {
            run.halt = halt
            return nil
        }
        let decider = Decider(policy: context.folder.policy, unknown: observed.unknown)
        let approvals = try await Approvals(context, folder: memory.id)
        let survey = Survey(context: context, folder: memory.id, decider: decider, approvals: approvals)
        return Surveyed(
            tally: try await survey.run(),
            decider: decider,
            approvals: approvals,
            markers: observed.listing.markers,
            leftovers: observed.scan.leftovers
        )
    }

    /// Removes temporary files that a crash left, but for those that a download goes on with. The lock on the root says
    /// that no other process works on them; one that cannot be removed is tried again in the next cycle, and is in
    /// nobody's way until then.
    private func sweep(_ leftovers: [RelativePath], of folder: Int64) async throws {
        guard !leftovers.isEmpty else { return }
        let kept = try await context.index.downloads(folder, after: 0, limit: Int.max)
        for leftover in Set(leftovers).subtracting(kept.map(\.temporary)) { try? context.files.removeFile(leftover) }
    }

    private func gate(_ survey: Surveyed, _ memory: FolderMemory) async throws -> QuantityGate.Verdict {
        try await QuantityGate(context, memory: memory, decider: survey.decider, approvals: survey.approvals)
            .judge(survey.tally)
    }

    /// Runs `body` between the folder's opening and the cycle's record, and turns what happened into a report.
    private func report(_ body: (inout Run, FolderMemory) async throws -> Void) async -> CycleReport {
        let startedAt = context.clock.now()
        let requestsBefore = context.store.requestCounts
        var run = Run()
        var folder: Int64?
        var failure: CycleFailure?
        do {
            let memory = try await context.index.open(context.folder)
            folder = memory.id
            try await body(&run, memory)
        } catch {
            failure = CycleFailure(of: error)
        }
        context.progress.update { $0.phase = .idle }
        var report = CycleReport(
            record: record(run, from: startedAt, requestsBefore: requestsBefore),
            pending: run.pending,
            skipped: run.skipped,
            halt: run.halt,
            failure: failure,
            planned: run.planned,
            warnings: context.notices.all
        )
        await complete(&report, folder: folder)
        return report
    }

    private func record(_ run: Run, from startedAt: UnixTime, requestsBefore: [String: Int64]) -> CycleRecord {
        CycleRecord(
            startedAt: startedAt,
            finishedAt: context.clock.now(),
            result: .inSync,
            uploaded: run.done.uploaded,
            downloaded: run.done.downloaded,
            deletedLocal: run.done.deletedLocal,
            deletedRemote: run.done.deletedRemote,
            bytesUp: run.done.bytesUp,
            bytesDown: run.done.bytesDown,
            requests: context.requests(since: requestsBefore)
        )
    }

    /// Adds what the index knows, settles the result, and writes the cycle into the history.
    private func complete(_ report: inout CycleReport, folder: Int64?) async {
        guard let folder else {
            report.record.result = .failed
            return
        }
        do {
            report.counts = try await context.index.counts(folder)
            report.problems = try await context.index.problems(folder, limit: Self.maximumProblems)
            report.record.result = Self.result(of: report)
            try await context.index.addCycle(folder, report.record)
        } catch {
            let failure = CycleFailure(of: error)
            // A damaged index goes before all else: with a new one the cycle may find that nothing else is wrong.
            if report.failure == nil || failure.code == .indexDamaged { report.failure = failure }
            report.record.result = .failed
        }
    }

    /// Problems that a report carries; the index holds the rest.
    private static let maximumProblems = 1_000

    private static func result(of report: CycleReport) -> CycleRecord.Result {
        if let failure = report.failure { return failure.code == .interrupted ? .interrupted : .failed }
        if report.halt != nil { return .halted }
        return report.problems.isEmpty ? .inSync : .problems
    }
}

extension CycleFailure {
    init(_ error: IndexError) {
        switch error.code {
        case .damaged: self.init(code: .indexDamaged, message: error.message)
        case .newerVersion, .unusable: self.init(code: .index, message: error.message)
        }
    }

    /// What an error that ended a cycle says to the operator.
    init(of error: any Error) {
        switch error {
        case let failure as CycleFailure: self = failure
        case let error as IndexError: self.init(error)
        case let error as FileSystemError:
            self.init(code: .unreadableRoot, message: "\(error.operation) failed: \(error.reason)")
        case let error as StoreError:
            self = CycleFailure(fatal: error) ?? CycleFailure(code: .refused, message: error.message)
        case is CancellationError: self.init(code: .interrupted, message: "stopped on request")
        default: self.init(code: .index, message: "\(error)")
        }
    }
}
