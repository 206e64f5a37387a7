import Foundation
import SyncEngine
import TestSupport
import Testing

/// What the index keeps, and what it refuses to conclude.
struct SQLiteIndexTests {
    private let now = UnixTime(seconds: 1_800_000_000)

    private func folder(_ direction: Direction = .up, deletes: Bool = true, prefix: String = "") -> Folder {
        Folder(
            name: "f",
            root: Array("/r".utf8),
            endpoint: "http://h",
            bucket: "b",
            prefix: Array(prefix.utf8),
            policy: Policy(direction: direction, deletes: deletes)
        )
    }

    private func path(_ text: String) -> RelativePath { RelativePath(unchecked: Array(text.utf8), in: nil) }

    private func state(_ size: Int64, inode: UInt64 = 1) -> LocalState {
        LocalState(inode: inode, size: size, modified: now, changed: now, mode: 0o644)
    }

    private func files(_ names: [String], size: Int64 = 1) -> [LocalObservation] {
        names.map { LocalObservation(path: path($0), state: state(size)) }
    }

    private func objects(_ names: [String], etag: String = "e") -> [RemoteObservation] {
        names.map { RemoteObservation(path: path($0), state: RemoteState(etag: ETag(etag), size: 1)) }
    }

    private let nothingUnseen = Unseen(unknown: [], isExcluded: { _ in false })

    /// An index whose folder has agreed on `names`, and the folder's id.
    private func agreed(on names: [String]) async throws -> (SQLiteIndex, Int64) {
        let index = try SQLiteIndex(path: nil)
        let id = try await index.open(folder()).id
        let local = try await index.beginObservation(id, of: .local)
        try await index.observe(local, local: files(names))
        let remote = try await index.beginObservation(id, of: .remote)
        try await index.observe(remote, remote: objects(names))
        let base = BaseState(local: state(1), remote: RemoteState(etag: ETag("e"), size: 1), digest: nil)
        let entries = try await index.attention(id, after: nil, limit: 1_000)
        try await index.record(id, entries.map { .agreed(entry: $0.version, base: base, isRacy: false) }, at: now)
        try await index.completeObservation(local, unseen: nothingUnseen)
        try await index.completeObservation(remote, unseen: nothingUnseen)
        return (index, id)
    }

    private func present(_ index: SQLiteIndex, _ id: Int64, _ side: Side, _ names: [String]) async throws -> [String] {
        var present: [String] = []
        for name in names {
            let entry = try await index.entry(id, at: path(name))
            let isThere = side == .local ? entry?.local != nil : entry?.remote != nil
            if isThere { present.append(name) }
        }
        return present
    }

    @Test func `agreed entries need no attention, and an equal observation changes nothing`() async throws {
        let (index, id) = try await agreed(on: ["a", "b", "c/d"])
        #expect(try await index.attention(id, after: nil, limit: 10).isEmpty)
        let number = try await index.beginObservation(id, of: .local)
        try await index.observe(number, local: files(["a", "b", "c/d"]))
        try await index.completeObservation(number, unseen: nothingUnseen)
        #expect(try await index.attention(id, after: nil, limit: 10).isEmpty)
        #expect(try await index.counts(id) == FolderCounts(entries: 3, bytes: 3, attention: 0))
    }

    @Test func `what a complete observation did not see is absent, and no more than that`() async throws {
        let (index, id) = try await agreed(on: ["a", "b", "c/d", "e"])
        let number = try await index.beginObservation(id, of: .local)
        try await index.observe(number, local: files(["a"]))
        let unseen = Unseen(
            unknown: [path("c")],
            isExcluded: { $0 == RelativePath(unchecked: Array("e".utf8), in: nil) }
        )
        try await index.completeObservation(number, unseen: unseen)
        #expect(try await present(index, id, .local, ["a", "b", "c/d"]) == ["a", "c/d"])
        #expect(try await present(index, id, .remote, ["a", "b", "c/d"]) == ["a", "b", "c/d"])
        #expect(try await index.entry(id, at: path("e")) == nil, "an excluded entry leaves the index")
        #expect(try await index.attention(id, after: nil, limit: 10).map(\.path) == [path("b")])
        #expect(try await index.counts(id).entries == 3)
    }

    @Test func `an observation that ended early concludes nothing`() async throws {
        let (index, id) = try await agreed(on: ["a", "b"])
        let number = try await index.beginObservation(id, of: .remote)
        try await index.observe(number, remote: objects(["a"]))
        await index.abandonObservation(number)
        await #expect(throws: IndexError.self) { try await index.completeObservation(number, unseen: nothingUnseen) }
        #expect(try await present(index, id, .remote, ["a", "b"]) == ["a", "b"])
    }

