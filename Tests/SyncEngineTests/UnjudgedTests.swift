import TestSupport
import Testing

@testable import SyncEngine

/// What comes up while a cycle transfers was weighed by no gate: it waits for the next one.
struct UnjudgedTests {
    private static let names = (10..<100).map { "dir/\($0)" }

    private func settled(_ direction: Direction) async throws -> World {
        let world = try World(direction: direction, deletes: true)
        world.share = FolderShare()
        for name in Self.names + ["a", "b"] {
            if direction == .down { world.putObject(name, name) } else { world.write(name, name) }
        }
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        return world
    }

    @Test func `deletes that a reaction saw while a cycle uploaded wait for their gate`() async throws {
        let world = try await settled(.up)
        world.write("new", "new")
        world.remove("a")
        var reaction: CycleReport?
        world.store.meanwhile = { request, name in
            guard request == "PUT", name == Array("new".utf8), reaction == nil else { return }
            for name in Self.names { world.remove(name) }
            reaction = try? await world.react("dir")
        }
        let cycle = try await world.run()
        #expect(reaction?.held == 90)
        #expect(cycle.record.deletedRemote == 1 && cycle.halt == nil)
        #expect(world.objects.count == 92)
        let next = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(next.halt != nil && next.record.deletedRemote == 0)
        #expect(world.objects.count == 92)
    }

    @Test func `files whose objects went while a cycle downloaded stay until that was weighed`() async throws {
        let world = try await settled(.down)
        for name in Self.names { world.putObject(name, "new \(name)") }
        world.removeObject("a")
        world.concurrency = 1
        world.beforeGet("dir/10", times: 1) { for name in Self.names { world.removeObject(name) } }
        let cycle = try await world.run()
        #expect(cycle.record.deletedLocal == 1 && cycle.halt == nil)
        #expect(world.files.count == 91 && world.trash == ["a": "a"])
        #expect(try await world.run().halt != nil)
        #expect(world.files.count == 91)
    }
}
