import SyncEngine
import Synchronization
import TestSupport
import Testing

/// A loop with a worker that does as it is told, on a clock that stands.
struct FolderLoopTests {
    /// What the loop had the worker do.
    private enum Run: Equatable, Sendable {
        case cycle(scans: Bool, lists: Bool)
        case reaction([String])

        init(_ scope: CycleScope) {
            switch scope.local {
            case .paths(let paths): self = .reaction(paths.map { String(decoding: $0.bytes, as: UTF8.self) })
            case .whole: self = .cycle(scans: true, lists: scope.lists)
            case .none: self = .cycle(scans: false, lists: scope.lists)
            }
        }
    }

    private final class Worker: FolderWorker {
        private struct State {
            var held: [CheckedContinuation<Void, Never>] = []
            var holds = false
            var stops: [StopSignal] = []
        }

        let runs: AsyncStream<Run>
        private let began: AsyncStream<Run>.Continuation
        private let state = Mutex(State())
        let source = Changes()
        let report: @Sendable (CycleScope) -> CycleReport

        init(report: @escaping @Sendable (CycleScope) -> CycleReport = { _ in FolderLoopTests.report() }) {
            self.report = report
            (runs, began) = AsyncStream.makeStream()
        }

        var canReact: Bool { true }
        var deferred: [RelativePath] { [] }
        var changes: (any ChangeSource)? { source }

        func run(_ scope: CycleScope, progress: CycleProgress, until stop: StopSignal) async -> CycleReport {
            await withCheckedContinuation { continuation in
                let isHeld = state.withLock { state in
                    state.stops.append(stop)
                    if state.holds, !scope.isReaction { state.held.append(continuation) }
                    return state.holds && !scope.isReaction
                }
                began.yield(Run(scope))
                if !isHeld { continuation.resume() }
            }
            return report(scope)
        }

        /// Cycles that begin from now on do not end before ``release()``.
        func hold() { state.withLock { $0.holds = true } }

        func release() {
            let held = state.withLock { state in
                state.holds = false
                defer { state.held = [] }
                return state.held
            }
            for continuation in held { continuation.resume() }
        }

        var isAskedToStop: Bool { state.withLock { $0.stops.last?.isRequested ?? false } }
    }

    private final class Changes: ChangeSource {
        private struct State {
            var due: UnixTime?
            var paths: [RelativePath] = []
            var isEverything = false
            var putBack: [(RelativePath, Duration)] = []
        }

        private let state = Mutex(State())

        func set(_ names: [String], due: UnixTime) {
            state.withLock { state in
                state.due = due
                state.paths = names.map { RelativePath(unchecked: Array($0.utf8), in: nil) }
            }
        }

        func setEverything(due: UnixTime) {
            state.withLock { state in
                state.due = due
                state.isEverything = true
            }
        }

        var putBack: [(RelativePath, Duration)] { state.withLock(\.putBack) }
        var nextDue: UnixTime? { state.withLock(\.due) }

        func takeSettled() -> FolderWatcher.Settled {
            state.withLock { state in
                defer { (state.due, state.paths, state.isEverything) = (nil, [], false) }
                if state.isEverything { return .everything }
                return state.paths.isEmpty ? .nothing : .paths(state.paths)
            }
        }

        var watchesAll: Bool { true }

        func finished() {}

        func putBack(_ paths: [RelativePath], after delay: Duration) {
            state.withLock { state in state.putBack += paths.map { ($0, delay) } }
        }
    }

    private struct Listener: FolderLoopObserver {
        let cycleEnds: AsyncStream<Void>
        private let ended: AsyncStream<Void>.Continuation

        init() {
            (cycleEnds, ended) = AsyncStream.makeStream()
        }

        func cycleBegan(_ plan: FolderSchedule.Plan, _ progress: CycleProgress) {}
        func cycleEnded(_ report: CycleReport, _ schedule: FolderSchedule) { ended.yield() }
        func reactionEnded(_ report: CycleReport, _ schedule: FolderSchedule) {}
        func paused(_ isPaused: Bool) {}
    }

    private static func report() -> CycleReport {
        let time = UnixTime(seconds: 1_800_000_000)
        return CycleReport(record: CycleRecord(startedAt: time, finishedAt: time, result: .inSync))
    }

    private let clock = SteppedClock()
    private let listener = Listener()

