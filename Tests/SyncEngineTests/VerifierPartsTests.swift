import SyncEngine
import TestSupport
import Testing

/// Verifying objects that travelled in parts.
struct VerifierPartsTests {
    private static let content = "0123456789abcdefghijklmno"

    /// One synced file in seven parts, and a small one.
    private func synced(
        _ direction: Direction = .up,
        etag: String? = nil,
        _ behave: (inout PartBehaviour) -> Void = { _ in }
    ) async throws -> World {
        let world = try World(direction: direction)
        world.parts = PartPolicy(threshold: 10, minimumPartSize: 4)
        world.store.configure { behave(&$0.parts) }
        if direction == .up {
            world.write("large", Self.content)
            world.write("small", "small")
        } else {
            world.putObject("large", Self.content, etag: etag)
            world.putObject("small", "small")
        }
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        return world
    }

    private func kinds(_ report: VerifyReport) -> [FindingKind] { report.findings.map(\.kind) }

    @Test func `an ETag of our own parts is enough, and the file is read for them`() async throws {
        let world = try await synced()
        let report = await world.verify()
        #expect(report.verified == 2 && report.requests == ["LIST": 1])
        world.rot("large", Self.content.uppercased())
        #expect(kinds(await world.verify()) == [.rotten])
    }

    @Test func `an object whose base is of parts is read in those parts, and its rot is found`() async throws {
        let world = try await synced()
        let report = await world.verify(readsObjects: true)
        #expect(report.verified == 2 && report.bytesFetched == 30)
        #expect(report.requests == ["LIST": 1, "GET": 1, "RANGE": 7])
        world.rotObject("large", Self.content.uppercased())
        #expect(kinds(await world.verify(readsObjects: true)) == [.rotten])
    }

    @Test func `a store that sends no ranges is read whole, and the file proves the rest`() async throws {
        let world = try await synced { $0.ignoresRanges = true }
        #expect(await world.verify(readsObjects: true).verified == 2)
        world.rotObject("large", Self.content.uppercased())
        let report = await world.verify(readsObjects: true)
        #expect(kinds(report) == [.rotten])
        #expect(report.findings.first?.side == .remote)
    }

    @Test func `without ranges, what neither side can prove any more is not taken for whole`() async throws {
        let world = try await synced { $0.ignoresRanges = true }
        world.remove("large")
        let report = await world.verify(readsObjects: true)
        #expect(report.findings.map(\.side) == [.local] && kinds(report) == [.missing])
        #expect(report.verified == 1)
    }

    @Test func `a tag that says nothing is base's all the same`() async throws {
        let world = try await synced(.down, etag: "5d41402abc4b2a76b9719d911017c592-7")
        let report = await world.verify()
        #expect(report.verified == 2 && report.requests == ["LIST": 1])
        #expect(await world.verify(readsObjects: true).verified == 2)
        world.rotObject("large", Self.content.uppercased())
        #expect(kinds(await world.verify(readsObjects: true)) == [.rotten])
    }

    @Test func `the same content written again in one piece, or in other parts, is verified`() async throws {
        let world = try await synced()
        world.putObject("large", Self.content)
        let report = await world.verify()
        #expect(report.verified == 2 && report.requests == ["LIST": 1, "HEAD": 1])
        #expect(await world.verify(readsObjects: true).verified == 2)
        world.putObject("large", Self.content, etag: "5d41402abc4b2a76b9719d911017c592-1")
        #expect(kinds(await world.verify()) == [.differing])
        #expect(await world.verify(readsObjects: true).verified == 2)
    }

    @Test func `what was fetched in ranges is verified likewise`() async throws {
        let world = try await synced(.down)
        #expect(await world.verify().verified == 2)
        #expect(await world.verify(readsObjects: true).verified == 2)
        world.rotObject("large", Self.content.uppercased())
        #expect(kinds(await world.verify(readsObjects: true)) == [.rotten])
    }
}
