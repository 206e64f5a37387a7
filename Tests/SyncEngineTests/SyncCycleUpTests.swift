import SyncEngine
import Testing

/// Whole cycles of a folder whose local side leads, over a simulated file system and store.
struct SyncCycleUpTests {
    @Test func `a first cycle uploads everything and a second one only lists`() async throws {
        let world = try World(direction: .up)
        world.write("a.txt", "one")
        world.write("deep/er/b.txt", "two")
        world.write("empty", "")
        let first = try await world.run()
        #expect(first.record.uploaded == 3)
        #expect(first.record.result == .inSync)
        #expect(world.objects == ["a.txt": "one", "deep/er/b.txt": "two", "empty": ""])
        world.advance(seconds: 60)
        let second = try await world.run()
        #expect(second.record.requests == ["LIST": 1])
        #expect(second.pending.isEmpty)
    }

    @Test func `an edit, a delete and a new file follow`() async throws {
        let world = try World(direction: .up, deletes: true)
        for name in ["a", "b", "c", "d"] { world.write(name, "old \(name)") }
        try await world.run()
        world.advance(seconds: 60)
        world.write("a", "new a, longer")
        world.remove("b")
        world.write("e", "e")
        let report = try await world.run()
        #expect(report.record.uploaded == 2)
        #expect(report.record.deletedRemote == 1)
        #expect(world.objects == ["a": "new a, longer", "c": "old c", "d": "old d", "e": "e"])
    }

    @Test func `without delete, what is gone here stays in the bucket`() async throws {
        let world = try World(direction: .up, deletes: false)
        for name in ["a", "b", "c"] { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        world.remove("b")
        let report = try await world.run()
        #expect(report.record.deletedRemote == 0)
        #expect(report.record.result == .inSync)
        #expect(world.objects.keys.sorted() == ["a", "b", "c"])
    }

    @Test func `the same size with the old mtime put back is still seen`() async throws {
        let world = try World(direction: .up)
        world.write("a", "12345")
        try await world.run()
        world.advance(seconds: 60)
        world.rewriteKeepingModificationTime("a", "54321")
        let report = try await world.run()
        #expect(report.record.uploaded == 1)
        #expect(world.objects["a"] == "54321")
    }

    @Test func `a touched file costs no request`() async throws {
        let world = try World(direction: .up)
        world.write("a", "12345")
        try await world.run()
        world.advance(seconds: 60)
        world.touch("a")
        let report = try await world.run()
        #expect(report.record.requests == ["LIST": 1])
        #expect(report.record.uploaded == 0)
        world.advance(seconds: 60)
        #expect(try await world.run().pending.isEmpty)
    }

    @Test func `a bucket that another tool filled is adopted without a transfer`() async throws {
        let world = try World(direction: .up)
        world.write("a", "same")
        world.write("b", "mine")
        world.putObject("a", "same")
        world.putObject("b", "his!")
        let report = try await world.run()
        #expect(report.record.uploaded == 1)
        #expect(world.objects == ["a": "same", "b": "mine"])
    }

    @Test func `a file where a directory was, and the reverse, follow in one cycle`() async throws {
        let world = try World(direction: .up, deletes: true)
        for name in ["x", "y/1", "keep1", "keep2", "keep3"] { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        world.remove("x")
        world.write("x/inside", "x")
        world.remove("y/1")
        world.write("y", "a file now")
        try await world.run()
        #expect(world.objects.keys.sorted() == ["keep1", "keep2", "keep3", "x/inside", "y"])
    }

    @Test func `objects that were never ours are deleted only after an approval`() async throws {
        let world = try World(direction: .up, deletes: true)
        for name in ["a", "b", "c"] { world.write(name, name) }
        world.putObject("stranger", "precious")
        let halted = try await world.run()
        #expect(halted.halt?.reason == .foreign(count: 1))
        #expect(halted.halt?.examples.map(\.bytes) == [Array("stranger".utf8)])
        #expect(halted.record.uploaded == 3)
        #expect(world.objects["stranger"] == "precious")
        try await world.approve()
        let report = try await world.run()
        #expect(report.halt == nil)
        #expect(world.objects.keys.sorted() == ["a", "b", "c"])
    }

    @Test func `an approval covers the version that was shown, no other`() async throws {
        let world = try World(direction: .up, deletes: true)
        for name in ["a", "b", "c"] { world.write(name, name) }
        world.putObject("stranger", "precious")
        try await world.run()
        try await world.approve()
        world.putObject("stranger", "another")
        let report = try await world.run()
        #expect(report.halt?.reason == .foreign(count: 1))
        #expect(world.objects["stranger"] == "another")
    }

    @Test func `a mass delete waits for approval, and everything else goes on`() async throws {
        let world = try World(direction: .up, deletes: true)
        for number in 0..<30 { world.write("f\(number)", "\(number)") }
        try await world.run()
        world.advance(seconds: 60)
        for number in 0..<20 { world.remove("f\(number)") }
        world.write("new", "new")
        let halted = try await world.run()
        #expect(halted.record.result == .halted)
        #expect(halted.record.uploaded == 1)
        #expect(halted.record.deletedRemote == 0)
        #expect(halted.pending.deletes == 20)
        #expect(world.objects.count == 31)
        try await world.approve()
        let report = try await world.run()
        #expect(report.record.deletedRemote == 20)
        #expect(report.record.result == .inSync)
        #expect(world.objects.count == 11)
    }

    @Test func `a halted folder clears by itself when the files are back`() async throws {
        let world = try World(direction: .up, deletes: true)
        for number in 0..<30 { world.write("f\(number)", "\(number)") }
        try await world.run()
        world.advance(seconds: 60)
        for number in 0..<20 { world.remove("f\(number)") }
        #expect(try await world.run().halt != nil)
        for number in 0..<20 { world.write("f\(number)", "\(number)") }
        world.advance(seconds: 60)
        let report = try await world.run()
        #expect(report.halt == nil)
        #expect(report.record.uploaded == 0)
        #expect(world.objects.count == 30)
    }

    @Test func `an emptied root deletes nothing`() async throws {
        let world = try World(direction: .up, deletes: true)
        for number in 0..<3 { world.write("f\(number)", "\(number)") }
        try await world.run()
        world.advance(seconds: 60)
        for number in 0..<3 { world.remove("f\(number)") }
        let report = try await world.run()
        #expect(report.halt?.reason == .rootEmptied(baseCount: 3))
        #expect(world.objects.count == 3)
    }

    @Test func `an emptied bucket halts the folder`() async throws {
        let world = try World(direction: .up)
        for number in 0..<3 { world.write("f\(number)", "\(number)") }
        try await world.run()
        world.advance(seconds: 60)
        world.removeAllObjects()
        let report = try await world.run()
        #expect(report.halt?.reason == .remoteEmptied(baseCount: 3))
        #expect(world.objects.isEmpty)
    }

    @Test func `a listing that fails on its second page changes nothing`() async throws {
        let world = try World(direction: .up, deletes: true, listPageSize: 5)
        for number in 0..<12 { world.write("f\(number)", "\(number)") }
        try await world.run()
        world.advance(seconds: 60)
        world.remove("f3")
        world.write("new", "new")
        world.failListing(onPage: 2)
        let failed = try await world.run()
        #expect(failed.failure?.code == .incompleteListing)
        #expect(failed.record.uploaded == 0)
        #expect(world.objects.count == 12)
        world.healListing()
        let report = try await world.run()
        #expect(report.record.uploaded == 1)
        #expect(report.record.deletedRemote == 1)
    }

    @Test func `a file that changes while it is sent is not recorded as synced`() async throws {
        let world = try World(direction: .up)
        world.write("a", "first")
        world.beforePut("a", times: 1) { world.write("a", "second, longer") }
        let report = try await world.run()
        #expect(world.objects["a"] == "second, longer")
        #expect(report.record.uploaded == 1)
    }

    @Test func `no mixture of two versions goes up, whenever the file is written to`() async throws {
        var stood: [String?] = []
        try await World.beforeEachCall {
            stood = []
            let world = try World(direction: .up)
            world.write("a", "first")
            world.beforePut("a", times: .max) { [unowned world] in stood.append(world.objects["a"]) }
            return world
        } _: { world in
            world.write("a", "second, longer")
        } _: { world, call in
            stood.append(world.objects["a"])
            for content in stood.compactMap(\.self) {
                #expect(["first", "second, longer"].contains(content), "before call \(call)")
            }
        }
    }

    @Test func `a file that never holds still is the problem busy`() async throws {
        let world = try World(direction: .up)
        world.write("a", "0")
        world.write("b", "b")
        var round = 0
        world.beforePut("a", times: .max) {
            round += 1
            world.write("a", String(repeating: "x", count: round))
        }
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.busy])
        #expect(report.record.uploaded == 1)
        #expect(world.objects["b"] == "b")
    }

