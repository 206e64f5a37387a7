import SyncEngine
import TestSupport
import Testing

/// Copies between a real disk and a service that misbehaves.
struct ObjectCopierTests {
    private func path(_ text: String) throws -> RelativePath { try RelativePath(Array(text.utf8)) }

    private static let tree: [String: [UInt8]] = [
        "a": [1], "dir/large": S3World.noise(350_000, seed: 7), "dir/empty": [], "dir/b + c%20": [2, 3],
    ]

    @Test func `a tree goes up and comes down again, and a second time nothing moves`() async throws {
        let up = try S3World(.up)
        for (name, content) in Self.tree { try up.write(name, content) }
        let sent = await up.copier(replaces: false).sendAll()
        #expect(sent.failure == nil && sent.problems.isEmpty && sent.copied == 4 && sent.same == 0)
        let areEqual = up.objects == Self.tree
        #expect(areEqual)
        let again = await up.copier(replaces: false).sendAll()
        #expect(again.copied == 0 && again.same == 4 && again.bytes == 0)
        let down = try S3World(.down)
        for (name, content) in Self.tree { down.put(content, as: name) }
        let fetched = await down.copier(replaces: false).fetchAll()
        #expect(fetched.failure == nil && fetched.problems.isEmpty && fetched.copied == 4)
        let cameDown = down.contents.filter { $0.key != "dir" } == Self.tree
        #expect(cameDown)
        let second = await down.copier(replaces: false).fetchAll()
        #expect(second.copied == 0 && second.same == 4)
    }

    @Test(arguments: [false, true])
    func `what is there with other content is replaced only if that is wished`(replaces: Bool) async throws {
        let world = try S3World(.up)
        try world.write("k", [1])
        try world.write("same", [7])
        world.put([2], as: "k")
        world.put([7], as: "same")
        let sent = await world.copier(replaces: replaces).sendAll()
        #expect(sent.copied == (replaces ? 1 : 0) && sent.same == 1)
        #expect(sent.problems.map(\.kind) == (replaces ? [] : [.collision]))
        #expect(world.objects["k"] == (replaces ? [1] : [2]))
        world.put([3], as: "k")
        let fetched = await world.copier(replaces: replaces).fetchAll()
        #expect(fetched.problems.map(\.kind) == (replaces ? [] : [.collision]))
        #expect(world.contents["k"] == (replaces ? [3] : [1]))
        #expect(!world.contents.keys.contains { $0.hasPrefix(".syncd-trash") })
    }

    @Test func `names that lead elsewhere stay where they are`() async throws {
        let world = try S3World(.down)
        for name in ["../x", "a/../../x", "/etc/x", "a//b", ".syncd-trash/x"] { world.put([1], as: name) }
        world.put([1], as: "good")
        let report = await world.copier(replaces: true).fetchAll()
        #expect(report.copied == 1 && report.problemCount == 4 && report.skipped == 1)
        #expect(Set(world.contents.keys) == ["good"])
    }

    @Test(arguments: [true, false])
    func `an object that may not be looked at is not replaced unseen`(mayList: Bool) async throws {
        let world = try S3World(.up)
        try world.write("k", [1])
        world.put([2], as: "k")
        world.server.on(.headObject, .every, .error(403, "AccessDenied"))
        if !mayList { world.server.on(.listObjectsV2, .every, .deny) }
        let report = await world.copier(replaces: false).send(try path("k"))
        #expect(report.copied == 0 && report.problems.count == 1)
        if !mayList { #expect(report.problems.map(\.kind) == [.denied]) }
        #expect(world.objects["k"] == [2])
    }

    @Test func `a damaged transfer leaves what was there`() async throws {
        let world = try S3World(.down)
        try world.write("k", [9])
        world.put([1, 2, 3], as: "k")
        world.server.on(.getObject, .every, .rewrite { $0.body = [1, 2, 4] })
        let report = await world.copier(replaces: true).fetchAll()
        #expect(report.copied == 0 && report.problems.map(\.kind) == [.corrupt])
        #expect(world.contents["k"] == [9])
    }

    @Test func `what is no file is not replaced, and keeps nothing else from being fetched`() async throws {
        let world = try S3World(.down)
        try world.write("directory/x", [1])
        try world.link("elsewhere", to: "directory")
        for name in ["a", "directory", "elsewhere/y", "z"] { world.put([2], as: name) }
        let report = await world.copier(replaces: true).fetchAll()
        #expect(report.failure == nil && report.copied == 2)
        #expect(report.problems.map(\.kind) == [.collision, .unreadable], "\(report.problems)")
        #expect(!report.problems.contains { $0.message.contains("--force") }, "\(report.problems)")
        #expect(Set(world.contents.keys) == ["a", "directory/x", "z"])
    }

    @Test func `nothing to fetch is told from an empty directory`() async throws {
        let world = try S3World(.down)
        #expect(await world.copier(replaces: false).fetchAll().isEmpty)
        world.put([], as: "dir/")
        let report = await world.copier(replaces: false).fetchAll()
        #expect(!report.isEmpty && report.directories == 1)
    }

    @Test func `what nobody goes on with is taken back`() async throws {
        let up = try S3World(.up)
        try up.write("large", S3World.noise(350_000, seed: 1))
        up.server.on(.uploadPart, 2, .deny)
        let sender = up.copier(replaces: false)
        #expect(await sender.send(try path("large")).copied == 0)
        #expect(up.server.withStore { $0.uploads().count } == 1)
        await sender.abandon()
        #expect(up.server.withStore { $0.uploads().isEmpty })
        let down = try S3World(.down)
        down.put(S3World.noise(350_000, seed: 2), as: "large")
        down.server.on(.getObject, .from(2...100), .deny)
        let fetcher = down.copier(replaces: false)
        #expect(await fetcher.fetchAll().copied == 0)
        #expect(try down.files.readDirectory(nil).entries.count == 1)
        await fetcher.abandon()
        #expect(try down.files.readDirectory(nil).entries.isEmpty)
    }

    @Test func `links are left out and told`() async throws {
        let world = try S3World(.up)
        try world.write("k", [9])
        try world.link("l", to: "k")
        let report = await world.copier(replaces: false).sendAll()
        #expect(report.copied == 1 && report.skipped == 1 && report.problems.isEmpty)
    }
}
