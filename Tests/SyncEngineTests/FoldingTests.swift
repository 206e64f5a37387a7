import SyncEngine
import TestSupport
import Testing

/// Local file systems that take several spellings of a name for one: what cannot be there beside another is a problem, and
/// never a loss on either side.
struct FoldingTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    private static func makeWorld(
        _ direction: Direction,
        deletes: Bool = true,
        folding: FakeFolding = .preserving
    ) throws -> World {
        let world = try World(direction: direction, deletes: deletes)
        world.fileSystem.fold(folding)
        return world
    }

    /// One more cycle: it looks, and finds nothing that it could do.
    private static func expectRest(_ world: World, _ place: String = "") async throws {
        let (files, objects) = (world.fileSystem.contents, world.store.contents)
        for _ in 0..<2 {
            world.advance(seconds: 7_200)
            let report = try await world.run()
            #expect(report.record.requests == ["LIST": 1], "\(place)")
        }
        #expect(world.fileSystem.contents == files && world.store.contents == objects, "\(place)")
    }

    // MARK: Twins

    @Test(arguments: [Direction.down, .both], [("A.txt", "a.txt"), ("Dir/x", "dir/y"), (composed, decomposed)])
    func `of twins the first stays, and the other is a problem`(
        direction: Direction,
        twins: (String, String)
    ) async throws {
        let world = try Self.makeWorld(direction)
        world.putObject(twins.0, "one")
        world.putObject(twins.1, "two")
        world.putObject("z", "three")
        let objects = world.store.contents
        let report = try await world.run()
        let isFirst = world.fileBytes[Array(twins.0.utf8)] != nil
        let (kept, other) = isFirst ? twins : (twins.1, twins.0)
        #expect(world.fileBytes == [Array(kept.utf8), Array("z".utf8)].reduce(into: [:]) { $0[$1] = objects[$1] })
        #expect(report.problems.map(\.problem.path) == [Array(other.utf8)])
        #expect(report.problems.map(\.problem.kind) == [.name])
        let message = report.problems.first?.problem.message ?? ""
        for path in [kept, other] {
            let name = path.split(separator: "/")[0]
            #expect(
                message.utf8.split(separator: UInt8(ascii: "\"")).contains { $0.elementsEqual(name.utf8) },
                "\(message)"
            )
        }
        #expect(world.store.contents == objects)
        #expect(world.trash.isEmpty && world.temporaryFiles.isEmpty)
        try await Self.expectRest(world)
        let again = try await world.run()
        #expect(again.problems.map(\.problem.path) == [Array(other.utf8)], "it stays told")
    }

    @Test(arguments: [Direction.down, .both])
    func `a twin that comes later is not even fetched, and takes the place when the first has gone`(
        direction: Direction
    ) async throws {
        let world = try Self.makeWorld(direction)
        world.putObject("a.txt", "one")
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        world.putObject("A.TXT", "two")
        let report = try await world.run()
        #expect(report.record.requests["GET"] == nil)
        #expect(report.problems.count == 1)
        #expect(world.files == ["a.txt": "one"])
        try await Self.expectRest(world)
        world.removeObject("a.txt")
        world.advance(seconds: 60)
        let last = try await world.run()
        #expect(last.problems.isEmpty)
        #expect(world.files == ["A.TXT": "two"])
        #expect(world.trash == ["a.txt": "one"])
    }

    @Test func `a file that a user makes while its twin is fetched is not replaced`() async throws {
        let world = try Self.makeWorld(.down)
        world.putObject("A.txt", "object")
        world.beforeGet("A.txt", times: 1) { world.write("a.txt", "user's") }
        let report = try await world.run()
        #expect(world.files == ["a.txt": "user's"])
        #expect(report.problems.map(\.problem.kind) == [.name])
    }

    /// As when a folder was moved to such a file system: the one name that is left stands for both objects.
    @Test(arguments: [Direction.up, .both], [("A.txt", "a.txt"), ("Dir/x", "dir/x"), (composed, decomposed)])
    func `an object whose twin is what its name finds here is not deleted`(
        direction: Direction,
        twins: (String, String)
    ) async throws {
        let world = try Self.makeWorld(direction, folding: .none)
        world.write(twins.0, "one")
        world.write(twins.1, "two")
        world.write("z", "three")
        try await world.run()
        world.advance(seconds: 60)
        world.remove(twins.1)
        world.fileSystem.fold(.preserving)
        let report = try await world.run()
        #expect(world.store.contents.count == 3)
        #expect(report.problems.map(\.problem.path) == [Array(twins.1.utf8)])
        #expect(world.fileBytes.count == 2)
        try await Self.expectRest(world)
    }

    @Test(arguments: [Direction.up, .down, .both])
    func `where every byte counts both are synced`(direction: Direction) async throws {
        let world = try Self.makeWorld(direction, folding: .none)
        for (number, name) in ["A.txt", "a.txt", "Dir/x", "dir/x", Self.composed, Self.decomposed].enumerated() {
            if direction == .up { world.write(name, "\(number)") } else { world.putObject(name, "\(number)") }
        }
        let report = try await world.run()
        #expect(report.problems.isEmpty)
        #expect(world.fileBytes.count == 6)
        #expect(world.fileBytes == world.store.contents)
    }

    // MARK: Renames of case

    private static let renames = [("A.txt", "a.txt"), ("Dir/x", "dir/x"), (composed, decomposed)]

    @Test(arguments: [Direction.up, .both], renames)
    func `a file that is renamed to another spelling is one object, by the new name`(
        direction: Direction,
        rename: (String, String)
    ) async throws {
        let world = try Self.settled(direction, rename.0)
        Self.rename(rename, in: world)
        let report = try await world.run()
        #expect(report.problems.isEmpty)
        #expect(world.store.contents == [rename.1: "one", "z": "three"].bytes)
        #expect(world.fileBytes == world.store.contents)
        world.advance(seconds: 60)
        try await world.run()
        try await Self.expectRest(world)
    }

    @Test(arguments: [Direction.down, .both], renames)
    func `an object that is renamed to another spelling is one file, by the new name`(
        direction: Direction,
        rename: (String, String)
    ) async throws {
        let world = try Self.settled(direction, rename.0)
        world.removeObject(rename.0)
        world.putObject(rename.1, "one")
        let report = try await world.run()
        #expect(report.problems.isEmpty)
        #expect(world.fileBytes == [rename.1: "one", "z": "three"].bytes)
        #expect(world.fileBytes == world.store.contents)
        #expect(world.trash.count == 1)
        world.advance(seconds: 60)
        try await world.run()
        try await Self.expectRest(world)
    }

    @Test func `where deletes do not go down, the file stays and the renamed object is a problem`() async throws {
        let world = try Self.makeWorld(.down, deletes: false)
        world.putObject("A.txt", "one")
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        world.removeObject("A.txt")
        world.putObject("a.txt", "one")
        let report = try await world.run()
        #expect(world.files == ["A.txt": "one"])
        #expect(report.problems.map(\.problem.kind) == [.name])
        try await Self.expectRest(world)
    }

    @Test func `a reaction to a rename of case sees one name gone and one come`() async throws {
        let world = try Self.settled(.up, "A.txt")
        world.share = FolderShare()
        try await world.run()
        world.fileSystem.move(Array("A.txt".utf8), to: Array("a.txt".utf8))
        let report = try await world.react("A.txt", "a.txt")
        #expect(report.record.uploaded == 1)
        #expect(report.pending.deletes == 1, "the old name counts as gone")
        world.advance(seconds: 60)
        try await world.run()
        #expect(world.objects == ["a.txt": "one", "z": "three"])
    }

    @Test(arguments: [Direction.up, .down, .both])
    func `a crash before any effect of a rename of case loses nothing`(direction: Direction) async throws {
        var crashes = 0
        for effect in 1...1_000 {
            let world = try Self.settled(direction, "A.txt")
            if direction == .down {
                world.removeObject("A.txt")
                world.putObject("a.txt", "one")
            } else {
                Self.rename(("A.txt", "a.txt"), in: world)
            }
            world.seams.plan(.crash(effect: effect))
            try await world.run()
            guard let hit = world.seams.hit else { break }
            world.seams.plan(nil)
            let place = "\(direction): crash before effect \(effect), \(hit.name)"
            let kept = Array(world.files.values) + Array(world.trash.values) + Array(world.objects.values)
            #expect(kept.contains("one"), "\(place)")
            for _ in 0..<3 {
                world.advance(seconds: 60)
                try await world.run()
            }
            #expect(world.files == ["a.txt": "one", "z": "three"], "\(place)")
            #expect(world.objects == world.files, "\(place)")
            #expect(world.temporaryFiles.isEmpty, "\(place)")
            crashes += 1
        }
        #expect(crashes > 3 && crashes < 1_000, "\(crashes)")
    }

    // MARK: File systems that change names

    @Test(arguments: [Direction.down, .both])
    func `an object whose name would be shown as another is a problem, and is not fetched`(
        direction: Direction
    ) async throws {
        let world = try Self.makeWorld(direction, folding: .changing)
        for name in ["README", "Dir/x", Self.decomposed, "plain", Self.composed + "/x"] { world.putObject(name, name) }
        let objects = world.store.contents
        let report = try await world.run()
        #expect(report.record.requests["GET"] == 2)
        #expect(report.problems.count == 3)
        #expect(report.problems.allSatisfy { $0.problem.kind == .name })
        #expect(world.fileBytes == ["plain": "plain", Self.composed + "/x": Self.composed + "/x"].bytes)
        #expect(world.store.contents == objects)
        #expect(!world.hasDirectory(".syncd-names"))
        world.advance(seconds: 60)
        try await world.run()
        try await Self.expectRest(world)
    }

    private static func settled(_ direction: Direction, _ name: String) throws -> World {
        let world = try makeWorld(direction)
        for (name, content) in [name: "one", "z": "three"] {
            if direction == .up { world.write(name, content) } else { world.putObject(name, content) }
        }
        for _ in 0..<2 {
            let cycle = world.cycle
            _ = SimulationExecutor(seed: 1).run { await cycle.run() }
            world.advance(seconds: 60)
        }
        return world
    }

    /// Renames the first segment in which the two differ.
    private static func rename(_ rename: (String, String), in world: World) {
        let (old, new) = (rename.0.split(separator: "/")[0], rename.1.split(separator: "/")[0])
        world.fileSystem.move(Array(old.utf8), to: Array(new.utf8))
    }
}

extension [String: String] {
    /// By bytes: composed and decomposed letters are the same to a `String`.
    fileprivate var bytes: [[UInt8]: [UInt8]] {
        reduce(into: [:]) { $0[Array($1.key.utf8)] = Array($1.value.utf8) }
    }
}