    @Test func `a slow observation never overrules a younger outcome`() async throws {
        let (index, id) = try await agreed(on: ["changed", "gone"])
        let slow = try await index.beginObservation(id, of: .remote)
        let entries = try await [index.entry(id, at: path("changed")), index.entry(id, at: path("gone"))].compactMap(
            \.self
        )
        let base = BaseState(local: state(1), remote: RemoteState(etag: ETag("younger"), size: 1), digest: nil)
        try await index.record(id, entries.map { .agreed(entry: $0.version, base: base, isRacy: false) }, at: now)
        // The listing began before the uploads: it shows the old version of one, and not yet the other.
        try await index.observe(slow, remote: objects(["changed"], etag: "older"))
        try await index.completeObservation(slow, unseen: nothingUnseen)
        for name in ["changed", "gone"] {
            #expect(try await index.entry(id, at: path(name))?.remote?.etag == ETag("younger"), "\(name)")
        }
        let later = try await index.beginObservation(id, of: .remote)
        try await index.observe(later, remote: objects(["changed"], etag: "older"))
        try await index.completeObservation(later, unseen: nothingUnseen)
        #expect(try await index.entry(id, at: path("changed"))?.remote?.etag == ETag("older"))
        #expect(try await index.entry(id, at: path("gone"))?.remote == nil)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `pages in any order and size come to the same`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let names = (0..<60).map { "d\($0 % 4)/f\($0)" } + ["d1", "d1-", "d10", "é", "e\u{301}"]
        let (index, id) = try await agreed(on: names)
        let shown = names.filter { _ in Bool.random(using: &generator) }.shuffled(using: &generator)
        let isOrdered = Bool.random(using: &generator)
        let listed = isOrdered ? shown.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } : shown
        let number = try await index.beginObservation(id, of: .remote)
        var rest = listed[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...9, using: &generator)
            try await index.observe(number, remote: objects(Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        try await index.completeObservation(number, unseen: nothingUnseen)
        #expect(
            try await Set(present(index, id, .remote, names).map { Array($0.utf8) })
                == Set(shown.map { Array($0.utf8) }),
            "seed \(seed)"
        )
    }

    @Test func `attention comes in byte order and in pages`() async throws {
        let index = try SQLiteIndex(path: nil)
        let id = try await index.open(folder()).id
        let number = try await index.beginObservation(id, of: .local)
        try await index.observe(number, local: files(["b", "a/x", "a-", "a0", "a"]))
        let first = try await index.attention(id, after: nil, limit: 3)
        let rest = try await index.attention(id, after: first.last?.path, limit: 3)
        #expect((first + rest).map { String(decoding: $0.path.bytes, as: UTF8.self) } == ["a", "a-", "a/x", "a0", "b"])
    }

    @Test func `a racy entry and a failed one keep their attention; one that is left does not`() async throws {
        let (index, id) = try await agreed(on: ["failed", "left", "racy"])
        let base = BaseState(local: state(1), remote: RemoteState(etag: ETag("e"), size: 1), digest: nil)
        let problem = Problem(path: Array("failed".utf8), side: .local, kind: .busy, message: "busy")
        var rows: [String: EntryVersion] = [:]
        for name in ["failed", "left", "racy"] { rows[name] = try await index.entry(id, at: path(name))?.version }
        let (failed, left, racy) = (
            try #require(rows["failed"]), try #require(rows["left"]), try #require(rows["racy"])
        )
        try await index.record(
            id,
            [
                .agreed(entry: racy, base: base, isRacy: true), .left(entry: left),
                .failed(entry: failed, problem),
            ],
            at: now
        )
        #expect(try await index.attention(id, after: nil, limit: 9).map(\.path) == [path("failed"), path("racy")])
        #expect(try await index.problems(id, limit: 9).map(\.problem) == [problem])
        try await index.record(id, [.failed(entry: failed, problem)], at: UnixTime(seconds: 1_900_000_000))
        #expect(try await index.problems(id, limit: 9).first?.since == now, "since when it was met without a break")
        try await index.record(id, [.agreed(entry: failed, base: base, isRacy: false)], at: now)
        #expect(try await index.problems(id, limit: 9).isEmpty)
    }

    @Test func `another policy looks at everything again, and another pair begins anew`() async throws {
        let (index, id) = try await agreed(on: ["a", "b"])
        #expect(try await index.open(folder()).id == id)
        #expect(try await index.counts(id).attention == 0)
        #expect(try await index.open(folder(deletes: false)).baseCount == 2)
        #expect(try await index.counts(id).attention == 2)
        #expect(try await index.open(folder(prefix: "p/")).baseCount == 0)
        #expect(try await index.open(folder(.down, prefix: "p/")).baseCount == 0)
    }

