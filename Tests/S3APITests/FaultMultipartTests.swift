import Glibc
import TestSupport
import Testing

@testable import S3API

/// Multipart uploads to a service that misbehaves: sending and putting together.
struct FaultMultipartTests {
    private static let key = ObjectKey("dir/k")
    private static let parts = [
        CurlTransportTests.noise(100_000, seed: 41), CurlTransportTests.noise(100_000, seed: 42), [1, 2, 3],
    ]

    private static func fixture(
        patience: Int = 30,
        _ configure: (inout FaultQuirks) -> Void = { _ in }
    ) throws -> FaultFixture {
        try FaultFixture(patience: patience) { quirks in
            quirks.minimumPartSize = 100_000
            configure(&quirks)
        }
    }

    /// Creates an upload and sends all parts but the last from a file.
    private static func send(
        _ fixture: FaultFixture,
        key: ObjectKey = key,
        options: PutOptions = PutOptions()
    ) async throws -> (id: String, parts: [(number: Int, etag: String)]) {
        let (client, bucket) = (fixture.client, fixture.bucket)
        let id = try await client.createMultipartUpload(bucket: bucket, key: key, options: options).id
        let file = try ScratchFile(parts.flatMap(\.self))
        var sent: [(number: Int, etag: String)] = []
        var offset: Int64 = 0
        for (index, part) in parts.enumerated() {
            let body = RequestBody.descriptor(file.descriptor, offset: offset, length: Int64(part.count))
            let result = try await client.uploadPart(
                bucket: bucket,
                key: key,
                uploadID: id,
                number: index + 1,
                body: body
            )
            #expect(result.md5 == FaultDigests.md5(part))
            sent.append((index + 1, result.etag))
            offset += Int64(part.count)
        }
        return (id, sent)
    }

    private static func complete(
        _ fixture: FaultFixture,
        _ id: String,
        _ parts: [(number: Int, etag: String)]
    ) async -> Result<String?, S3Error> {
        await result { () async throws(S3Error) in
            try await fixture.client.completeMultipartUpload(
                bucket: fixture.bucket,
                key: key,
                uploadID: id,
                parts: parts
            )
        }
    }

    private static func isWhole(_ fixture: FaultFixture) -> Bool {
        fixture.server.content(of: "dir/k") == parts.flatMap(\.self)
    }

    private static func code<Value>(_ result: Result<Value, S3Error>) -> S3Error.Code? {
        switch result {
        case .success: nil
        case .failure(let error): error.code
        }
    }

    @Test func `parts become the object that they are parts of, with its metadata and the digest of their digests`()
        async throws
    {
        let fixture = try Self.fixture()
        let options = PutOptions(metadata: ["mtime": "1.5"], contentType: "text/plain")
        let (id, parts) = try await Self.send(fixture, options: options)
        let etag = try await Self.complete(fixture, id, parts).get()
        #expect(etag == FaultDigests.etag(parts: Self.parts) && Self.isWhole(fixture))
        let object = try await fixture.client.headObject(bucket: fixture.bucket, key: Self.key)
        #expect(object.metadata == ["mtime": "1.5"] && object.contentType == "text/plain" && object.etag == etag)
        #expect(fixture.server.withStore { $0.uploads().isEmpty })
        // The id is opaque: what a query must escape comes back as it was.
        #expect(id.contains("/+=&%41") && fixture.server.records.allSatisfy { $0.tookEffect })
    }

    @Test func `every odd key takes parts, and no other upload`() async throws {
        let fixture = try Self.fixture()
        // Not those whose answers, which name the key, would be no XML.
        for odd in OddKey.all where ObjectKey(odd.bytes).canStandInXML {
            let key = ObjectKey(odd.bytes)
            let id = try await fixture.client.createMultipartUpload(bucket: fixture.bucket, key: key).id
            let part = try await fixture.client.uploadPart(
                bucket: fixture.bucket,
                key: key,
                uploadID: id,
                number: 10_000,
                body: .bytes(odd.bytes)
            )
            _ = try await fixture.client.completeMultipartUpload(
                bucket: fixture.bucket,
                key: key,
                uploadID: id,
                parts: [(10_000, part.etag)]
            )
            #expect(fixture.server.withStore { $0.buckets["bucket"]?.objects[odd.bytes]?.content } == odd.bytes)
        }
    }

    @Test(
        arguments: [(.opaque, "-3"), (.plainMD5, "")] as [(FaultQuirks.MultipartETag, String)]
    )
    func `whatever a service calls parts and object, it is told as it came`(
        kind: FaultQuirks.MultipartETag,
        suffix: String
    ) async throws {
        let fixture = try Self.fixture {
            $0.multipartETag = kind
            $0.partETagsAreOpaque = true
        }
        let (id, parts) = try await Self.send(fixture)
        #expect(zip(parts, Self.parts).allSatisfy { $0.0.etag != FaultDigests.etag($0.1) })
        let etag = try await Self.complete(fixture, id, parts).get()
        #expect(etag == fixture.server.withStore { $0.buckets["bucket"]?.objects[Self.key.bytes]?.etag })
        #expect(etag?.hasSuffix(suffix) == true && Self.isWhole(fixture))
    }

