import SyncEngine
import TestSupport
import Testing

/// Whole cycles of a folder whose bucket leads.
struct SyncCycleDownTests {
    @Test func `a first cycle downloads everything with its times and modes, and a second one only lists`() async throws
    {
        let world = try World(direction: .down)
        world.putObject("a.txt", "one", modified: 1_700_000_000_123_456_789, mode: 0o640)
        world.putObject("deep/er/b.txt", "two")
        world.putObject("empty", "")
        let first = try await world.run()
        #expect(first.record.downloaded == 3)
        #expect(first.record.result == .inSync)
        #expect(world.files == ["a.txt": "one", "deep/er/b.txt": "two", "empty": ""])
        #expect(world.modificationTime("a.txt") == 1_700_000_000_123_456_789)
        #expect(world.mode("a.txt") == 0o640)
        #expect(world.temporaryFiles.isEmpty)
        world.advance(seconds: 60)
        let second = try await world.run()
        #expect(second.record.requests == ["LIST": 1])
        #expect(second.pending.isEmpty)
    }

    @Test func `many files are made durable in batches and all arrive`() async throws {
        let world = try World(direction: .down)
        for number in 0..<600 { world.putObject("d\(number % 7)/f\(number)", "content \(number)") }
        let report = try await world.run()
        #expect(report.record.downloaded == 600)
        #expect(world.files.count == 600)
        #expect(world.files["d3/f598"] == "content 598")
    }

    @Test func `an edit, a delete and a new object follow; what goes is in the trash`() async throws {
        let world = try World(direction: .down, deletes: true)
        for name in ["a", "sub/b", "c", "d"] { world.putObject(name, "old \(name)") }
        try await world.run()
        world.advance(seconds: 60)
        // What was installed a moment ago could still change unseen: one more cycle makes sure of it.
        try await world.run()
        world.advance(seconds: 60)
        world.putObject("a", "new a")
        world.removeObject("sub/b")
        world.putObject("e", "e")
        let report = try await world.run()
        #expect(report.record.downloaded == 2)
        #expect(report.record.deletedLocal == 1)
        #expect(world.files == ["a": "new a", "c": "old c", "d": "old d", "e": "e"])
        #expect(world.trash == ["sub/b": "old sub/b"])
        #expect(!world.hasDirectory("sub"))
    }

    @Test func `a local edit is overwritten by the bucket and kept in the trash`() async throws {
        let world = try World(direction: .down)
        world.putObject("a", "from the bucket")
        try await world.run()
        world.advance(seconds: 60)
        world.write("a", "a local edit")
        let report = try await world.run()
        #expect(report.record.downloaded == 1)
        #expect(world.files["a"] == "from the bucket")
        #expect(world.trash == ["a": "a local edit"])
    }

    @Test func `files that were never in the bucket are deleted only after an approval, into the trash`() async throws {
        let world = try World(direction: .down, deletes: true)
        for name in ["a", "b"] { world.putObject(name, name) }
        world.write("mine", "precious")
        let halted = try await world.run()
        #expect(halted.halt?.reason == .foreign(count: 1))
        #expect(halted.record.downloaded == 2)
        #expect(world.files["mine"] == "precious")
        try await world.approve()
        try await world.run()
        #expect(world.files["mine"] == nil)
        #expect(world.trash == ["mine": "precious"])
    }

    @Test func `a file where a directory was, and the reverse, follow in one cycle`() async throws {
        let world = try World(direction: .down, deletes: true)
        for name in ["x", "y/1", "keep1", "keep2", "keep3"] { world.putObject(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        world.removeObject("x")
        world.putObject("x/inside", "x")
        world.removeObject("y/1")
        world.putObject("y", "a file now")
        let report = try await world.run()
        #expect(report.problems.isEmpty)
        #expect(world.files.keys.sorted() == ["keep1", "keep2", "keep3", "x/inside", "y"])
    }

    @Test func `an object that is replaced while it is fetched arrives whole, in its new version`() async throws {
        let world = try World(direction: .down)
        world.putObject("a", "first")
        world.beforeGet("a", times: 1) { world.putObject("a", "second, longer") }
        let report = try await world.run()
        #expect(report.record.downloaded == 1)
        #expect(world.files == ["a": "second, longer"])
    }

    @Test func `damaged bytes never replace a file`() async throws {
        let world = try World(direction: .down)
        world.putObject("a", "good")
        try await world.run()
        world.advance(seconds: 60)
        world.putObject("a", "better")
        world.damageDownloads("a")
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.corrupt])
        #expect(world.files == ["a": "good"])
        #expect(world.temporaryFiles.isEmpty)
    }

    @Test func `keys that cannot be names here are problems and stop nothing else`() async throws {
        let world = try World(direction: .down, deletes: true)
        for name in ["good", "../up", "a//b", "/abs", "x/./y", "dir/"] {
            world.putObject(name, name == "dir/" ? "" : "x")
        }
        let report = try await world.run()
        #expect(world.files == ["good": "x"])
        #expect(report.problems.count == 4)
        #expect(report.problems.allSatisfy { $0.problem.kind == .name })
        #expect(world.hasDirectory("dir"))
        #expect(world.objects.count == 6)
    }

    @Test func `of a key and a key beneath it one is kept for good, and the other is a problem`() async throws {
        let world = try World(direction: .down)
        world.putObject("a", "file")
        world.putObject("a/b", "beneath")
        let report = try await world.run()
        #expect([["a": "file"], ["a/b": "beneath"]].contains(world.files))
        #expect(report.problems.map(\.problem.kind) == [.collision])
        let kept = world.files
        world.advance(seconds: 60)
        #expect(try await world.run().problems.count == 1)
        #expect(world.files == kept)
        #expect(world.objects.count == 2)
    }

    @Test func `a missing root is never created`() async throws {
        let world = try World(direction: .down)
        world.putObject("a", "a")
        world.removeRoot()
        let report = try await world.run()
        #expect(report.halt?.reason == .rootMissing)
        #expect(world.files.isEmpty)
    }

    @Test func `a full disk is a problem, and the old file stays`() async throws {
        let world = try World(direction: .down)
        world.putObject("a", "old")
        try await world.run()
        world.advance(seconds: 60)
        world.putObject("a", "new")
        world.fillDisk()
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.unwritable])
        #expect(world.files == ["a": "old"])
        #expect(world.temporaryFiles.isEmpty)
    }

    @Test func `another root than the adopted one halts until it is approved`() async throws {
        let world = try World(direction: .down)
        for name in ["a", "b"] { world.putObject(name, name) }
        try await world.run()
        world.replaceRoot()
        let halted = try await world.run()
        #expect(halted.record.result == .halted)
        #expect(world.files.isEmpty)
    }

    @Test func `files that are large together do not wait for a full batch`() async throws {
        let world = try World(direction: .down)
        world.concurrency = 1
        let content = [UInt8](repeating: 7, count: 12 << 20)
        for name in ["a", "b", "c"] { world.store.set(Array(name.utf8), content) }
        world.putObject("d", "small")
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        let installed = try #require(world.trace.lines.firstIndex { $0.hasPrefix("rename ") })
        let last = try #require(world.trace.lines.lastIndex { $0.hasPrefix("GET ") })
        #expect(installed < last, "36 MiB were kept back for one more file")
    }
}
