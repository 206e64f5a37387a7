import TestSupport
import Testing

@testable import SyncEngine

/// A directory that has lost its mount looks as if its files had been deleted. They were not.
struct MountPointTests {
    private static let elsewhere: UInt64 = 99
    private static let here: UInt64 = 1

    /// Twelve files, two of them in `d`, in sync; then something was mounted at `d`, seen, and unmounted: `d` is empty.
    private func unmounted(_ direction: Direction) async throws -> World {
        let world = try World(direction: direction, deletes: true)
        for name in (0..<10).map({ "file \($0)" }) + ["d/1", "d/2"] {
            if direction == .up { world.write(name, name) } else { world.putObject(name, name) }
        }
        try await world.run()
        mount(world, true)
        // The directory goes with its last name.
        world.write("d/.syncd-of-the-test", "")
        for name in ["d/1", "d/2"] { world.remove(name) }
        #expect(try await world.run().problems.map(\.problem.kind) == [.unreadable])
        mount(world, false)
        return world
    }

    private func mount(_ world: World, _ isMounted: Bool) {
        world.fileSystem.change(Array("d".utf8), device: isMounted ? Self.elsewhere : Self.here)
    }

    private func expectUnknown(_ world: World) async throws {
        for _ in 0..<2 {
            let report = try await world.run()
            #expect(report.record.deletedRemote + report.record.deletedLocal == 0)
            #expect(report.record.downloaded == 0)
            #expect(report.problems.map(\.problem.path) == [Array("d".utf8)])
            #expect(report.problems.first?.problem.message.contains("is not now") == true)
            #expect(world.objects["d/1"] == "d/1" && world.objects["d/2"] == "d/2")
        }
    }

    @Test(arguments: [Direction.up, .down])
    func `what lay beneath is unknown while it is unmounted`(direction: Direction) async throws {
        let world = try await unmounted(direction)
        try await expectUnknown(world)
        #expect(world.fileSystem.status(ofText: "d/1") == nil, "nothing is fetched to where the mount would hide it")
    }

    @Test func `a file that was never in it changes nothing`() async throws {
        let world = try await unmounted(.up)
        world.write("d/NOT MOUNTED", "a note that only shows while it is not")
        try await expectUnknown(world)
        #expect(world.objects["d/NOT MOUNTED"] == nil)
    }

    @Test func `one of its files there makes it a directory like others`() async throws {
        let world = try await unmounted(.up)
        try await expectUnknown(world)
        world.write("d/1", "d/1")
        let report = try await world.run()
        #expect(report.problems.isEmpty)
        #expect(world.objects["d/2"] == nil && world.objects["d/1"] == "d/1")
        world.remove("d/1")
        #expect(try await world.run().record.deletedRemote == 1)
    }

    @Test func `a directory that was removed was meant to go`() async throws {
        let world = try await unmounted(.up)
        try await expectUnknown(world)
        world.remove("d/.syncd-of-the-test")
        let report = try await world.run()
        #expect(report.problems.isEmpty)
        #expect(report.record.deletedRemote == 2)
        world.write("d/3", "d/3")
        #expect(try await world.run().record.uploaded == 1)
    }

    @Test func `one that is excluded is nobody's business`() async throws {
        let world = try await unmounted(.up)
        try await expectUnknown(world)
        world.folder.exclude = ["d/"]
        mount(world, true)
        #expect(try await world.run().problems.isEmpty)
        mount(world, false)
        #expect(try await world.run().problems.isEmpty)
        #expect(world.objects["d/1"] == "d/1")
    }

    @Test func `where nothing was agreed on any file makes it a directory like others`() async throws {
        let world = try World(direction: .up, deletes: true)
        for name in ["a", "b", "d/shown by the mount"] { world.write(name, name) }
        mount(world, true)
        try await world.run()
        world.write("d/.syncd-of-the-test", "")
        world.remove("d/shown by the mount")
        mount(world, false)
        #expect(try await world.run().problems.map(\.problem.path) == [Array("d".utf8)])
        world.write("d/new", "new")
        let report = try await world.run()
        #expect(report.problems.isEmpty)
        #expect(report.record.uploaded == 1)
    }

    @Test(arguments: ["d", "gone"])
    func `a mount that goes during the walk leaves all there unknown`(name: String) async throws {
        let world = try await unmounted(.up)
        world.write("d/1", "d/1")
        let path = try RelativePath(Array(name.utf8))
        let folder = try #require(try await world.index.memory(of: world.folder)?.id)
        let mountPoints = MountPoints(context: world.context, rules: IgnoreRules(patterns: []), folder: folder)
        let number = try await world.index.beginObservation(folder, of: .local)
        var scan = ScanResult()
        (scan.device, scan.mounted) = (Self.here, [path])
        try await mountPoints.judge(&scan, number, within: .whole)
        #expect(scan.unknown.contains(path))
        #expect(try await world.index.mountPoints(folder).contains(path))
    }

    @Test func `a reaction beneath it concludes nothing`() async throws {
        let world = try await unmounted(.up)
        world.share = FolderShare()
        try await expectUnknown(world)
        world.write("d/3", "d/3")
        let report = try await world.react("d/3")
        #expect(report.record.uploaded == 0)
        #expect(try await world.react("d/1").held == 0)
        try await expectUnknown(world)
    }
}
