import TestSupport
import Testing

@testable import SyncEngine

/// Uploads in parts where others write to the bucket, too. Files of 8 bytes and more travel in parts of 4.
struct ConditionalCompleteTests {
    private let world: World
    private static let large = "abcdefghijklmnopqrstuvwxyz"
    private static let name = Array("large".utf8)

    init() throws {
        world = try World(direction: .both, deletes: true, parts: PartPolicy(threshold: 8, minimumPartSize: 4))
    }

    /// Does something just before the first request of a kind for the file.
    private func before(_ request: String, _ body: @escaping () -> Void) {
        var isDone = false
        world.store.before = { own, name throws(StoreError) in
            guard own == request, name == Self.name, !isDone else { return }
            isDone = true
            body()
        }
    }

    private func expectBothKept(_ other: String) async throws {
        for _ in 0..<4 {
            world.advance(seconds: 60)
            try await world.run()
        }
        #expect(Set(world.files.values) == [Self.large, other])
        #expect(Set(world.objects.values) == [Self.large, other])
        #expect(world.store.unfinished.isEmpty)
    }

    @Test(arguments: [nil, "an agreed old one"])
    func `an object that came at the last moment is not replaced`(base: String?) async throws {
        if let base {
            world.write("large", base)
            try await world.run()
            world.advance(seconds: 60)
        }
        world.write("large", Self.large)
        before("COMPLETE") { self.world.putObject("large", "somebody else's") }
        let report = try await world.run()
        #expect(world.objects["large"] == "somebody else's")
        #expect(report.leftToCycle == 1 && report.record.uploaded == 0)
        #expect(world.store.unfinished.isEmpty)
        #expect(report.record.requests["HEAD"] == 1, "only what stands there now is looked at")
        world.store.before = nil
        try await expectBothKept("somebody else's")
    }

    @Test func `an object that went at the last moment is not brought back unasked`() async throws {
        world.write("large", "an agreed old one")
        try await world.run()
        world.advance(seconds: 60)
        world.write("large", Self.large)
        before("COMPLETE") { self.world.removeObject("large") }
        try await world.run()
        #expect(world.objects.isEmpty && world.store.unfinished.isEmpty)
    }

    @Test func `where the store does not look, the object is looked at just before`() async throws {
        world.store.configure { $0.parts.ignoresConditions = true }
        world.write("large", Self.large)
        before("HEAD") { self.world.putObject("large", "somebody else's") }
        let report = try await world.run()
        #expect(world.objects["large"] == "somebody else's")
        #expect(report.record.requests["COMPLETE"] == nil && world.store.unfinished.isEmpty)
        world.store.before = nil
        try await expectBothKept("somebody else's")
    }
}

/// The same through the real client.
struct S3ConditionalCompleteTests {
    private static let content = S3World.noise(350_000, seed: 7)
    private static let key = "pre fix+/large"

    private func world(configure: (inout FaultQuirks) -> Void = { _ in }) throws -> S3World {
        let world = try S3World(.both, configure: configure)
        try world.write("large", Self.content)
        return world
    }

    private func completes(_ world: S3World) -> [FaultRequest] {
        world.server.records(of: .completeMultipartUpload).map(\.request).filter { $0.key == Array(Self.key.utf8) }
    }

    @Test func `the service's own refusal of what a lost answer made is no conflict`() async throws {
        let world = try world()
        world.server.on(.completeMultipartUpload, key: Self.key, 1, .resetAfterEffect)
        let report = await world.run()
        #expect(report.problems.isEmpty && report.record.uploaded == 1 && report.leftToCycle == 0)
        #expect(completes(world).map { $0.header("if-none-match") } == ["*", "*"])
        let isWhole = world.objects == ["large": Self.content]
        #expect(isWhole && world.contents.count == 1 && world.server.withStore { $0.uploads().isEmpty })
        let before = world.server.records.count
        #expect(await world.run().pending.isEmpty)
        #expect(world.server.records.dropFirst(before).map(\.operation) == [.listObjectsV2])
    }

    @Test func `an upload that met another writer is begun anew by the next cycle`() async throws {
        let world = try world()
        world.server.on(.completeMultipartUpload, key: Self.key, 1, .error(409, "ConditionalRequestConflict"))
        let report = await world.run()
        #expect(report.leftToCycle == 1 && completes(world).count == 1)
        #expect(world.objects.isEmpty && world.server.withStore { $0.uploads().isEmpty })
        let next = await world.run()
        let isWhole = world.objects == ["large": Self.content]
        #expect(isWhole && next.problems.isEmpty && next.record.uploaded == 1)
    }

    /// What the service made of the parts is taken for none of them, and replaced.
    @Test func `an object of our own making is not taken for another's`() async throws {
        let world = try world { $0.multipartETag = .opaque }
        let report = await world.run()
        #expect(report.problems.isEmpty && report.record.uploaded == 1 && report.leftToCycle == 0)
        let conditions = completes(world).map { $0.header("if-none-match") }
        #expect(conditions == ["*", nil] && completes(world).last?.header("if-match") != nil)
        let isWhole = world.objects == ["large": Self.content]
        #expect(isWhole)
    }

    @Test(arguments: [true, false])
    func `the version that may be replaced is named as the service spells it, or not at all`(
        isQuoted: Bool
    ) async throws {
        let world = try S3World()
        let name = Array("k".utf8)
        func complete() async throws -> StoreError.Code? {
            let upload = try await world.store.createUpload(name, modified: UnixTime(seconds: 0), mode: 0o644).id
            let part = try await world.store.putPart(name, upload: upload, number: 1, body: .bytes([1]))
            do throws(StoreError) {
                let gone = ObjectExpectation.version(ETag("gone"))
                _ = try await world.store.completeUpload(name, upload: upload, parts: [part], expecting: gone)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(try await complete() == nil, "nothing is relied on")
        world.server.withStore { $0.buckets[FaultServer.bucket]?.objects = [:] }
        var capabilities = Capabilities()
        capabilities[.completeIfMatch] = .yes
        capabilities[.putIfMatchUnquoted] = isQuoted ? .no : .yes
        world.store.rely(on: capabilities)
        // AWS says NoSuchKey of it.
        #expect(try await complete() == .preconditionFailed)
        let tags = world.server.records(of: .completeMultipartUpload).map { $0.request.header("if-match") }
        #expect(tags == [nil, isQuoted ? "\"gone\"" : "gone"])
    }
}
