import TestSupport
import Testing

@testable import SyncEngine

/// What counts as an edit where neither side leads, and what becomes of edits at awkward moments.
struct BothWaysEditsTests {
    /// Six files in sync, nothing of them racy.
    private func settled(_ conflict: ConflictWinner = .newest) async throws -> World {
        let world = try World(direction: .both, deletes: true)
        world.folder.conflict = conflict
        for number in 1...6 { world.write("keep \(number)", "content \(number)") }
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        return world
    }

    private func isCopy(_ name: String) -> Bool { name.contains(" (conflict ") }

    // MARK: Only edits count

    @Test func `a file that was only touched goes with its object`() async throws {
        let world = try await settled()
        world.touch("keep 1")
        world.removeObject("keep 1")
        let report = try await world.run()
        #expect(world.files["keep 1"] == nil && world.objects["keep 1"] == nil)
        #expect(report.record.deletedLocal == 1 && report.record.uploaded == 0)
        #expect(world.trash["keep 1"] == "content 1")
    }

    @Test(arguments: [ConflictWinner.newest, .local, .remote])
    func `a file that was only touched makes no conflict, whoever would win it`(conflict: ConflictWinner) async throws {
        let world = try await settled(conflict)
        world.putObject("keep 1", "edited there", modified: 1)
        world.putObject("keep 2", "CONTENT 2", modified: 1)
        world.touch("keep 1")
        world.touch("keep 2")
        try await world.run()
        #expect(world.files == world.objects && world.files.count == 6)
        #expect(world.files["keep 1"] == "edited there" && world.files["keep 2"] == "CONTENT 2")
    }

    @Test func `an object that was written again, the same, makes no conflict where its ETag says nothing`()
        async throws
    {
        let world = try await settled()
        world.store.configure { $0.makesOpaqueTags = true }
        world.putObject("keep 1", "content 1")
        world.write("keep 1", "edited here")
        try await world.run()
        #expect(world.files == world.objects && world.files.count == 6)
        #expect(world.objects["keep 1"] == "edited here")
    }

    @Test func `ten copies are in the way of no comparison`() async throws {
        let world = try await settled()
        for number in 0..<ConflictName.maximumCopies {
            world.write("keep 1 (conflict 2026-11-28 00000\(number) abcdef)", "copy \(number)")
        }
        try await world.run()
        world.store.configure { $0.makesOpaqueTags = true }
        world.putObject("keep 1", "the same")
        world.write("keep 1", "the same")
        let report = try await world.run()
        #expect(report.problems.isEmpty, "\(report.problems.map(\.problem.message))")
        #expect(world.files == world.objects)
        world.putObject("keep 1", "edited there")
        world.write("keep 1", "edited here, too")
        let another = try await world.run()
        #expect(another.problems.map(\.problem.kind) == [.conflict])
        #expect(world.files["keep 1"] == "edited here, too" && world.objects["keep 1"] == "edited there")
    }

    // MARK: Awkward moments

    @Test func `an edit that puts its time back, made while the object comes, is kept`() async throws {
        let world = try await settled()
        world.putObject("keep 1", "edited there", modified: 1)
        world.beforeGet("keep 1", times: 1) { world.rewriteKeepingModificationTime("keep 1", "CONTENT 1") }
        for _ in 1...3 {
            try await world.run()
            world.advance(seconds: 60)
        }
        #expect(Set(world.files.values).isSuperset(of: ["edited there", "CONTENT 1"]))
        #expect(world.files == world.objects)
    }

    @Test func `an own write whose answer was lost makes no conflict with what the file has become`() async throws {
        let world = try await settled()
        world.write("keep 1", "first")
        world.beforePut("keep 1", times: 1) {
            // What the client's own retry finds.
            world.putObject("keep 1", "first")
            world.write("keep 1", "second")
        }
        for _ in 1...2 {
            try await world.run()
            world.advance(seconds: 60)
        }
        #expect(world.files == world.objects && world.files.count == 6 && world.objects["keep 1"] == "second")
    }

