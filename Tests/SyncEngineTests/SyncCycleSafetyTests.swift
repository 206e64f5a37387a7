import SyncEngine
import TestSupport
import Testing

/// What was not observed is never taken for absent, and what was not asked for is never done.
struct SyncCycleSafetyTests {
    /// A folder of six files, three of them in `d`, in sync for a minute.
    private func settled(_ direction: Direction) async throws -> World {
        let world = try World(direction: direction, deletes: true)
        for name in ["a", "b", "c", "d/1", "d/2", "d/3"] {
            switch direction {
            case .up: world.write(name, name)
            case .down, .both: world.putObject(name, name)
            }
        }
        try await world.run()
        world.advance(seconds: 60)
        #expect(try await world.run().record.result == .inSync)
        return world
    }

    private func deny(_ world: World, _ operation: String, _ path: String) {
        world.fileSystem.before = { own, ownPath throws(FileSystemError) in
            guard own == operation, ownPath == Array(path.utf8) else { return }
            throw FileSystemError(code: .accessDenied, operation: own, path: ownPath, errno: 13)
        }
    }

    @Test func `an unreadable directory is a problem, and nothing beneath it is deleted`() async throws {
        let world = try await settled(.up)
        deny(world, "readDirectory", "d")
        world.remove("a")
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.unreadable])
        #expect(report.record.deletedRemote == 1)
        #expect(world.objects.keys.sorted() == ["b", "c", "d/1", "d/2", "d/3"])
        world.fileSystem.before = nil
        #expect(try await world.run().problems.isEmpty)
    }

    @Test func `a link or a special file where a file was deletes nothing`() async throws {
        let world = try await settled(.up)
        world.place(.symbolicLink, at: "a")
        world.place(.special, at: "b")
        world.place(.symbolicLink, at: "d")
        let report = try await world.run()
        #expect(report.record.deletedRemote == 0)
        #expect(world.objects.count == 6)
        #expect(report.skipped == 3)
    }

    @Test(arguments: [Direction.down, .both])
    func `an object that cannot come down for a link in its way is told`(direction: Direction) async throws {
        let world = try World(direction: direction)
        world.place(.symbolicLink, at: "a")
        world.place(.special, at: "dir")
        for name in ["a", "dir/b", "c"] { world.putObject(name, name) }
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.collision, .collision])
        #expect(world.files == ["c": "c"])
    }

    @Test func `where both sides are written to, an object that may not be looked at is not replaced unseen`()
        async throws
    {
        let world = try World(direction: .both)
        world.store.configure { $0.honoursConditions = false }
        world.write("a", "a")
        world.store.before = { request, name throws(StoreError) in
            guard request == "HEAD" || request == "LIST" && !name.isEmpty else { return }
            world.putObject("a", "somebody else's")
            throw StoreError(code: .accessDenied, message: "access denied", status: 403)
        }
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.denied])
        #expect(world.objects == ["a": "somebody else's"])
    }

    @Test func `another file system mounted inside the root is unknown`() async throws {
        let world = try await settled(.up)
        for name in ["d/1", "d/2"] { world.remove(name) }
        world.fileSystem.change(Array("d".utf8), device: 99)
        let report = try await world.run()
        #expect(report.record.deletedRemote == 0)
        #expect(report.problems.map(\.problem.kind) == [.unreadable])
        #expect(world.objects.count == 6)
    }

    @Test func `an unreadable root fails the cycle and changes nothing`() async throws {
        let world = try await settled(.up)
        deny(world, "readDirectory", "")
        world.remove("a")
        let report = try await world.run()
        #expect(report.failure?.code == .unreadableRoot)
        #expect(world.objects.count == 6)
    }

    @Test func `down, an emptied bucket deletes nothing`() async throws {
        let world = try await settled(.down)
        world.removeAllObjects()
        let report = try await world.run()
        #expect(report.halt?.reason == .remoteEmptied(baseCount: 6))
        #expect(world.files.count == 6)
        try await world.approve()
        let approved = try await world.run()
        #expect(approved.halt != nil, "the emptiness is approved; the deletes themselves are weighed next")
        #expect(world.files.count == 6)
        try await world.approve()
        try await world.run()
        #expect(world.files.isEmpty)
        #expect(world.trash.count == 6)
    }

    @Test func `down, a listing that fails on its second page deletes nothing`() async throws {
        let world = try await settled(.down)
        world.store.configure { $0.pageSize = 2 }
        world.removeObject("a")
        world.failListing(onPage: 2)
        #expect(try await world.run().failure?.code == .incompleteListing)
        #expect(world.files.count == 6)
    }

    /// A listing of the one key may tell, where a HEAD may not.
    @Test(arguments: [true, false])
    func `down, only a definite absence deletes: a refused look at the object does not`(mayList: Bool) async throws {
        let world = try await settled(.down)
        world.removeObject("a")
        world.store.before = { request, name throws(StoreError) in
            guard request == "HEAD" || (request == "LIST" && !name.isEmpty && !mayList) else { return }
            throw StoreError(code: .accessDenied, message: "access denied", status: 403)
        }
        let report = try await world.run()
        #expect(report.record.deletedLocal == (mayList ? 1 : 0))
        #expect(report.problems.map(\.problem.kind) == (mayList ? [] : [.denied]))
        #expect(world.files["a"] == (mayList ? nil : "a"))
    }

    @Test func `down, a file that appeared after the scan is never overwritten unseen`() async throws {
        let world = try await settled(.down)
        world.putObject("new", "from the bucket")
        world.beforeGet("new", times: 1) { world.write("new", "written here meanwhile") }
        try await world.run()
        #expect(world.files["new"] == "written here meanwhile")
        world.advance(seconds: 60)
        try await world.run()
        #expect(world.files["new"] == "from the bucket")
        #expect(world.trash == ["new": "written here meanwhile"])
    }

    @Test func `down, an edit that came after the scan is kept in the trash`() async throws {
        let world = try await settled(.down)
        world.putObject("a", "from the bucket")
        world.beforeGet("a", times: 1) { world.write("a", "written here meanwhile") }
        try await world.run()
        #expect(world.files["a"] == "from the bucket")
        #expect(world.trash == ["a": "written here meanwhile"])
    }

    @Test func `down, a directory that became a link is not followed`() async throws {
        let world = try await settled(.down)
        world.putObject("d/new", "must not land behind the link")
        world.beforeGet("d/new", times: 1) { world.place(.symbolicLink, at: "d") }
        let report = try await world.run()
        #expect(report.record.downloaded == 0)
        #expect(report.problems.contains { $0.problem.path == Array("d/new".utf8) })
    }

    @Test func `deletes that were approved do not count against the next ones`() async throws {
        let world = try World(direction: .up, deletes: true)
        for number in 0..<30 { world.write("f\(number)", "\(number)") }
        try await world.run()
        world.advance(seconds: 60)
        for number in 0..<20 { world.remove("f\(number)") }
        #expect(try await world.run().halt != nil)
        try await world.approve()
        #expect(try await world.run().record.deletedRemote == 20)
        world.remove("f20")
        let report = try await world.run()
        #expect(report.halt == nil)
        #expect(report.record.deletedRemote == 1)
    }

    @Test func `a plan changes neither side, and the cycle after it does what it said`() async throws {
        let world = try await settled(.up)
        world.remove("a")
        world.write("new", "new")
        let (files, objects) = (world.files, world.objects)
        let plan = await world.plan()
        #expect(plan.planned.map(\.change) == [.deleteRemote(foreign: false), .upload(replacing: .nothing)])
        #expect(plan.planned.map { String(decoding: $0.path.bytes, as: UTF8.self) } == ["a", "new"])
        #expect(plan.pending.uploads == 1 && plan.pending.deletes == 1)
        #expect(plan.record.requests == ["LIST": 1])
        #expect((world.files, world.objects) == (files, objects))
        let report = try await world.run()
        #expect(report.record.uploaded == 1 && report.record.deletedRemote == 1)
    }

    @Test func `a plan shows what a gate holds back`() async throws {
        let world = try await settled(.up)
        world.putObject("stranger", "precious")
        let plan = await world.plan()
        #expect(plan.planned.map(\.isGated) == [true])
        #expect(plan.halt?.reason == .foreign(count: 1))
    }

    @Test func `what a crash left staged is swept by the next cycle, and nothing else is`() async throws {
        let world = try await settled(.down)
        world.write(".syncd.0123456789abcdef.tmp", "half a download")
        world.write("d/.syncd.fedcba9876543210.tmp", "half a download")
        world.write("d/.syncd-notes", "not of the form")
        world.write("mine.tmp", "not ours")
        world.folder.policy.deletes = false
        try await world.run()
        #expect(world.temporaryFiles.isEmpty)
        #expect(world.fileSystem.status(ofText: "d/.syncd-notes") != nil)
        #expect(world.files["mine.tmp"] == "not ours")
    }

    @Test func `a bucket whose ETags are those of multipart uploads is adopted without a transfer`() async throws {
        let world = try World(direction: .up)
        world.write("small", "same")
        // The digest of one part's digest, as a multipart upload of a single part leaves it.
        let part = FakeObjectStore.digest(Array("same".utf8))
        world.putObject("small", "same", etag: FakeObjectStore.digest(part.bytes).hexadecimal + "-1")
        let report = try await world.run()
        #expect(report.record.uploaded == 0)
        #expect(report.record.result == .inSync)
    }

    @Test func `an ETag that says nothing costs one upload and no more`() async throws {
        let world = try World(direction: .up)
        world.write("a", "same")
        world.putObject("a", "same", etag: "opaque-tag")
        #expect(try await world.run().record.uploaded == 1)
        world.advance(seconds: 60)
        try await world.run()
        #expect(try await world.run().record.requests == ["LIST": 1])
    }
}
