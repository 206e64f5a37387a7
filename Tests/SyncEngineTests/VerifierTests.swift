import SyncEngine
import TestSupport
import Testing

/// What verifying finds, over a simulated file system and store.
struct VerifierTests {
    /// Four synced files, nothing of them racy.
    private func synced(_ direction: Direction = .up, deletes: Bool = false) async throws -> World {
        let world = try World(direction: direction, deletes: deletes)
        world.advance(seconds: 60)
        for name in ["a", "b", "dir/c", "d"] {
            if direction == .up { world.write(name, "content of \(name)") }
            if direction == .down { world.putObject(name, "content of \(name)") }
        }
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        return world
    }

    private func told(_ report: VerifyReport) -> [String] {
        report.findings.map { "\($0.kind) \(String(decoding: $0.path.bytes, as: UTF8.self)) \($0.side)" }
    }

    private func message(_ report: VerifyReport) -> String { report.findings.first?.message ?? "" }

    @Test(arguments: [Direction.up, .down])
    func `a folder in sync is verified by one listing and by reading every file`(direction: Direction) async throws {
        let world = try await synced(direction)
        let report = await world.verify()
        #expect(report.failure == nil && report.halt == nil && report.findings.isEmpty)
        #expect(report.entries == 4 && report.verified == 4 && report.faulty == 0)
        #expect(report.bytesRead == Int64(world.files.values.map(\.utf8.count).reduce(0, +)))
        #expect(report.bytesFetched == 0 && report.requests == ["LIST": 1])
    }

    @Test func `reading the objects fetches each once, and no HEAD`() async throws {
        let world = try await synced()
        let report = await world.verify(readsObjects: true)
        #expect(report.verified == 4 && report.bytesFetched == report.bytesRead)
        #expect(report.requests == ["LIST": 1, "GET": 4])
    }

    // MARK: Here

    @Test func `content that changed while nothing else did is rotten`() async throws {
        let world = try await synced()
        world.rot("b", "Content of b")
        let report = await world.verify()
        #expect(told(report) == ["rotten b local"])
        #expect(message(report).hasSuffix("the bucket still holds what was agreed on"))
        #expect(report.verified == 3 && report.faulty == 1)
        #expect(message(await world.verify(readsObjects: true)).hasSuffix("the bucket's copy is whole"))
    }

    @Test func `an edit that a racy identity may hide is no rot`() async throws {
        let world = try World(direction: .down)
        world.putObject("a", "old")
        try await world.run()
        world.rot("a", "OLD")
        let report = await world.verify()
        #expect(told(report) == ["differing a local"])
    }

    @Test func `an edit waits for the next cycle where this side leads, and is a fault where it follows`() async throws
    {
        for (direction, kind, isFault) in [(Direction.up, "notSynced", false), (.down, "differing", true)] {
            let world = try await synced(direction)
            world.write("a", "edited")
            let report = await world.verify()
            #expect(told(report) == ["\(kind) a local"])
            #expect(report.faulty == (isFault ? 1 : 0) && report.notSynced == (isFault ? 0 : 1))
        }
    }

    @Test func `an edit that put the old time back is told apart`() async throws {
        let world = try await synced()
        world.rewriteKeepingModificationTime("a", "CONTENT of a")
        let report = await world.verify()
        #expect(told(report) == ["notSynced a local"])
        #expect(message(report).contains("its modification time did not"))
    }

    @Test func `a touched file is verified`() async throws {
        let world = try await synced()
        world.touch("a")
        #expect(await world.verify().verified == 4)
    }

    @Test func `a file that keeps changing is read three times and is no fault`() async throws {
        let world = try await synced()
        var reads = 0
        world.fileSystem.before = { operation, path in
            guard operation == "read", path == Array("a".utf8) else { return }
            reads += 1
            world.write("a", "changed \(reads)")
        }
        let report = await world.verify()
        #expect(told(report) == ["notSynced a local"])
        #expect(report.verified == 3)
    }

    @Test func `a file that changes once is read again`() async throws {
        let world = try await synced()
        var isFirst = true
        world.fileSystem.before = { operation, path in
            guard operation == "read", path == Array("a".utf8), isFirst else { return }
            isFirst = false
            world.touch("a")
        }
        #expect(await world.verify().verified == 4)
    }

    @Test func `a file that is gone is missing, whichever side leads`() async throws {
        for direction in [Direction.up, .down] {
            let world = try await synced(direction)
            world.remove("dir/c")
            #expect(told(await world.verify()) == ["missing dir/c local"])
        }
        let world = try await synced()
        world.remove("a")
        world.write("a/now a directory", "x")
        #expect(told(await world.verify()) == ["missing a local"])
    }

    @Test func `what a folder without deletes has let go of is missed no more`() async throws {
        let up = try await synced(.up)
        up.remove("a")
        try await up.run()
        #expect(await up.verify().verified == 4)
        up.removeObject("a")
        #expect(told(await up.verify()) == ["missing a remote"])
        let down = try await synced(.down)
        down.removeObject("a")
        try await down.run()
        #expect(await down.verify().verified == 4)
        down.rot("a", "Content of a")
        #expect(told(await down.verify()) == ["rotten a local"])
    }

