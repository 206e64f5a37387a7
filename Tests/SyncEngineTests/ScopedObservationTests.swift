import TestSupport
import Testing

@testable import SyncEngine

/// A look at some paths says something of these and of what lies beneath them, and of nothing else.
struct ScopedObservationTests {
    private let now = UnixTime(seconds: 1_800_000_000)
    private let nothingUnseen = Unseen(unknown: [], isExcluded: { _ in false })
    private static let names = ["a", "a-", "a/b", "a/b/c", "a/d", "a0", "ab", "e"]

    private func path(_ text: String) -> RelativePath { RelativePath(unchecked: Array(text.utf8), in: nil) }

    private func state(_ size: Int64) -> LocalState {
        LocalState(inode: 1, size: size, modified: now, changed: now, mode: 0o644)
    }

    private func files(_ names: [String], size: Int64 = 1) -> [LocalObservation] {
        names.map { LocalObservation(path: path($0), state: state(size)) }
    }

    private let base = RemoteState(etag: ETag("e"), size: 1)

    /// An index whose folder has agreed on ``names``; impossible as a tree, which is none of the index's business.
    private func agreed() async throws -> (SQLiteIndex, Int64) {
        let index = try SQLiteIndex(path: nil)
        let folder = Folder(
            name: "f",
            root: Array("/r".utf8),
            endpoint: "http://h",
            bucket: "b",
            prefix: [],
            policy: Policy(direction: .up, deletes: true)
        )
        let id = try await index.open(folder).id
        let number = try await index.beginObservation(id, of: .local)
        try await index.observe(number, local: files(Self.names))
        try await index.completeObservation(number, unseen: nothingUnseen)
        let entries = try await index.attention(id, after: nil, limit: 100)
        let agreed = BaseState(local: state(1), remote: base, digest: nil)
        try await index.record(id, entries.map { .agreed(entry: $0.version, base: agreed, isRacy: false) }, at: now)
        return (index, id)
    }

    private func absent(_ index: SQLiteIndex, _ id: Int64) async throws -> [String] {
        var absent: [String] = []
        for name in Self.names where try await index.entry(id, at: path(name))?.local == nil { absent.append(name) }
        return absent
    }

    private func look(
        _ index: SQLiteIndex,
        _ id: Int64,
        at paths: [String],
        seeing: [String] = [],
        unknown: [String] = []
    ) async throws {
        let number = await index.beginObservation(id, of: .local, within: .paths(paths.map { path($0) }))
        try await index.observe(number, local: files(seeing))
        let unseen = Unseen(unknown: unknown.map { path($0) }, isExcluded: { _ in false })
        try await index.completeObservation(number, unseen: unseen)
    }

    @Test func `a path that is gone takes along what lies beneath it, and no neighbour`() async throws {
        let (index, id) = try await agreed()
        try await look(index, id, at: ["a"])
        #expect(try await absent(index, id) == ["a", "a/b", "a/b/c", "a/d"])
        let marked = try await index.attention(id, after: nil, limit: 100).map(\.path)
        #expect(marked == ["a", "a/b", "a/b/c", "a/d"].map { path($0) })
    }

    @Test func `what was seen stays, what is unknown stays`() async throws {
        let (index, id) = try await agreed()
        try await look(index, id, at: ["a", "e"], seeing: ["a/d"], unknown: ["a/b"])
        #expect(try await absent(index, id) == ["a", "e"])
    }

    @Test func `a look that was broken off concludes nothing`() async throws {
        let (index, id) = try await agreed()
        let number = await index.beginObservation(id, of: .local, within: .paths([path("a")]))
        await index.abandonObservation(number)
        #expect(try await absent(index, id) == [])
    }

