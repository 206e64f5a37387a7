import TestSupport
import Testing

@testable import SyncEngine

/// What a daemon does between its cycles: it looks at paths that changed, and at nothing else.
struct ReactionTests {
    private func settled(_ names: [String] = ["a", "b", "dir/c", "dir/d"]) async throws -> World {
        let world = try World(direction: .up, deletes: true)
        world.share = FolderShare()
        for name in names { world.write(name, "old \(name)") }
        try await world.run()
        world.advance(seconds: 60)
        return world
    }

    @Test func `an object that another writer replaced since the listing is not overwritten unasked`() async throws {
        let world = try await settled()
        world.write("a", "new a")
        world.putObject("a", "somebody else's")
        let reaction = try await world.react("a")
        #expect(world.objects["a"] == "somebody else's")
        #expect(reaction.leftToCycle == 1, "a cycle weighs it by the gates")
        try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(world.objects["a"] == "new a", "one of four is within the limits")
    }

    @Test func `an emptied bucket stays a halt where a cycle does not list`() async throws {
        let world = try await settled()
        world.removeAllObjects()
        #expect(try await world.run().halt?.reason == .remoteEmptied(baseCount: 4))
        let scan = CycleScope(local: .whole, lists: false, deletes: true, isImpatient: false)
        #expect(try await world.run(scan).halt?.reason == .remoteEmptied(baseCount: 4))
        #expect(try await world.react("a").halt?.reason == .remoteEmptied(baseCount: 4))
        #expect(world.objects.isEmpty)
    }

    @Test func `a time in the future is no reason to read a file again and again`() async throws {
        let world = try await settled()
        world.write("a", "from the future")
        world.advance(seconds: 10)
        world.fileSystem.change(Array("a".utf8), modified: UnixTime(seconds: 1_900_000_000))
        world.advance(seconds: 10)
        let reaction = try await world.react("a")
        #expect(reaction.record.uploaded == 1)
        #expect(reaction.racy.count == 0)
    }

    @Test func `the first look is at everything, whatever was asked`() async throws {
        let world = try World(direction: .up)
        world.share = FolderShare()
        for name in ["a", "b"] { world.write(name, name) }
        try await world.react("a")
        #expect(world.objects == ["a": "a", "b": "b"])
    }

    @Test func `a change goes up without a listing, and nothing else is touched`() async throws {
        let world = try await settled()
        world.write("a", "new a")
        world.write("b", "new b")
        let report = try await world.react("a")
        #expect(report.record.requests == ["HEAD": 1, "PUT": 1])
        #expect(world.objects["a"] == "new a")
        #expect(world.objects["b"] == "old b", "nobody said that it changed")
    }

    @Test func `a new directory is looked at with all beneath it`() async throws {
        let world = try await settled()
        for name in ["new/1", "new/deep/2", "new-3"] { world.write(name, name) }
        let report = try await world.react("new")
        #expect(report.record.uploaded == 2)
        #expect(world.objects["new/deep/2"] == "new/deep/2")
        #expect(world.objects["new-3"] == nil)
    }

    @Test func `deletes wait, and a cycle that may delete carries them out after a look at each object`() async throws {
        let world = try await settled()
        world.remove("dir/c")
        world.remove("dir/d")
        let reaction = try await world.react("dir")
        #expect(reaction.held == 2)
        #expect(reaction.record.result == .held)
        #expect(world.objects.count == 4)
        let cycle = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(cycle.record.deletedRemote == 2)
        #expect(cycle.record.requests["LIST"] == nil)
        #expect(cycle.record.requests["HEAD"] == 2)
        #expect(world.objects.keys.sorted() == ["a", "b"])
    }

    @Test func `an object that another writer replaced since the listing is not deleted`() async throws {
        let world = try await settled()
        world.remove("a")
        try await world.react("a")
        world.putObject("a", "somebody else's")
        let cycle = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(cycle.record.deletedRemote == 0)
        #expect(world.objects["a"] == "somebody else's")
        let next = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(next.halt?.reason == .foreign(count: 1))
    }

    @Test func `an object that somebody else deleted is no delete of ours`() async throws {
        let world = try await settled()
        world.remove("a")
        try await world.react("a")
        world.removeObject("a")
        let cycle = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(cycle.record.deletedRemote == 0)
        try await world.run()
        let id = try #require(try await world.index.memory(of: world.folder)?.id)
        #expect(try await world.index.entry(id, at: RelativePath(unchecked: [0x61], in: nil)) == nil)
    }

