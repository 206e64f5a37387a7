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

    @Test func `deletes of a batch beside one that fails for good are recorded, and count`() async throws {
        let world = try await settled(.up)
        for name in ["dir/10", "dir/11", "dir/12", "dir/13"] { world.remove(name) }
        try await world.react("dir")
        world.store.before = { request, name throws(StoreError) in
            guard request == "HEAD", name == Array("dir/10".utf8) else { return }
            throw StoreError(code: .unreachable, message: "no answer")
        }
        let cycle = try await world.run(CycleScope(local: .none, lists: false, deletes: true, isImpatient: false))
        #expect(cycle.failure?.code == .unreachable)
        #expect(cycle.record.deletedRemote == 3 && world.objects.count == 89)
    }

    @Test(arguments: [true, false])
    func `who is stopped has not looked, and deletes nothing`(isGuarded: Bool) async throws {
        let world = try World(direction: .up, deletes: true)
        for name in Self.names { world.putObject(name, name) }
        let entries = Self.names.enumerated().map { position, name in
            let digest = FakeObjectStore.digest(Array(name.utf8))
            return Entry(
                id: Int64(position + 1),
                path: RelativePath(unchecked: Array(name.utf8), in: nil),
                base: nil,
                local: nil,
                remote: RemoteState(etag: ETag(digest.hexadecimal), size: Int64(name.utf8.count)),
                isRacy: false
            )
        }
        let deleter = Deleter(
            files: world.fileSystem,
            store: world.store,
            trash: Trash(files: world.fileSystem, cycle: world.clock.now()),
            looksFirst: !isGuarded,
            isGuarded: isGuarded,
            device: nil
        )
        let stopped = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await deleter.deleteRemote(entries)
        }
        for result in await stopped.value {
            #expect(throws: CycleFailure.self) { try result.outcome() }
        }
        #expect(world.objects.count == 90)
        #expect(await deleter.deleteRemote(entries).count == 90)
        #expect(world.objects.isEmpty)
    }
}