    @Test func `a file that changes while it is sent is sent again at once, on a condition`() async throws {
        let world = try await settled()
        world.write("keep 1", "first")
        world.beforePut("keep 1", times: 1) { world.write("keep 1", "second") }
        let report = try await world.run()
        #expect(report.problems.isEmpty && world.objects["keep 1"] == "second")
    }

    @Test func `a version that is gone when it is to be replaced is an observation, and no problem`() async throws {
        let world = try await settled()
        world.write("keep 1", "edited here")
        var isFirst = true
        world.store.before = { [unowned world] request, name throws(StoreError) in
            guard request == "PUT", name == Array("keep 1".utf8), isFirst else { return }
            isFirst = false
            world.removeObject("keep 1")
            throw StoreError(code: .notFound, message: "no such key", status: 404)
        }
        let report = try await world.run()
        #expect(report.problems.isEmpty && report.leftToCycle == 1)
        try await world.run()
        #expect(world.objects["keep 1"] == "edited here")
    }

    /// A version that another machine may have overwritten unseen is nowhere else any more.
    @Test(arguments: [true, false])
    func `what an object replaces is kept where the service guards no overwrite`(isGuarded: Bool) async throws {
        let world = try World(direction: .both, deletes: true)
        world.store.configure { $0.honoursConditions = isGuarded }
        for number in 1...6 { world.write("keep \(number)", "content \(number)") }
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        world.putObject("keep 1", "edited there", modified: 1)
        try await world.run()
        #expect(world.files["keep 1"] == "edited there")
        #expect(world.trash["keep 1"] == (isGuarded ? nil : "content 1"))
    }

    @Test func `a file that cannot be opened keeps no other from being agreed on`() async throws {
        let world = try await settled()
        world.write("broken", "1")
        world.write("new", "2")
        world.fileSystem.before = { operation, path throws(FileSystemError) in
            guard operation == "open", path == Array("broken".utf8) else { return }
            throw FileSystemError(code: .inputOutput, operation: operation, path: path, errno: 5)
        }
        let report = try await world.run()
        #expect(report.failure == nil && report.problems.map(\.problem.path) == [Array("broken".utf8)])
        #expect(world.objects["new"] == "2" && world.objects["broken"] == nil)
    }

    @Test func `copies that are excluded stay here`() async throws {
        let world = try await settled(.remote)
        world.exclude(["*(conflict *"])
        world.write("keep 1", "edited here")
        world.putObject("keep 1", "edited there")
        try await world.run()
        #expect(world.files.filter { isCopy($0.key) }.map(\.value) == ["edited here"])
        #expect(!world.objects.keys.contains(where: isCopy) && world.objects["keep 1"] == "edited there")
    }

    @Test(arguments: [ConflictWinner.local, .remote])
    func `a crash at any step of a conflict leaves the path in its place`(conflict: ConflictWinner) async throws {
        for effect in 1...40 {
            let world = try await settled(conflict)
            world.write("keep 1", "edited here")
            world.putObject("keep 1", "edited there")
            world.seams.plan(.crash(effect: effect))
            try await world.run()
            #expect(world.files["keep 1"] != nil, "crash at effect \(effect)")
            let isOver = world.seams.hit == nil
            world.seams.plan(nil)
            for _ in 1...2 {
                world.advance(seconds: 60)
                try await world.run()
            }
            #expect(world.files == world.objects && world.files.count == 7, "crash at effect \(effect): \(world.files)")
            if isOver { return }
        }
        Issue.record("the conflict has no end")
    }

    @Test func `a directory that takes a file's name at the last moment stays where it is`() async throws {
        try await World.beforeEachCall {
            let world = try World(direction: .both)
            world.write("a", "old")
            world.write("b", "b")
            try await world.run()
            world.advance(seconds: 60)
            world.putObject("a", "new in the bucket", modified: 2)
            return world
        } _: { world in
            world.remove("a")
            world.write("a/inside", "mine")
        } _: { world, call in
            for _ in 0..<4 {
                world.advance(seconds: 60)
                try await world.run()
            }
            #expect(world.files["a/inside"] == "mine", "before call \(call)")
        }
    }
}
