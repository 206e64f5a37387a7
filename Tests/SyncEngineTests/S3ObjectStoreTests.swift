import TestSupport
import Testing

@testable import SyncEngine

/// What the engine makes of a service's ways, through the real client.
struct S3ObjectStoreTests {
    private static let name = Array("dir/k".utf8)
    private static let noise = S3World.noise(1_000, seed: 1)
    private static let other = S3World.noise(1_000, seed: 2)

    private static func state(_ content: [UInt8]) -> RemoteState {
        RemoteState(etag: ETag(FaultDigests.etag(content)), size: Int64(content.count))
    }

    private static func code<Value>(_ body: () async throws(StoreError) -> Value) async -> StoreError.Code? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error.code
        }
    }

    private static func get(
        _ world: S3World,
        _ range: Range<Int64>,
        _ file: any OpenFile
    ) async throws(StoreError) -> ContentDigest {
        try await world.store.get(name, range: range, expecting: state(noise), into: file).1
    }

    private static func part(_ world: S3World, _ upload: String) async throws -> UploadedPart {
        try await world.store.putPart(name, upload: upload, number: 1, body: .bytes(noise))
    }

    // MARK: Downloads

    @Test(arguments: [FaultQuirks.Ranges.honoured, .answeredAs200])
    func `a range is taken whatever its status`(ranges: FaultQuirks.Ranges) async throws {
        let world = try S3World { $0.ranges = ranges }
        world.put(Self.noise, as: "dir/k")
        let file = try world.temporaryFile()
        for range in [600..<1_000, 0..<600] as [Range<Int64>] {
            let bytes = Array(Self.noise[Int(range.lowerBound)..<Int(range.upperBound)])
            #expect(try await Self.get(world, range, file) == ContentDigest(FaultDigests.md5(bytes)))
        }
        #expect(world.contents.isEmpty && world.server.statuses == (ranges == .honoured ? [206, 206] : [200, 200]))
    }

    @Test func `the whole object, or another range, is not taken for the range that was asked for`() async throws {
        let world = try S3World()
        world.put(Self.noise, as: "dir/k")
        let file = try world.temporaryFile()
        let lies = ["bytes 0-99/1000", "bytes 101-200/1000", "bytes 100-199/999", "bytes */1000", ""]
        for lie in lies {
            world.server.on(
                .getObject,
                1,
                .rewrite { answer in
                    answer.headers.removeAll { $0.name == "Content-Range" }
                    if !lie.isEmpty { answer.headers.append(("Content-Range", lie)) }
                }
            )
            let code = await Self.code { () async throws(StoreError) in try await Self.get(world, 100..<200, file) }
            // Where the sizes differ, too, it counts as another object.
            let isRefused = code == .rangeIgnored || code == .preconditionFailed
            #expect(isRefused, "\"\(lie)\" gave \(code.map { "\($0)" } ?? "nothing")")
            #expect(world.server.pendingRules.isEmpty)
            world.server.removeRules()
        }
        world.server.configure { $0.ranges = .ignored }
        for range in [100..<200, 0..<999] as [Range<Int64>] {
            let code = await Self.code { () async throws(StoreError) in try await Self.get(world, range, file) }
            #expect(code == .rangeIgnored)
        }
        // All of it is what was asked for.
        #expect(try await Self.get(world, 0..<1_000, file) == ContentDigest(FaultDigests.md5(Self.noise)))
    }

    @Test(arguments: [false, true])
    func `an object that is another now is told, whether the service heeds conditions or not`(
        ignores: Bool
    ) async throws {
        let world = try S3World { $0.ignoresConditions = ignores }
        world.put(Self.other, as: "dir/k")
        let file = try world.temporaryFile()
        let range = await Self.code { () async throws(StoreError) in try await Self.get(world, 0..<100, file) }
        let whole = await Self.code { () async throws(StoreError) in
            try await world.store.get(Self.name, expecting: Self.state(Self.noise), into: file)
        }
        #expect(range == .preconditionFailed && whole == .preconditionFailed)
    }

    @Test func `mtime, mode and what the ETag is worth come back as they went`() async throws {
        let world = try S3World { $0.encryptsByKMS = true }
        let modified = UnixTime(seconds: -1, nanoseconds: 999_999_999)
        _ = try await world.store.put(
            Self.name,
            body: .bytes([1]),
            modified: modified,
            mode: 0o7640,
            expecting: .nothing
        )
        let details = try await world.store.head(Self.name)
        #expect(details.modified == modified && details.mode == 0o640 && details.etagIsOpaque)
    }

    @Test(arguments: [Capabilities.Verdict.yes, .no, .unknown])
    func `a checksum goes in the MD5's place only where it was seen to be compared`(
        verdict: Capabilities.Verdict
    ) async throws {
        let world = try S3World()
        var capabilities = Capabilities()
        capabilities[.crc64nvme] = verdict
        world.store.rely(on: capabilities)
        _ = try await world.store.put(
            Self.name,
            body: .bytes([1]),
            modified: UnixTime(seconds: 0),
            mode: 0o644,
            expecting: .nothing
        )
        let request = try #require(world.server.records(of: .putObject).first).request
        #expect((request.header("x-amz-checksum-crc64nvme") != nil) == (verdict == .yes))
        #expect((request.header("content-md5") == nil) == (verdict == .yes))
    }

    // MARK: Uploads

    @Test(arguments: ["NoSuchUpload", "NoSuchKey"])
    func `an upload that is gone is told as such, whatever the service calls it`(word: String) async throws {
        let world = try S3World {
            $0.goneUploadCode = word
            $0.forgetsCompletedUploads = true
        }
        let upload = try await world.store.createUpload(Self.name, modified: UnixTime(seconds: 0), mode: 0o644).id
        let part = try await Self.part(world, upload)
        #expect(try await world.store.parts(Self.name, upload: upload).map(\.number) == [1])
        let etag = try await world.store.completeUpload(Self.name, upload: upload, parts: [part], expecting: .nothing)
        #expect(etag == ETag(FaultDigests.etag(parts: [Self.noise])))
        let codes = [
            await Self.code { () async throws(StoreError) in try await world.store.parts(Self.name, upload: upload) },
            await Self.code { () async throws(StoreError) in
                try await world.store.putPart(Self.name, upload: upload, number: 2, body: .bytes([1]))
            },
            await Self.code { () async throws(StoreError) in
                try await world.store.completeUpload(Self.name, upload: upload, parts: [part], expecting: .nothing)
            },
            await Self.code { () async throws(StoreError) in
                try await world.store.abortUpload(Self.name, upload: upload)
            },
        ]
        #expect(codes.allSatisfy { $0 == .uploadGone })
    }

    @Test func `unfinished uploads are those of the very key, with the service's time`() async throws {
        let world = try S3World { $0.multipartPageSize = 1 }
        for name in ["dir/k", "dir/k2", "dir/k/x", "dir", "dir/k"] {
            _ = try await world.store.createUpload(Array(name.utf8), modified: UnixTime(seconds: 0), mode: 0o644)
        }
        let uploads = try await world.store.uploads(of: Self.name)
        #expect(uploads.count == 2 && uploads.allSatisfy { $0.initiated == world.store.stampTime })
    }

    // MARK: Listings

    private static func list(_ world: S3World) async throws -> [RelativePath] {
        let lister = RemoteLister(
            store: world.store,
            rules: IgnoreRules(patterns: []),
            progress: CycleProgress()
        )
        var paths: [RelativePath] = []
        _ = try await lister.listInTurn { paths += $0.map(\.path) }
        return paths
    }

    @Test func `a listing that goes round in circles is an error, and soon`() async throws {
        let world = try S3World { $0.pagesNeverEnd = true }
        world.put([1], as: "k")
        await #expect(throws: StoreError.self) { try await Self.list(world) }
        #expect(world.server.count(of: .listObjectsV2) == 2)
    }

    @Test func `a listing in any order is whole, below the prefix and no further`() async throws {
        let world = try S3World {
            $0.listsByDirectory = true
            $0.pageSize = 2
        }
        let names = ["a-", "a/x", "a0", "a+b c%20d/e", "z"]
        for name in names { world.put([1], as: name) }
        world.server.withStore { $0.put([1], as: "pre fix+x") }
        #expect(Set(try await Self.list(world).map { String(decoding: $0.bytes, as: UTF8.self) }) == Set(names))
    }
}

extension FaultServer {
    fileprivate var statuses: [Int?] { records.map(\.status) }
}
