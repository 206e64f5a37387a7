import SyncEngine
import TestSupport
import Testing

/// Downloads in ranges, by whole cycles. Objects of 8 bytes and more come in ranges of 4.
struct RangedDownloadTests {
    private let world: World

    init() throws {
        world = try World(direction: .down, deletes: true, parts: PartPolicy(threshold: 8, minimumPartSize: 4))
        world.concurrency = 1
    }

    private let large = "abcdefghijklmnopqrstuvwxyz"

    /// An object whose ETag is the one that our own upload leaves.
    private func putLarge(_ content: String) {
        let bytes = Array(content.utf8)
        let digests = stride(from: 0, to: bytes.count, by: 4).map { start in
            FakeObjectStore.digest(Array(bytes[start..<min(start + 4, bytes.count)])).bytes
        }
        let tag = FakeObjectStore.digest(digests.flatMap { $0 }).hexadecimal
        world.putObject("large", content, modified: 5, etag: "\(tag)-\(digests.count)")
    }

    private func interrupt(at request: String, number: Int) async throws {
        var rest = number
        world.store.before = { own, _ throws(StoreError) in
            if own == request { rest -= 1 }
            if rest <= 0 { throw StoreError(code: .unreachable, message: "the network is away") }
        }
        try await world.run()
        world.store.before = nil
    }

    private func expectIdle() async throws {
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        let last = try await world.run()
        #expect(Set(last.record.requests.keys) == ["LIST"])
        #expect(last.record.result == .inSync)
        #expect(world.temporaryFiles.isEmpty)
    }

    @Test func `a large object comes in ranges, verified by the digests of its parts`() async throws {
        putLarge(large)
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(report.record.requests["RANGE"] == 7)
        #expect(world.files == ["large": large])
        #expect(world.modificationTime("large") == 5)
        try await expectIdle()
    }

    @Test func `an interrupted download goes on with the ranges that are missing`() async throws {
        putLarge(large)
        try await interrupt(at: "RANGE", number: 5)
        #expect(world.store.bytesDown == 16)
        #expect(world.files.isEmpty && world.temporaryFiles.count == 1)
        try await world.run()
        #expect(world.store.bytesDown == 26)
        #expect(world.files == ["large": large])
        try await expectIdle()
    }

    @Test func `ranges that did not survive are fetched again`() async throws {
        putLarge(large)
        try await interrupt(at: "RANGE", number: 5)
        let temporary = try #require(world.temporaryFiles.first)
        world.rewriteKeepingModificationTime(temporary, "abcdXXXXijkl" + String(repeating: "\0", count: 14))
        try await world.run()
        #expect(world.files == ["large": large])
        // Two of the four were damaged.
        #expect(world.store.bytesDown == 16 + 10 + 8)
        try await expectIdle()
    }

    @Test func `a temporary file that is gone is begun anew`() async throws {
        putLarge(large)
        try await interrupt(at: "RANGE", number: 5)
        world.remove(try #require(world.temporaryFiles.first))
        try await world.run()
        #expect(world.files == ["large": large])
        try await expectIdle()
    }

    @Test func `ranges of a version that was replaced meanwhile are not used`() async throws {
        putLarge(large)
        try await interrupt(at: "RANGE", number: 5)
        putLarge(large.uppercased())
        try await world.run()
        #expect(world.files == ["large": large.uppercased()])
        try await expectIdle()
    }

    @Test(arguments: 1...7)
    func `an object that is replaced at any range is never mixed`(number: Int) async throws {
        putLarge(large)
        var seen = 0
        world.store.beforeGet = { _ in
            seen += 1
            if seen == number { self.putLarge(self.large.uppercased()) }
        }
        try await world.run()
        #expect(world.files == ["large": large.uppercased()])
        try await expectIdle()
    }

    @Test func `an object that has gone meanwhile leaves nothing behind`() async throws {
        putLarge(large)
        try await interrupt(at: "RANGE", number: 5)
        world.removeObject("large")
        world.putObject("other", "x")
        try await world.run()
        #expect(world.files == ["other": "x"])
        try await expectIdle()
    }

    @Test func `an object with the ETag of a single upload is verified as well`() async throws {
        world.putObject("large", large)
        try await world.run()
        #expect(world.files == ["large": large])
        try await expectIdle()
    }

    @Test func `damaged ranges are never installed`() async throws {
        world.putObject("whole", large)
        world.damageDownloads("whole")
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.corrupt])
        #expect(world.files.isEmpty && world.temporaryFiles.isEmpty)
    }

    @Test func `a store that answers ranges with whole objects is read whole`() async throws {
        world.store.configure { $0.parts.ignoresRanges = true }
        putLarge(large)
        try await world.run()
        #expect(world.files == ["large": large])
        try await expectIdle()
    }

    @Test func `an ETag that says nothing of the content is no reason not to fetch`() async throws {
        world.putObject("large", large, etag: "0123456789abcdef0123456789abcdef-9")
        try await world.run()
        #expect(world.files == ["large": large])
        try await expectIdle()
    }

    @Test func `a full disk leaves the old file and nothing else, and heals by itself`() async throws {
        putLarge(large)
        try await world.run()
        putLarge(large.uppercased())
        world.fillDisk()
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.unwritable])
        #expect(world.files == ["large": large] && world.temporaryFiles.isEmpty)
        world.fileSystem.setFull(false)
        try await world.run()
        #expect(world.files == ["large": large.uppercased()])
        try await expectIdle()
    }
}