    @Test func `a Complete that says no ETag has none`() async throws {
        let fixture = try Self.fixture()
        fixture.server.on(.completeMultipartUpload, 1, .rewrite { $0.replace(element: "ETag", with: "") })
        let (id, parts) = try await Self.send(fixture)
        #expect(try await Self.complete(fixture, id, parts).get() == nil)
        #expect(Self.isWhole(fixture))
    }

    // MARK: Parts

    @Test(
        arguments: [.reset, .resetAfterEffect, .error(503, "SlowDown"), .refuseEarly(.error(500, "InternalError"))]
            as [Fault]
    )
    func `a part whose answer was lost is sent again, and stands once`(fault: Fault) async throws {
        let fixture = try Self.fixture()
        fixture.server.on(.uploadPart, 2, fault)
        let (id, parts) = try await Self.send(fixture)
        let listed = try await fixture.client.listParts(bucket: fixture.bucket, key: Self.key, uploadID: id)
        #expect(listed.map(\.number) == [1, 2, 3] && listed.map(\.etag) == Self.parts.map { FaultDigests.etag($0) })
        #expect(listed.map(\.size) == [100_000, 100_000, 3])
        #expect(try await Self.complete(fixture, id, parts).get() != nil && Self.isWhole(fixture))
        #expect(fixture.server.count(of: .uploadPart) == 4 && fixture.server.pendingRules.isEmpty)
    }