    /// Returns when the loop has taken note of the end of one more cycle.
    private func cycleEnd() async {
        for await _ in listener.cycleEnds { return }
    }

    /// Runs a loop on `worker` while `body` looks at what it does.
    private func withLoop(
        _ worker: Worker,
        _ body: (FolderLoop, inout AsyncStream<Run>.Iterator) async throws -> Void
    ) async throws {
        let settings = ScheduleSettings(
            scanInterval: .seconds(900),
            listInterval: .seconds(3_600),
            deleteDelay: .seconds(60)
        )
        let loop = FolderLoop(worker, settings: settings, clock: clock, draw: { 0.5 }, observer: listener)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await loop.run() }
            var runs = worker.runs.makeAsyncIterator()
            try await body(loop, &runs)
            worker.release()
            loop.stop()
            try await group.waitForAll()
        }
    }

    /// Returns when the loop has had its turn with all that was sent to it before.
    private func settle(_ loop: FolderLoop) async {
        for _ in 0..<3 { await withCheckedContinuation { continuation in loop.ping { continuation.resume() } } }
    }

    @Test func `it begins with everything, and goes on when an interval has passed`() async throws {
        try await withLoop(Worker()) { loop, runs in
            #expect(await runs.next() == .cycle(scans: true, lists: true))
            await cycleEnd()
            await settle(loop)
            clock.advance(by: .seconds(901))
            #expect(await runs.next() == .cycle(scans: true, lists: false))
        }
    }

    @Test func `a change is reacted to while a cycle runs`() async throws {
        let worker = Worker()
        worker.hold()
        try await withLoop(worker) { loop, runs in
            #expect(await runs.next() == .cycle(scans: true, lists: true))
            worker.source.set(["a", "b"], due: clock.now())
            loop.wake()
            #expect(await runs.next() == .reaction(["a", "b"]))
        }
    }

    @Test func `when everything may have changed, the tree is walked`() async throws {
        let worker = Worker()
        try await withLoop(worker) { loop, runs in
            #expect(await runs.next() == .cycle(scans: true, lists: true))
            await cycleEnd()
            worker.source.setEverything(due: clock.now())
            loop.wake()
            #expect(await runs.next() == .cycle(scans: true, lists: false))
        }
    }

    @Test func `a loop whose cycle hangs still answers`() async throws {
        let worker = Worker()
        worker.hold()
        try await withLoop(worker) { loop, runs in
            _ = await runs.next()
            await settle(loop)
        }
    }

    @Test func `a loop that has ended answers too, so that nobody waits for it`() async throws {
        let worker = Worker()
        var ended: FolderLoop?
        try await withLoop(worker) { loop, runs in
            _ = await runs.next()
            ended = loop
        }
        let loop = try #require(ended)
        await settle(loop)
    }

    @Test func `stopping asks what runs to stop, and waits for it`() async throws {
        let worker = Worker()
        worker.hold()
        try await withLoop(worker) { loop, runs in
            _ = await runs.next()
            loop.stop()
            while !worker.isAskedToStop { await Task.yield() }
        }
    }

    @Test func `a pause stops what runs and begins nothing until it is over`() async throws {
        let worker = Worker()
        worker.hold()
        try await withLoop(worker) { loop, runs in
            _ = await runs.next()
            loop.command(.pause)
            while !worker.isAskedToStop { await Task.yield() }
            worker.release()
            worker.source.set(["a"], due: clock.now())
            await cycleEnd()
            clock.advance(by: .seconds(10_000))
            await settle(loop)
            loop.command(.resume)
            #expect(await runs.next() == .cycle(scans: true, lists: true))
            #expect(await runs.next() == .reaction(["a"]))
        }
    }

    @Test func `a wanted sync looks at both sides`() async throws {
        try await withLoop(Worker()) { loop, runs in
            _ = await runs.next()
            loop.command(.sync)
            #expect(await runs.next() == .cycle(scans: true, lists: true))
        }
    }

    @Test func `what was written just before it was read is looked at once more`() async throws {
        let racy = RelativePath(unchecked: Array("fresh".utf8), in: nil)
        let worker = Worker { _ in
            var report = Self.report()
            report.racy = ([racy], 1)
            return report
        }
        try await withLoop(worker) { loop, runs in
            _ = await runs.next()
            await cycleEnd()
            #expect(worker.source.putBack.first?.0 == racy)
            #expect(worker.source.putBack.first?.1 ?? .zero > .seconds(2))
        }
    }
}
