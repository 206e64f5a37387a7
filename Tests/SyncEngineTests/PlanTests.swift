import SyncEngine
import Testing

/// A plan looks, and leaves everything as it was, the index's memory among it.
struct PlanTests {
    private func settled() async throws -> World {
        let world = try World(direction: .up, deletes: true)
        for name in ["a", "b", "logs/1", "logs/2"] { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        return world
    }

    @Test func `a plan with other patterns forgets nothing`() async throws {
        let world = try await settled()
        world.exclude(["logs/"])
        #expect(await world.plan().pending.isEmpty)
        world.exclude([])
        world.remove("logs/1")
        let report = try await world.run()
        #expect(report.halt == nil, "syncd did write that object")
        #expect(report.record.deletedRemote == 1)
    }

    @Test func `a plan for another pair of the same name forgets nothing`() async throws {
        let world = try await settled()
        let before = try await world.index.memory(of: world.folder)
        world.folder.bucket = "another"
        let plan = await world.plan()
        #expect(plan.failure == nil)
        world.folder.bucket = "bucket"
        let after = try await world.index.memory(of: world.folder)
        #expect(after?.id == before?.id)
        #expect(after?.baseCount == 4)
        world.folder.bucket = "another"
        #expect(try await world.index.memory(of: world.folder) == nil, "of the other pair nothing stays")
    }

    @Test func `a plan adds no cycle to the history`() async throws {
        let world = try await settled()
        let id = try #require(try await world.index.memory(of: world.folder)?.id)
        let last = try await world.index.lastCycle(id)
        _ = await world.plan()
        #expect(try await world.index.lastCycle(id) == last)
    }

    @Test func `names that cannot be keys are problems and no uploads`() async throws {
        let world = try await settled()
        world.write(bytes: [0x66, 0xFF], "not text")
        let plan = await world.plan()
        #expect(plan.pending.isEmpty)
        #expect(plan.planned.isEmpty)
        #expect(plan.problems.map(\.problem.kind) == [.name])
    }
}
