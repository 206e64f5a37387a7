import Glibc
import SyncEngine
import TestSupport
import Testing

/// What a crash or a failure must not cost: the edit that a download replaces. And what they must not leave: parts of a
/// version that is no longer wanted. Objects of 8 bytes and more travel in parts of 4.
struct CrashKeepsTests {
    private static let parts = PartPolicy(threshold: 8, minimumPartSize: 4)
    private static let large = "abcdefghijklmnopqrstuvwxyz"
    private static let edit = "EDIT-EDIT-EDIT-EDIT-EDIT-E"
    /// More effects and calls than any of these cycles has.
    private static let maximum = 500

    private func run(_ world: World) -> CycleReport {
        let cycle = world.cycle
        return SimulationExecutor(seed: 1).run { await cycle.run() }
    }

    private func settle(_ world: World) {
        world.seams.plan(nil)
        for _ in 0..<4 {
            world.advance(seconds: 60)
            _ = run(world)
        }
    }

    /// A mirror in agreement, in which a file was edited.
    private func editedWorld(_ content: String) throws -> World {
        let world = try World(direction: .down, deletes: true, parts: Self.parts)
        world.concurrency = 1
        world.putObject("file", content, modified: 1)
        world.putObject("other", "other", modified: 1)
        settle(world)
        world.write("file", Self.edit)
        world.advance(seconds: 60)
        return world
    }

    /// Tries `event` with 1, 2, 3 … until a cycle meets it no more.
    private func sweep(_ content: String, _ event: (Int) -> SeamPlan.Event) throws {
        for number in 1...Self.maximum {
            let world = try editedWorld(content)
            world.seams.plan(event(number))
            _ = run(world)
            guard let hit = world.seams.hit else {
                #expect(number > 10)
                return
            }
            settle(world)
            let place = "\(event(number)), \(hit.name)"
            #expect(world.files == ["file": content, "other": "other"], "\(place)")
            // In the trash of some cycle or other.
            let kept = world.fileSystem.contents.values.contains(Array(Self.edit.utf8))
            #expect(kept, "\(place): the edit is lost")
            #expect(world.temporaryFiles.isEmpty, "\(place)")
        }
        Issue.record("the cycle did not come to an end")
    }

    @Test(arguments: ["small", large])
    func `an edit that a download replaces survives a crash before any effect`(content: String) throws {
        try sweep(content) { .crash(effect: $0) }
    }

    @Test(arguments: ["small", large], [ENOSPC, EACCES, ENAMETOOLONG])
    func `an edit that a download replaces survives the failure of any call`(content: String, errno: CInt) throws {
        try sweep(content) { .fail(call: $0, errno: errno, times: .max) }
    }

    @Test(arguments: ["1", nil])
    func `an unfinished upload is aborted when its file is small or gone afterwards`(content: String?) throws {
        for effect in 1...Self.maximum {
            let world = try World(direction: .up, deletes: true, parts: Self.parts)
            world.concurrency = 1
            world.write("file", Self.large)
            world.write("other", "other")
            world.advance(seconds: 60)
            world.seams.plan(.crash(effect: effect))
            _ = run(world)
            guard world.seams.hit != nil else { return }
            if let content { world.write("file", content) } else { world.remove("file") }
            settle(world)
            #expect(world.store.unfinished.isEmpty, "a crash before effect \(effect)")
            if let content { #expect(world.objects == ["file": content, "other": "other"]) }
        }
    }

    @Test func `what was fetched of an object that is small afterwards goes in the cycle that fetches it`() throws {
        for effect in 1...Self.maximum {
            let world = try World(direction: .down, parts: Self.parts)
            world.concurrency = 1
            world.putObject("file", Self.large, modified: 1)
            world.seams.plan(.crash(effect: effect))
            _ = run(world)
            guard world.seams.hit != nil else { return }
            world.seams.plan(nil)
            world.putObject("file", "small", modified: 1)
            world.advance(seconds: 60)
            _ = run(world)
            #expect(world.files == ["file": "small"])
            #expect(world.temporaryFiles.isEmpty, "a crash before effect \(effect)")
        }
    }

    @Test func `a large object waits for the directory in its place to go, and is fetched once`() throws {
        let world = try World(direction: .down, deletes: true, parts: Self.parts)
        world.concurrency = 1
        world.putObject("name/inside", "1", modified: 1)
        world.putObject("other", "other", modified: 1)
        settle(world)
        world.removeObject("name/inside")
        world.putObject("name", Self.large, modified: 1)
        world.advance(seconds: 60)
        let before = world.store.bytesDown
        _ = run(world)
        #expect(world.files == ["name": Self.large, "other": "other"])
        #expect(world.store.bytesDown - before == 26)
        settle(world)
        #expect(world.temporaryFiles.isEmpty)
    }

    /// The kernel may forget what it could not write, and yet show it to whoever reads it: until the machine restarts.
    @Test func `what could not be made durable is fetched again`() throws {
        let world = try World(direction: .down, parts: Self.parts)
        world.concurrency = 1
        world.putObject("file", Self.large, modified: 1)
        world.seams.plan(.failFirst("synchronize", errno: EIO))
        _ = run(world)
        #expect(world.files.isEmpty)
        settle(world)
        #expect(world.files == ["file": Self.large])
        #expect(world.store.bytesDown == 2 * 26)
    }
}
