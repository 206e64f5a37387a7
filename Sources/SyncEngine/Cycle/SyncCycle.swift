/// One pass over one folder: observe, decide, gate, transfer, record. This file holds the order, and no more.
public struct SyncCycle: Sendable {
    private let context: CycleContext
    private let rules: IgnoreRules

    /// - Throws: ``CycleFailure`` never; a pattern that is no gitignore pattern matches nothing.
    public init(_ context: CycleContext) {
        self.context = context
        rules = IgnoreRules(patterns: context.folder.exclude)
    }

    /// Makes both sides equal, as far as `scope`, gates and problems let it.
    /// The first of a process looks at everything, whatever the scope.
    public func run(_ scope: CycleScope = .whole) async -> CycleReport {
        var scope = scope
        context.share.use(context.index)
        if scope.isReaction, !context.share.isSurveyed, context.share.isCycleRunning {
            // The index is new, and the cycle that runs makes it good.
            let failure = CycleFailure(code: .busy, message: "a cycle looks at everything first")
            let now = context.clock.now()
            return CycleReport(record: CycleRecord(startedAt: now, finishedAt: now, result: .failed), failure: failure)
        }
        if !context.share.isSurveyed {
            scope.local = .whole
            scope.lists = true
        }
        let owner: PathClaims.Owner = scope.isReaction ? .reaction : .cycle
        context.claims.begin(owner)
        defer { context.claims.end(owner) }
        return await report(scope) { run, memory in
            try await carryOut(&run, memory)
        }
    }

    /// Finds out what ``run()`` would do. Writes to the index only: what was seen, and what needs no transfer.
    /// `limit` is the most changes that are listed one by one.
    public func plan(limit: Int) async -> CycleReport {
        await report(.plan) { run, memory in
            guard let survey = try await survey(&run, memory) else { return }
            run.tally = survey.tally
            let gate = try await gate(survey, memory, run.scope)
            run.halt = gate.halt
            let planner = Planner(
                query: survey.query,
                decider: survey.decider,
                permit: survey.permit(gate),
                prefixLength: context.folder.prefix.count
            )
            run.planned = try await planner.list(limit: limit)
        }
    }

    /// What a cycle has come to so far; it becomes the report.
    private struct Run {
        let scope: CycleScope
        /// What is known of both sides beside the index; nil until they were looked at.
        var view: FolderView?
        var tally = Tally()
        var done = Done()
        var halt: Halt?
        var planned: [PlannedChange] = []

        init(_ scope: CycleScope, _ view: FolderView?) {
            self.scope = scope
            self.view = view
        }

        /// Changes that wait to be judged together.
        var held: Int64 {
            scope.deletes ? 0 : tally.deletes + tally.foreignDeletes + tally.foreignOverwrites + tally.approved
        }

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
        var query: AttentionQuery
        var decider: Decider
        var approvals: Approvals
        var markers: [RelativePath]
        var leftovers: [RelativePath]

        func permit(_ gate: QuantityGate.Verdict) -> Permit {
            Permit(allowsUnapproved: gate.allowsUnapproved, approvals: approvals, judged: tally.judged)
        }
    }

    private func carryOut(_ run: inout Run, _ memory: FolderMemory) async throws {
        guard let survey = try await survey(&run, memory) else { return }
        run.tally = survey.tally
        try await sweep(survey.leftovers, of: memory.id)
        let gate = try await gate(survey, memory, run.scope)
        run.halt = gate.halt
        let executor = Executor(
            context,
            query: survey.query,
            scope: run.scope,
            decider: survey.decider,
            permit: survey.permit(gate)
        )
        try await executor.run(into: &run.done, tally: survey.tally, markers: survey.markers)
    }