    @Test func `names that the bucket cannot hold are problems and stop nothing else`() async throws {
        let world = try World(direction: .up)
        world.write("good", "good")
        world.write(bytes: [0x62, 0xFF, 0xFE], "not UTF-8")
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.name])
        #expect(report.problems.first?.problem.path == [0x62, 0xFF, 0xFE])
        #expect(report.record.result == .problems)
        #expect(world.objects == ["good": "good"])
    }

    @Test func `a store that folds keys gets no name with a backslash`() async throws {
        let world = try World(direction: .up, foldsBackslashes: true)
        world.write("a/b", "the file in the directory")
        world.write("a\\b", "the file with the backslash")
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.name])
        #expect(world.objects == ["a/b": "the file in the directory"])
    }

    @Test func `a store that lists in directory order loses nothing`() async throws {
        let world = try World(direction: .up, deletes: true, listPageSize: 2, listsByDirectory: true)
        for name in ["a-", "a/x", "a/y", "a0", "b"] { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        let report = try await world.run()
        #expect(report.record.requests == ["LIST": 3])
        #expect(world.objects.count == 5)
    }

    @Test func `an excluded path leaves the index without a delete`() async throws {
        let world = try World(direction: .up, deletes: true)
        for name in ["a", "b", "c.tmp"] { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        world.exclude(["*.tmp"])
        let report = try await world.run()
        #expect(report.record.deletedRemote == 0)
        #expect(report.counts.entries == 2)
        #expect(world.objects.count == 3)
    }

    @Test func `refused deletes are problems and come again`() async throws {
        let world = try World(direction: .up, deletes: true)
        for name in ["a", "b", "c"] { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        world.remove("a")
        world.refuseDeletes()
        let refused = try await world.run()
        #expect(refused.record.result == .problems)
        #expect(refused.record.deletedRemote == 0)
        world.allowDeletes()
        let report = try await world.run()
        #expect(report.record.deletedRemote == 1)
        #expect(report.problems.isEmpty)
    }
}