    @Test func `an approval holds for that version, until it ends`() async throws {
        let (index, id) = try await agreed(on: ["a"])
        let change = GatedChange(path: path("a"), action: .deleteRemote, identity: "e 1")
        try await index.addWaiting(id, [change])
        let end = UnixTime(seconds: 1_800_000_100)
        #expect(try await index.approveWaiting(id, until: end) == [.deleteRemote: 1])
        #expect(try await index.approved(id, among: [change], at: now) == [change])
        #expect(try await index.hasApprovals(id, at: now))
        var other = change
        other.identity = "e 2"
        #expect(try await index.approved(id, among: [other], at: now).isEmpty)
        #expect(try await index.approved(id, among: [change], at: end).isEmpty)
        #expect(try await index.hasApprovals(id, at: end) == false)
        #expect(try await index.approveWaiting(id, until: end).isEmpty, "what was approved waits no more")
    }

    @Test func `what was written is there after the file is opened again, and numbers go on`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "syncd-index-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "index.db").path
        var last = Sequence(value: 0)
        do {
            let index = try SQLiteIndex(path: file)
            let id = try await index.open(folder()).id
            last = try await index.beginObservation(id, of: .local)
            try await index.observe(last, local: files(["a"]))
            #expect(throws: IndexError.self, "one connection at a time") { try SQLiteIndex(path: file) }
        }
        let index = try SQLiteIndex(path: file)
        let id = try await index.open(folder()).id
        #expect(try await index.entry(id, at: path("a"))?.local == state(1))
        #expect(try await index.beginObservation(id, of: .local) > last)
    }

    @Test func `entries that were agreed on are read in pages, and no others`() async throws {
        let (index, id) = try await agreed(on: ["a", "a/x", "a0", "b"])
        let number = try await index.beginObservation(id, of: .local)
        try await index.observe(number, local: files(["a-new"]))
        let first = try await index.agreed(id, after: nil, limit: 2)
        let rest = try await index.agreed(id, after: first.last?.path, limit: 10)
        #expect((first + rest).map(\.path) == [path("a"), path("a/x"), path("a0"), path("b")])
    }

    @Test func `entries are found by their paths, in whatever order these are asked for`() async throws {
        let (index, id) = try await agreed(on: ["a", "b", "c"])
        let found = try await index.entries(id, at: [path("c"), path("x"), path("a"), path("c")])
        #expect(found.map { $0?.path } == [path("c"), nil, path("a"), path("c")])
    }

    @Test func `a folder is remembered without being opened, and only as the pair that it was`() async throws {
        let (index, id) = try await agreed(on: ["a", "b"])
        #expect(try await index.memory(of: folder())?.id == id)
        #expect(try await index.memory(of: folder())?.baseCount == 2)
        #expect(try await index.memory(of: folder(.down)) == nil)
        #expect(try await index.memory(of: folder(prefix: "p/")) == nil)
        #expect(try await index.memory(of: folder(deletes: false))?.id == id)
        #expect(try await index.attention(id, after: nil, limit: 10).isEmpty)
    }

    @Test func `a file that is no database is told by name, and is left as it is`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "syncd-index-\(UUID().uuidString).db")
        let content = Data(repeating: 0x41, count: 8_192)
        try content.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let error = #expect(throws: IndexError.self) { try SQLiteIndex(path: file.path) }
        #expect(error?.message.contains(file.path) == true)
        #expect(error?.message.contains("move it away") == true)
        #expect(try Data(contentsOf: file) == content)
    }

    @Test func `an upload that ended takes no other of its path with it`() async throws {
        let index = try SQLiteIndex(path: nil)
        let folder = try await index.open(folder()).id
        let scan = try await index.beginObservation(folder, of: .local)
        try await index.observe(scan, local: files(["a"]))
        let entry = try #require(await index.entry(folder, at: path("a")))
        var job = UploadJob(path: path("a"), local: state(1), partSize: 5, startedAt: now, stamp: now)
        job = try await index.begin(folder, job)
        try await index.setUploadID("second", of: job)
        let base = BaseState(local: state(1), remote: RemoteState(etag: ETag("e"), size: 1), digest: nil)
        for (id, isThere) in [("first", true), ("second", false)] {
            let outcome = Outcome.agreed(
                entry: entry.version,
                base: base,
                isRacy: false,
                endedJob: .upload(id: id)
            )
            try await index.record(folder, [outcome], at: now)
            let isKept = try await index.upload(folder, of: path("a")) != nil
            #expect(isKept == isThere)
        }
    }
}