    @Test func `a younger look is not overruled by a whole walk that began before it`() async throws {
        let (index, id) = try await agreed()
        let walk = try await index.beginObservation(id, of: .local)
        try await look(index, id, at: ["a/d", "new"], seeing: ["new"])
        // The walk had read the directory when the one was there still, and the other not yet.
        try await index.observe(walk, local: files(Self.names))
        try await index.completeObservation(walk, unseen: nothingUnseen)
        #expect(try await absent(index, id) == ["a/d"])
        #expect(try await index.entry(id, at: path("new"))?.local == state(1))
    }

    @Test func `an outcome of what was read before a look is not recorded over it`() async throws {
        let (index, id) = try await agreed()
        let entry = try #require(try await index.entry(id, at: path("e")))
        let number = await index.beginObservation(id, of: .local, within: .paths([path("e")]))
        try await index.observe(number, local: files(["e"], size: 7))
        try await index.completeObservation(number, unseen: nothingUnseen)
        let stale: [Outcome] = [
            .left(entry: entry.version), .removed(entry: entry.version), .compared(entry: entry.version),
            .confirmed(entry: entry.version, state(3)), .observedLocal(entry: entry.version, state(3)),
        ]
        for outcome in stale { try await index.record(id, [outcome], at: now) }
        let after = try #require(try await index.entry(id, at: path("e")))
        #expect(after.local == state(7))
        #expect(!after.isKnownDifferent)
        #expect(try await index.attention(id, after: nil, limit: 10).map(\.path) == [path("e")])
        // What was transferred is agreed on; the file as it is now is a change to that.
        let agreed = BaseState(local: state(1), remote: RemoteState(etag: ETag("n"), size: 1), digest: nil)
        try await index.record(id, [.agreed(entry: entry.version, base: agreed, isRacy: false)], at: now)
        let uploaded = try #require(try await index.entry(id, at: path("e")))
        #expect(uploaded.local == state(7))
        #expect(uploaded.base == agreed)
        #expect(uploaded.remote?.etag == ETag("n"))
        #expect(try await index.attention(id, after: nil, limit: 10).map(\.path) == [path("e")])
        #expect(try await index.counts(id).entries == Int64(Self.names.count))
    }

    private let younger = RemoteState(etag: ETag("younger"), size: 1)

    @Test func `what a listing found meanwhile is not lost to an outcome of before`() async throws {
        let (index, id) = try await agreed()
        let entry = try #require(try await index.entry(id, at: path("e")))
        let number = try await index.beginObservation(id, of: .remote)
        let other = RemoteState(etag: ETag("other"), size: 1)
        try await index.observe(number, remote: [RemoteObservation(path: path("e"), state: other)])
        await index.abandonObservation(number)
        for outcome in [Outcome.left(entry: entry.version), .compared(entry: entry.version)] {
            try await index.record(id, [outcome], at: now)
            let after = try #require(try await index.entry(id, at: path("e")))
            #expect(after.remote == other)
            #expect(!after.isKnownDifferent)
            #expect(try await index.attention(id, after: nil, limit: 10).map(\.path) == [path("e")])
        }
    }

    @Test func `an outcome of a row that is gone brings the path back and touches no other`() async throws {
        let (index, id) = try await agreed()
        // The last row: its number is given to the next one.
        let entry = try #require(try await index.entry(id, at: path("e")))
        try await index.record(id, [.removed(entry: entry.version)], at: now)
        let number = await index.beginObservation(id, of: .local, within: .paths([path("other")]))
        try await index.observe(number, local: files(["other"], size: 5))
        try await index.completeObservation(number, unseen: nothingUnseen)
        let other = try #require(try await index.entry(id, at: path("other")))
        #expect(other.id == entry.id, "the test rests on this")
        let problem = Problem(path: Array("e".utf8), side: .local, kind: .busy, message: "busy")
        let stale: [Outcome] = [
            .left(entry: entry.version), .removed(entry: entry.version), .compared(entry: entry.version),
            .observedLocal(entry: entry.version, nil), .observedRemote(entry: entry.version, base),
            .failed(entry: entry.version, problem),
        ]
        for outcome in stale { try await index.record(id, [outcome], at: now) }
        #expect(try await index.entry(id, at: path("other")) == other)
        let agreed = BaseState(local: state(1), remote: younger, digest: nil)
        try await index.record(id, [.agreed(entry: entry.version, base: agreed, isRacy: false)], at: now)
        let anew = try #require(try await index.entry(id, at: path("e")))
        #expect(anew.base == agreed && anew.remote == younger && anew.local == nil)
        #expect(try await index.entry(id, at: path("other")) == other)
        #expect(try await index.attention(id, after: nil, limit: 10).map(\.path) == [path("e"), path("other")])
        #expect(try await index.counts(id).entries == Int64(Self.names.count))
    }