    @Test func `a file that cannot be read is a fault, and no rot`() async throws {
        let world = try await synced()
        world.fileSystem.before = { operation, path throws(FileSystemError) in
            guard operation == "read", path == Array("a".utf8) else { return }
            throw FileSystemError(code: .inputOutput, operation: "pread", path: path, errno: 5)
        }
        let report = await world.verify()
        #expect(told(report) == ["unreadable a local"])
        #expect(message(report).contains("pread failed"))
    }

    @Test func `a link in a file's place hides it and proves no loss`() async throws {
        let world = try await synced()
        world.place(.symbolicLink, at: "a")
        world.place(.symbolicLink, at: "dir")
        #expect(told(await world.verify()) == ["unreadable a local", "unreadable dir/c local"])
    }

    // MARK: In the bucket

    @Test func `an object that is gone is missing, and one that is replaced differs where it follows`() async throws {
        let world = try await synced()
        world.removeObject("a")
        world.putObject("b", "from another tool")
        let report = await world.verify()
        #expect(told(report) == ["missing a remote", "differing b remote"])
        #expect(report.requests == ["LIST": 1, "HEAD": 1])
        #expect(report.faulty == 2 && report.verified == 2)
    }

    @Test func `an object that is replaced waits for the next cycle where the bucket leads`() async throws {
        let world = try await synced(.down)
        world.putObject("b", "new version")
        let report = await world.verify()
        #expect(told(report) == ["notSynced b remote"])
        #expect(report.notSynced == 1 && report.faulty == 0)
    }

    @Test func `an object that was written again with the same content is verified`() async throws {
        let world = try await synced()
        let content = "content of b"
        for etag in [nil, "5d41402abc4b2a76b9719d911017c592-1"] {
            world.putObject("b", content, etag: etag, noting: etag == nil ? nil : content)
            let report = await world.verify()
            #expect(report.verified == 4)
            #expect(report.requests["HEAD"] == (etag == nil ? nil : 1))
        }
    }

    @Test func `a new version that says nothing of its content counts as another until it is read`() async throws {
        let world = try await synced()
        world.putObject("b", "content of b", etag: "opaque")
        #expect(told(await world.verify()) == ["differing b remote"])
        #expect(await world.verify(readsObjects: true).verified == 4)
        world.putObject("b", "CONTENT of b", etag: "opaque")
        #expect(told(await world.verify(readsObjects: true)) == ["differing b remote"])
    }

    @Test func `an ETag that HEAD calls opaque states no content`() async throws {
        let world = try await synced()
        world.store.configure { $0.hidesDigests = true }
        world.putObject("b", "content of b", etag: String(repeating: "0", count: 32))
        let report = await world.verify()
        #expect(told(report) == ["differing b remote"])
        #expect(message(report).contains("nothing tells its content"))
        #expect(await world.verify(readsObjects: true).verified == 4)
    }

    @Test func `rot in the bucket is found by reading, and by nothing less`() async throws {
        let world = try await synced()
        world.rotObject("b", "Content of b")
        #expect(await world.verify().verified == 4)
        let report = await world.verify(readsObjects: true)
        #expect(told(report) == ["rotten b remote"])
        #expect(message(report).hasSuffix("the file here is whole"))
        #expect(report.requests["GET"] == 5)
    }

    @Test func `damage on the way is no rot`() async throws {
        let world = try await synced()
        world.store.configure { $0.damagedReads = [Array("b".utf8): 1] }
        #expect(await world.verify(readsObjects: true).verified == 4)
    }

    @Test func `a new version whose bytes are not those of its ETag is rotten`() async throws {
        let world = try await synced(.down)
        world.putObject("b", "new version")
        world.rotObject("b", "New version")
        #expect(told(await world.verify(readsObjects: true)) == ["rotten b remote"])
    }

    @Test func `an object that is replaced while it is read is read anew`() async throws {
        let world = try await synced(.down)
        world.beforeGet("b", times: 1) { world.putObject("b", "content of b", etag: "another") }
        #expect(await world.verify(readsObjects: true).verified == 4)
        var round = 0
        world.beforeGet("b", times: .max) {
            round += 1
            world.putObject("b", "round \(round)")
        }
        #expect(told(await world.verify(readsObjects: true)) == ["notSynced b remote"])
    }

    @Test func `an object that may not be read is a fault of its own`() async throws {
        let world = try await synced()
        world.store.before = { request, name throws(StoreError) in
            guard request == "GET", name == Array("b".utf8) else { return }
            throw StoreError(code: .accessDenied, message: "403 for b", status: 403)
        }
        let report = await world.verify(readsObjects: true)
        #expect(told(report) == ["unreadable b remote"])
        #expect(message(report) == "403 for b")
    }

    @Test func `both sides are told of, and what is gone on both is told as that`() async throws {
        let world = try await synced()
        world.rot("a", "Content of a")
        world.removeObject("a")
        world.remove("b")
        world.removeObject("b")
        let report = await world.verify()
        #expect(told(report) == ["rotten a local", "missing a remote", "missing b local", "missing b remote"])
        #expect(report.findings.map(\.message).last == "it is gone on both sides")
        #expect(report.faulty == 2)
    }
}
