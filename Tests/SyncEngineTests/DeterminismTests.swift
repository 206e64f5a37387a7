import SyncEngine
import TestSupport
import Testing

/// The same cycle on one thread, in an order that a seed draws.
struct DeterminismTests {
    private struct Run: Equatable, Sendable {
        var trace: [String]
        var files: [String: String]
        var objects: [String: String]
        var uploaded: Int64
    }

    private func simulate(seed: UInt64) throws -> Run {
        let world = try World(direction: .up, deletes: true, listPageSize: 7, seed: seed)
        for number in 0..<20 { world.write("d\(number % 3)/f\(number)", "content \(number)") }
        for number in 0..<9 { world.putObject("d0/f\(number)", "content \(number)") }
        let cycle = world.cycle
        let report = SimulationExecutor(seed: seed).run { await cycle.run() }
        #expect(report.failure == nil, "seed \(seed): \(String(describing: report.failure))")
        return Run(
            trace: world.trace.lines,
            files: world.files,
            objects: world.objects,
            uploaded: report.record.uploaded
        )
    }

    @Test func `one seed gives one order of all calls across the seams`() throws {
        for seed: UInt64 in [1, 2, 3] {
            let first = try simulate(seed: seed)
            #expect(try simulate(seed: seed) == first, "seed \(seed)")
            #expect(!first.trace.isEmpty)
        }
    }

    @Test func `other seeds give other orders and the same end`() throws {
        let runs = try (1...8).map { try simulate(seed: $0) }
        #expect(Set(runs.map(\.trace)).count > 1, "the executor draws nothing")
        for run in runs {
            #expect(run.files == runs[0].files)
            #expect(run.objects == runs[0].objects)
        }
    }
}
