import Synchronization
import TestSupport
import Testing

@testable import SyncEngine

struct BoundedRunnerTests {
    private final class Gauge: Sendable {
        private let state = Mutex((now: 0, peak: 0))

        var peak: Int { state.withLock { $0.peak } }

        func enter() {
            state.withLock {
                $0.now += 1
                $0.peak = max($0.peak, $0.now)
            }
        }

        func leave() {
            state.withLock { $0.now -= 1 }
        }
    }

    private struct Broken: Error, Equatable {
        var number: Int
    }

    @Test(arguments: [1, 2, 7, 32])
    func `never more jobs than the limit are under way, and each is finished once`(limit: Int) async throws {
        let gauge = Gauge()
        var jobs = (0..<200).makeIterator()
        var finished: [Int] = []
        try await runBounded(limit: limit) {
            jobs.next()
        } run: { job in
            gauge.enter()
            await Task.yield()
            gauge.leave()
            return job
        } finish: {
            finished.append($0)
        }
        #expect(finished.sorted() == Array(0..<200))
        #expect(gauge.peak <= limit)
    }

    @Test func `the limit may be another each time`() async throws {
        let gauges = [Gauge(), Gauge(), Gauge()]
        var jobs = (0..<300).makeIterator()
        var limit = 8
        var finished = 0
        try await runBounded(limit: limit) {
            jobs.next()
        } run: { job in
            let gauge = gauges[job / 100]
            gauge.enter()
            await Task.yield()
            gauge.leave()
            return job
        } finish: { _ in
            finished += 1
            // All of the second hundred begin and end in between.
            limit = finished < 80 ? 8 : finished < 200 ? 1 : 4
        }
        #expect(finished == 300)
        #expect(gauges[1].peak == 1 && gauges[0].peak > 1 && gauges[0].peak <= 8 && gauges[2].peak <= 4)
    }

    @Test func `an error of finish starts no more, finishes what runs, and is thrown`() async {
        var started = 0
        var finished: [Int] = []
        await #expect(throws: Broken(number: 5)) {
            try await runBounded(limit: 4) { () -> Int? in
                started += 1
                return started
            } run: { job in
                job
            } finish: { job in
                finished.append(job)
                if job == 5 { throw Broken(number: job) }
            }
        }
        #expect(finished.sorted() == Array(1...started))
        #expect(started < 20)
    }

    @Test func `an error of next lets what runs end`() async {
        var started = 0
        var finished = 0
        await #expect(throws: Broken(number: 3)) {
            try await runBounded(limit: 2) { () throws -> Int? in
                if started == 3 { throw Broken(number: 3) }
                started += 1
                return started
            } run: { job in
                job
            } finish: { _ in
                finished += 1
            }
        }
        #expect(finished == 3)
    }

    @Test func `a cancelled task starts no more`() async {
        let task = Task { () -> Int in
            var started = 0
            try? await runBounded(limit: 1) { () -> Int? in
                started += 1
                if started == 3 { withUnsafeCurrentTask { $0?.cancel() } }
                return started
            } run: { job in
                job
            } finish: { _ in
            }
            return started
        }
        #expect(await task.value == 3)
    }

    @Test func `a lane that is done is told while another goes on`() async throws {
        let gate = Gate()
        var jobs = [[1, 2, 3], [100]]
        var done: [Int] = []
        var drained: [[Int]] = []
        let limits = { ([2, 1], 3) }
        try await runBounded(lanes: 2, limits: limits, until: StopSignal()) { lane in
            jobs[lane].popLast()
        } _: { job in
            if job == 100 { await gate.wait() }
            return job
        } _: { result in
            done.append(result)
        } drained: { lane in
            drained.append([lane] + done.sorted())
            if lane == 0 { gate.open() }
        }
        #expect(drained == [[0, 1, 2, 3], [1, 1, 2, 3, 100]])
    }
}