    @Test func `what came back within the delay is not deleted`() async throws {
        let world = try await settled()
        world.remove("a")
        try await world.react("a")
        world.write("a", "old a")
        try await world.react("a")
        let cycle = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(cycle.record.deletedRemote == 0)
        #expect(world.objects["a"] == "old a")
    }

    @Test func `a folder whose last files were seen to go is halted as emptied`() async throws {
        let world = try await settled()
        for name in ["a", "b", "dir/c", "dir/d"] { world.remove(name) }
        let reaction = try await world.react("a", "b", "dir")
        #expect(reaction.halt?.reason == .rootEmptied(baseCount: 4))
        #expect(world.objects.count == 4)
    }

    @Test func `a replaced root stops a reaction before anything is read`() async throws {
        let world = try await settled()
        world.replaceRoot()
        world.write("a", "of another disk")
        let reaction = try await world.react("a")
        #expect(reaction.halt?.reason.stopsEverything == true)
        #expect(world.objects["a"] == "old a")
    }

    @Test func `a cycle that holds deletes holds those that were approved too`() async throws {
        let world = try await settled((0..<20).map { "file \($0)" })
        for number in 0..<15 { world.remove("file \(number)") }
        #expect(try await world.run().halt != nil)
        try await world.approve()
        let holding = CycleScope(local: .none, lists: false, deletes: false, isImpatient: false)
        let held = try await world.run(holding)
        #expect(held.held == 15)
        #expect(world.objects.count == 20)
        try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(world.objects.count == 5)
    }

    @Test func `what a mounted file system hides is not taken for gone`() async throws {
        let world = try await settled()
        world.remove("dir/c")
        world.fileSystem.change(Array("dir".utf8), device: 2)
        let reaction = try await world.react("dir/c")
        #expect(reaction.held == 0)
        try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(world.objects["dir/c"] == "old dir/c")
    }

    @Test func `a file system that is mounted before a held delete keeps it from being done`() async throws {
        let world = try await settled()
        world.remove("dir/c")
        #expect(try await world.react("dir/c").held == 1)
        world.fileSystem.change(Array("dir".utf8), device: 2)
        let cycle = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(cycle.record.deletedRemote == 0)
        #expect(cycle.problems.map(\.problem.kind) == [.unreadable])
        #expect(world.objects["dir/c"] == "old dir/c")
    }

    @Test func `beside a cycle that makes a new index good a reaction waits`() async throws {
        let world = try World(direction: .up)
        let share = FolderShare()
        world.share = share
        world.write("a", "a")
        share.claims.begin(.cycle)
        #expect(try await world.react("a").failure?.code == .busy)
        #expect(world.objects.isEmpty)
        share.claims.end(.cycle)
        #expect(try await world.react("a").record.uploaded == 1)
    }

    @Test func `a link in the place of a file deletes nothing`() async throws {
        let world = try await settled()
        world.remove("a")
        world.place(.symbolicLink, at: "a")
        let reaction = try await world.react("a")
        #expect(reaction.held == 0)
        try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(world.objects["a"] == "old a")
    }

    @Test func `excluded paths cost nothing`() async throws {
        let world = try await settled()
        world.exclude(["*.tmp"])
        try await world.run()
        world.write("x.tmp", "x")
        let reaction = try await world.react("x.tmp")
        #expect(reaction.record.requests.isEmpty)
        #expect(world.objects["x.tmp"] == nil)
    }

    @Test func `overwrites of what was never ours are left to a cycle and its gates`() async throws {
        let world = try await settled()
        world.putObject("new", "another tool's")
        try await world.run()
        world.write("new", "ours, and longer")
        let reaction = try await world.react("new")
        #expect(reaction.held == 1)
        #expect(world.objects["new"] == "another tool's")
    }

    @Test func `a failed entry waits for its time, and an impatient cycle does not`() async throws {
        let world = try await settled()
        world.write("a", "new a")
        world.seams.plan(.failFirst("put", errno: 5))
        let failed = try await world.react("a")
        world.seams.plan(nil)
        let attempt = try #require(failed.nextAttempt)
        #expect(attempt.nanoseconds > world.clock.now().nanoseconds)
        let patient = CycleScope(local: .none, lists: false, deletes: true, isImpatient: false)
        #expect(try await world.run(patient).record.uploaded == 0)
        world.advance(seconds: 61)
        #expect(try await world.run(patient).record.uploaded == 1)
    }

    @Test func `another index knows nothing of what was seen beside the old one`() async throws {
        let world = try await settled()
        #expect(world.share?.isSurveyed == true)
        let other = try World(direction: .up)
        other.share = world.share
        other.write("a", "a")
        other.write("b", "b")
        try await other.react("a")
        #expect(other.objects.count == 2, "it looked at everything")
    }
}