    /// Observes what the scope names and decides on its entries; nil where an identity gate halted the folder.
    private func survey(_ run: inout Run, _ memory: FolderMemory) async throws -> Surveyed? {
        let gates = IdentityGates(context, memory: memory, marksRoot: !run.scope.isPlan)
        if let halt = try await gates.checkRoot() {
            run.halt = halt
            return nil
        }
        context.progress.update { $0.phase = .scanning }
        let observer = Observer(
            context: context,
            rules: rules,
            folder: memory.id,
            scope: run.scope,
            view: run.view ?? .nothing
        )
        let observed = try await observer.observe()
        run.view = observed.view
        if case .paths(let paths) = run.scope.local, let scan = observed.scan {
            context.share.merge(scan, of: paths)
        } else {
            context.share.note(observed.view)
        }
        if let halt = try await gates.checkEmptied(observed) {
            run.halt = halt
            return nil
        }
        let decider = Decider(policy: context.folder.policy, unknown: UnknownPaths(observed.view.unknown))
        let approvals = try await Approvals(context, folder: memory.id)
        let query = AttentionQuery(context, folder: memory.id, scope: run.scope)
        let survey = Survey(context: context, query: query, decider: decider, approvals: approvals)
        return Surveyed(
            tally: try await survey.run(),
            query: query,
            decider: decider,
            approvals: approvals,
            markers: observed.view.markers,
            leftovers: run.scope.isReaction ? [] : observed.scan?.leftovers ?? []
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

    /// Without deletes nothing is judged, and nothing that a gate weighs is done.
    private func gate(
        _ survey: Surveyed,
        _ memory: FolderMemory,
        _ scope: CycleScope
    ) async throws -> QuantityGate.Verdict {
        guard scope.deletes else { return QuantityGate.Verdict(halt: nil, allowsUnapproved: false) }
        let gate = QuantityGate(
            context,
            memory: memory,
            query: survey.query,
            decider: survey.decider,
            approvals: survey.approvals
        )
        return try await gate.judge(survey.tally)
    }

    /// Runs `body` between the folder's opening and the cycle's record, and turns what happened into a report.
    private func report(
        _ scope: CycleScope,
        _ body: (inout Run, FolderMemory) async throws -> Void
    ) async -> CycleReport {
        let startedAt = context.clock.now()
        let requestsBefore = context.store.requestCounts
        let retriesBefore = context.store.retryCount
        var run = Run(scope, context.share.view)
        var folder: Int64?
        var failure: CycleFailure?
        do {
            let memory = try await open(scope)
            folder = memory.id
            CapabilityBook(context, folder: memory.id).open(memory)
            try await body(&run, memory)
        } catch {
            failure = CycleFailure(of: error)
        }
        context.progress.update { $0.phase = .idle }
        var report = CycleReport(
            record: record(run, from: startedAt, requestsBefore: requestsBefore),
            pending: run.pending,
            held: run.held,
            skipped: run.view?.skipped ?? 0,
            halt: run.halt,
            failure: failure,
            planned: run.planned,
            warnings: context.notices.all
        )
        report.retries = context.store.retryCount - retriesBefore
        report.racy = context.notices.racyPaths
        report.leftToCycle = scope.isReaction ? run.tally.largeTransfers + run.tally.largeComparisons : 0
        report.leftToCycle += context.notices.surprises
        await complete(&report, scope, folder: folder)
        return report
    }

    /// A plan for another pair than the one that the index knows by that name must not make it forget that one.
    private func open(_ scope: CycleScope) async throws -> FolderMemory {
        guard scope.isPlan, try await context.index.memory(of: context.folder) == nil else {
            return try await context.index.open(context.folder)
        }
        var folder = context.folder
        folder.name = Self.planName(folder.name)
        return try await context.index.open(folder)
    }

    /// No configuration can name a folder so: names hold no spaces.
    private static func planName(_ name: String) -> String { "plan of \(name)" }

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
    private func complete(_ report: inout CycleReport, _ scope: CycleScope, folder: Int64?) async {
        guard let folder else {
            report.record.result = .failed
            return
        }
        do {
            report.counts = try await context.index.counts(folder)
            report.problems = try await context.index.problems(folder, limit: Self.maximumProblems)
            report.nextAttempt = try await context.index.nextAttempt(folder)
            report.capabilities = try await context.index.memory(of: context.folder)?.capabilities
            report.record.result = Self.result(of: report)
            if scope.isPlan {
                try await forgetPlan(folder)
                return
            }
            if !scope.isReaction || report.record.didSomething {
                try await context.index.addCycle(folder, report.record)
            }
        } catch {
            let failure = CycleFailure(of: error)
            // A damaged index goes before all else: with a new one the cycle may find that nothing else is wrong.
            if report.failure == nil || failure.code == .indexDamaged { report.failure = failure }
            report.record.result = .failed
        }
    }

    /// Drops what a plan noted of a pair that the index does not know.
    private func forgetPlan(_ folder: Int64) async throws {
        let known = try await context.index.memory(of: context.folder)
        if known?.id != folder { try await context.index.forget(folder) }
    }

    /// Problems that a report carries; the index holds the rest.
    private static let maximumProblems = 1_000

    private static func result(of report: CycleReport) -> CycleRecord.Result {
        if let failure = report.failure { return failure.code == .interrupted ? .interrupted : .failed }
        if report.halt != nil { return .halted }
        if !report.problems.isEmpty { return .problems }
        return report.held > 0 ? .held : .inSync
    }
}