    @Test func `what was agreed on since holds, and a delete of before takes nothing of it`() async throws {
        let (index, id) = try await agreed()
        let entry = try #require(try await index.entry(id, at: path("e")))
        let agreed = BaseState(local: state(2), remote: younger, digest: nil)
        try await index.record(id, [.agreed(entry: entry.version, base: agreed, isRacy: false)], at: now)
        let older = BaseState(local: state(1), remote: RemoteState(etag: ETag("older"), size: 1), digest: nil)
        try await index.record(
            id,
            [.agreed(entry: entry.version, base: older, isRacy: false), .removed(entry: entry.version)],
            at: now
        )
        let after = try #require(try await index.entry(id, at: path("e")))
        #expect(after.base == agreed && after.remote == younger && after.local == state(2))
    }

    @Test func `an object that was deleted is known to be gone although its file came back`() async throws {
        let (index, id) = try await agreed()
        let number = await index.beginObservation(id, of: .local, within: .paths([path("e")]))
        try await index.completeObservation(number, unseen: nothingUnseen)
        let entry = try #require(try await index.entry(id, at: path("e")))
        try await look(index, id, at: ["e"], seeing: ["e"])
        try await index.record(id, [.removed(entry: entry.version)], at: now)
        let after = try #require(try await index.entry(id, at: path("e")))
        #expect(after.local == state(1) && after.remote == nil && after.base != nil)
        #expect(try await index.attention(id, after: nil, limit: 10).map(\.path) == [path("e")])
    }

    @Test func `what was sent of a file that vanished is ours, and goes without an approval`() async throws {
        let world = try World(direction: .up, deletes: true)
        world.write("b", "stays")
        world.write("a", "vanishes")
        world.beforePut("a", times: 1) { world.remove("a") }
        world.advance(seconds: 60)
        try await world.run()
        #expect(world.store.contents[Array("a".utf8)] != nil, "the test rests on this")
        world.advance(seconds: 60)
        let report = try await world.run()
        #expect(report.halt == nil)
        #expect(report.record.deletedRemote == 1)
        #expect(world.store.contents[Array("a".utf8)] == nil)
    }

    @Test(arguments: [1, 999, 1_000, 1_001, 2_500])
    func `the reader yields what needs attention beneath its paths, in pages`(count: Int) async throws {
        let world = try World(direction: .up, deletes: true)
        let id = try await world.index.open(world.folder).id
        let number = try await world.index.beginObservation(id, of: .local)
        let names = (0..<count).map { "d/\(String(repeating: "0", count: 6 - "\($0)".count))\($0)" }
        for start in stride(from: 0, to: count, by: 1_000) {
            try await world.index.observe(number, local: files(Array(names[start..<min(start + 1_000, count)])))
        }
        try await world.index.observe(number, local: files(["d-", "d0", "e/x", "f"]))
        for (paths, expected) in [
            (["d"], names), (["d", "f"], names + ["f"]), (["e", "f/none"], ["e/x"]), ([], []), (["d-"], ["d-"]),
        ] {
            let scope = CycleScope.reaction(to: paths.map { path($0) })
            var reader = AttentionReader(AttentionQuery(world.context, folder: id, scope: scope))
            var found: [RelativePath] = []
            while let entry = try await reader.next() { found.append(entry.path) }
            #expect(found == expected.map { path($0) })
        }
    }
}