    @Test func `parts that are sent at once all arrive`() async throws {
        let fixture = try Self.fixture()
        let (client, bucket) = (fixture.client, fixture.bucket)
        let id = try await client.createMultipartUpload(bucket: bucket, key: Self.key).id
        fixture.server.on(.uploadPart, .from(3...6), .resetAfterEffect)
        let contents = (1...12).map { CurlTransportTests.noise(100_000 + $0, seed: UInt64($0)) }
        let parts = try await withThrowingTaskGroup(of: (number: Int, etag: String).self) { group in
            for (index, content) in contents.enumerated() {
                group.addTask {
                    let result = try await client.uploadPart(
                        bucket: bucket,
                        key: Self.key,
                        uploadID: id,
                        number: index + 1,
                        body: .bytes(content)
                    )
                    return (index + 1, result.etag)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let etag = try await Self.complete(fixture, id, parts.sorted { $0.number < $1.number }).get()
        #expect(etag == FaultDigests.etag(parts: contents) && fixture.server.pendingRules.isEmpty)
    }

    @Test(arguments: [false, true])
    func `a part that changes under the transfer is refused, and may take the upload with it`(
        destroys: Bool
    ) async throws {
        let fixture = try Self.fixture { $0.failureDestroysUpload = destroys }
        let id = try await fixture.client.createMultipartUpload(bucket: fixture.bucket, key: Self.key).id
        let file = try ScratchFile(Self.parts[0])
        fixture.server.on(
            .uploadPart,
            1,
            .reply { _ in
                pwrite(file.descriptor, "changed", 7, 50_000)
                return .error(503, "SlowDown")
            }
        )
        func send() async -> S3Error? {
            await failure { () async throws(S3Error) in
                try await fixture.client.uploadPart(
                    bucket: fixture.bucket,
                    key: Self.key,
                    uploadID: id,
                    number: 1,
                    body: .descriptor(file.descriptor, offset: 0, length: 100_000)
                )
            }
        }
        #expect(await send()?.code == .badDigest)
        #expect(await send()?.code == (destroys ? .noSuchUpload : nil))
    }

    // MARK: Complete

    @Test(arguments: ["InternalError", "SlowDown"])
    func `an error inside a 200 is an error, and one that passes is tried again`(code: String) async throws {
        let fixture = try Self.fixture()
        let (id, parts) = try await Self.send(fixture)
        fixture.server.on(.completeMultipartUpload, .first(2), .errorInside200(code))
        #expect(try await Self.complete(fixture, id, parts).get() == FaultDigests.etag(parts: Self.parts))
        #expect(Self.isWhole(fixture) && fixture.server.count(of: .completeMultipartUpload) == 3)
        #expect(fixture.world.sleeps.count == 2 && fixture.server.pendingRules.isEmpty)
    }

    @Test func `one that does not pass ends after the last try, and one that stays after the first`() async throws {
        let fixture = try Self.fixture()
        let (id, parts) = try await Self.send(fixture)
        fixture.server.on(.completeMultipartUpload, 1, .errorInside200("AccessDenied"))
        #expect(await Self.code(Self.complete(fixture, id, parts)) == .accessDenied)
        #expect(fixture.server.count(of: .completeMultipartUpload) == 1)
        fixture.server.on(.completeMultipartUpload, .every, .errorInside200("InternalError"))
        #expect(await Self.code(Self.complete(fixture, id, parts)) == .internalError)
        #expect(fixture.server.count(of: .completeMultipartUpload) == 7 && !Self.isWhole(fixture))
    }

    @Test(arguments: Fault.KeepAlivePlace.allCases)
    func `white space that keeps the connection alive is no part of the answer, good or bad`(
        place: Fault.KeepAlivePlace
    ) async throws {
        let fixture = try Self.fixture()
        let (id, parts) = try await Self.send(fixture)
        let alive = Fault.keepAlive(spaces: 5, pauseMilliseconds: 20, place)
        fixture.server.on(.completeMultipartUpload, .every, alive)
        let wrong = await Self.complete(fixture, id, [(1, parts[1].etag)])
        #expect(Self.code(wrong) == .invalidPart)
        #expect(try await Self.complete(fixture, id, parts).get() == FaultDigests.etag(parts: Self.parts))
        #expect(Self.isWhole(fixture) && fixture.server.count(of: .completeMultipartUpload) == 2)
    }

    @Test func `a Complete may take longer than anything else without a byte`() async throws {
        let fixture = try Self.fixture(patience: 1)
        let (id, parts) = try await Self.send(fixture)
        // The pause is what is tried; it may be longer.
        fixture.server.on(.completeMultipartUpload, 1, .after { _ in _ = poll(nil, 0, 3_000) })
        #expect(try await Self.complete(fixture, id, parts).get() == FaultDigests.etag(parts: Self.parts))
        #expect(fixture.server.count(of: .completeMultipartUpload) == 1 && fixture.server.pendingRules.isEmpty)
    }

    @Test(arguments: [.resetAfterEffect, .truncate(after: 0), .truncate(after: 120)] as [Fault])
    func `a Complete whose answer was lost is asked again: it succeeds, or the upload is gone and the object there`(
        fault: Fault
    ) async throws {
        for forgets in [false, true] {
            let fixture = try Self.fixture { $0.forgetsCompletedUploads = forgets }
            let (id, parts) = try await Self.send(fixture)
            fixture.server.on(.completeMultipartUpload, 1, fault)
            let outcome = await Self.complete(fixture, id, parts)
            #expect(Self.code(outcome) == (forgets ? .noSuchUpload : nil))
            let object = try await fixture.client.headObject(bucket: fixture.bucket, key: Self.key)
            #expect(object.etag == FaultDigests.etag(parts: Self.parts) && object.size == 200_003)
            #expect(Self.isWhole(fixture) && fixture.server.pendingRules.isEmpty)
        }
    }

    @Test func `a Complete whose document is cut says nothing, and is not asked again`() async throws {
        let fixture = try Self.fixture()
        let (id, parts) = try await Self.send(fixture)
        fixture.server.on(.completeMultipartUpload, 1, .hostile(.cut))
        #expect(await Self.code(Self.complete(fixture, id, parts)) == .malformedAnswer)
        #expect(fixture.server.count(of: .completeMultipartUpload) == 1 && Self.isWhole(fixture))
    }

    /// A Complete that the service refuses: the parts that it names, by index and ETag.
    struct Refusal: Sendable {
        var word: String
        var parts: @Sendable ([(number: Int, etag: String)]) -> [(number: Int, etag: String)]

        static let all = [
            Refusal(word: "InvalidPart") { $0.dropLast() + [(3, String(repeating: "0", count: 32))] },
            Refusal(word: "InvalidPart") { $0 + [(4, $0[2].etag)] },
            Refusal(word: "InvalidPartOrder") { [$0[1], $0[0], $0[2]] },
            Refusal(word: "InvalidPartOrder") { [$0[0], $0[0]] },
            Refusal(word: "EntityTooSmall") { $0 },
            Refusal(word: "MalformedXML") { _ in [] },
        ]
    }

    @Test(arguments: Refusal.all)
    func `a Complete that is refused says why, once, and may take the upload with it`(refusal: Refusal) async throws {
        for destroys in [false, true] {
            let fixture = try Self.fixture { $0.failureDestroysUpload = destroys }
            let (id, parts) = try await Self.send(fixture)
            fixture.server.configure { $0.minimumPartSize = refusal.word == "EntityTooSmall" ? 100_001 : 100_000 }
            let outcome = await Self.complete(fixture, id, refusal.parts(parts))
            #expect(Self.code(outcome) == (refusal.word == "MalformedXML" ? .other(refusal.word) : .invalidPart))
            #expect(fixture.server.count(of: .completeMultipartUpload) == 1)
            fixture.server.configure { $0.minimumPartSize = 1 }
            let again = await Self.complete(fixture, id, parts)
            #expect(Self.code(again) == (destroys ? .noSuchUpload : nil) && Self.isWhole(fixture) == !destroys)
        }
    }
}
