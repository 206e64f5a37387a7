import Glibc
import TestSupport
import Testing

@testable import S3API

/// Objects that go up to a service that misbehaves, from files that do.
struct FaultUploadTests {
    private static let key = ObjectKey("k")
    private static let noise = CurlTransportTests.noise(200_000, seed: 21)

    private static func put(_ fixture: FaultFixture, _ body: RequestBody) async -> Result<PutResult, S3Error> {
        await result { () async throws(S3Error) in
            try await fixture.client.putObject(bucket: fixture.bucket, key: key, body: body)
        }
    }

    @Test func `every request tells its length, is hashed, and is neither chunked nor encoded`() async throws {
        let fixture = try FaultFixture { $0.minimumPartSize = 1 }
        let (client, bucket, key) = (fixture.client, fixture.bucket, Self.key)
        _ = try await client.listBuckets()
        _ = try await client.bucketLocation(bucket)
        _ = try await client.putObject(bucket: bucket, key: key, body: .bytes([1, 2, 3]))
        _ = try await client.headObject(bucket: bucket, key: key)
        _ = try await client.getObject(bucket: bucket, key: key, range: 0...1, sink: .memory(limit: 3))
        _ = try await client.listObjects(bucket: bucket, ListQuery())
        try await client.deleteObject(bucket: bucket, key: key)
        _ = try await client.deleteObjects(bucket: bucket, keys: [key, ObjectKey("l")])
        let upload = try await client.createMultipartUpload(bucket: bucket, key: key).id
        let part = try await client.uploadPart(
            bucket: bucket,
            key: key,
            uploadID: upload,
            number: 1,
            body: .bytes([4])
        )
        _ = try await client.listParts(bucket: bucket, key: key, uploadID: upload)
        _ = try await client.listMultipartUploads(bucket: bucket, prefix: key)
        let parts = [(number: 1, etag: part.etag)]
        _ = try await client.completeMultipartUpload(bucket: bucket, key: key, uploadID: upload, parts: parts)
        let other = try await client.createMultipartUpload(bucket: bucket, key: key).id
        try await client.abortMultipartUpload(bucket: bucket, key: key, uploadID: other)

        let records = fixture.server.records
        #expect(Set(records.map(\.operation)) == Set(FaultOperation.allCases).subtracting([.headBucket, .unknown]))
        #expect(records.allSatisfy { (200..<300).contains($0.status ?? 0) })
        for record in records {
            let request = record.request
            for name in ["transfer-encoding", "content-encoding", "accept-encoding", "x-amz-trailer", "te", "expect"] {
                #expect(request.header(name) == nil, "\(record.operation) \(name)")
            }
            let hasBody = ["PUT", "POST"].contains(request.method)
            #expect(request.header("content-length") == (hasBody ? "\(record.bodyCount)" : nil))
            let needsMD5 = [.putObject, .uploadPart, .deleteObjects].contains(record.operation)
            #expect(!needsMD5 || request.header("content-md5") != nil, "\(record.operation)")
        }
    }

    @Test(arguments: [.none, .bytes([])] as [RequestBody])
    func `an empty object goes up with its length, which is 0`(body: RequestBody) async throws {
        let fixture = try FaultFixture()
        let etag = try await Self.put(fixture, body).get().etag
        #expect(etag == FaultDigests.etag([]) && fixture.server.content(of: "k") == [])
        #expect(fixture.server.records.map { $0.request.header("content-length") } == ["0"])
    }

    @Test func `metadata comes back as it went, its names in lower case`() async throws {
        let fixture = try FaultFixture()
        let options = PutOptions(
            metadata: ["MTime": "1700000000.000000001", "mode": "644", "odd": "a  b; c=\"d\", e", "empty": ""],
            contentType: "text/plain; charset=utf-8"
        )
        _ = try await fixture.client.putObject(
            bucket: fixture.bucket,
            key: Self.key,
            body: .bytes([1]),
            options: options
        )
        let object = try await fixture.client.headObject(bucket: fixture.bucket, key: Self.key)
        #expect(
            object.metadata
                == ["mtime": "1700000000.000000001", "mode": "644", "odd": "a  b; c=\"d\", e", "empty": ""]
        )
        #expect(object.contentType == "text/plain; charset=utf-8" && object.modified == fixture.world.environment.now())
    }

    // MARK: Refusals and lost answers

    @Test(arguments: [1_000, 200_000, 5 << 20])
    func `a refusal that comes before the body is read is that refusal, and no network error`(size: Int) async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 1, .refuseEarly(.error(403, "AccessDenied")))
        fixture.server.on(.putObject, 2, .refuseEarly(.error(503, "SlowDown")))
        let body = CurlTransportTests.noise(size, seed: 22)
        let refused = await Self.put(fixture, .bytes(body))
        #expect(throws: S3Error.self) { try refused.get() }
        #expect(await failure { () async throws(S3Error) in try refused.get() }?.code == .accessDenied)
        // Busy once, and then it takes the whole.
        let etag = try await Self.put(fixture, .bytes(body)).get().etag
        #expect(etag == FaultDigests.etag(body) && fixture.statuses(of: .putObject) == [403, 503, 200])
        #expect(fixture.server.records.map(\.bodyCount) == [0, 0, size] && fixture.server.pendingRules.isEmpty)
    }

    @Test(arguments: [.reset, .resetAfterEffect, .stall, .stallAfterEffect] as [Fault])
    func `an object whose answer was lost goes up again, and is whole`(fault: Fault) async throws {
        let fixture = try FaultFixture(patience: 3)
        fixture.server.on(.putObject, 1, fault)
        let file = try ScratchFile([9] + Self.noise)
        let body = RequestBody.descriptor(file.descriptor, offset: 1, length: Int64(Self.noise.count))
        let outcome = try await Self.put(fixture, body).get()
        #expect(outcome.etag == FaultDigests.etag(Self.noise) && outcome.md5 == FaultDigests.md5(Self.noise))
        let isWhole = fixture.server.content(of: "k") == Self.noise
        #expect(isWhole && fixture.server.pendingRules.isEmpty)
    }

    @Test func `a condition that our own first try broke is told as broken, with our object there`() async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 1, .resetAfterEffect)
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.putObject(
                bucket: fixture.bucket,
                key: Self.key,
                body: .bytes([1, 2]),
                options: PutOptions(ifNoneMatch: "*")
            )
        }
        #expect(error?.code == .preconditionFailed && fixture.statuses(of: .putObject) == [nil, 412])
        let object = try await fixture.client.headObject(bucket: fixture.bucket, key: Self.key)
        #expect(object.etag == FaultDigests.etag([1, 2]))
    }

    // MARK: Files that change

    /// Puts a file which `change` alters after it was hashed and before it is sent for good.
    private static func putChanged(
        _ fixture: FaultFixture,
        _ file: ScratchFile,
        _ change: @escaping @Sendable (CInt) -> Void
    ) async -> Result<PutResult, S3Error> {
        fixture.put([7], as: "k")
        fixture.server.on(
            .putObject,
            1,
            .reply { _ in
                change(file.descriptor)
                return .error(503, "SlowDown")
            }
        )
        return await put(fixture, .descriptor(file.descriptor, offset: 0, length: Int64(noise.count)))
    }

    @Test func `a file that changes under the transfer is refused by its digest, and the old object stays`()
        async throws
    {
        let fixture = try FaultFixture()
        let changed = await Self.putChanged(fixture, try ScratchFile(Self.noise)) { pwrite($0, "changed", 7, 150_000) }
        #expect(await failure { () async throws(S3Error) in try changed.get() }?.code == .badDigest)
        #expect(fixture.statuses(of: .putObject) == [503, 400] && fixture.server.content(of: "k") == [7])
    }

    @Test func `a file that becomes shorter under the transfer is not padded, and the old object stays`() async throws {
        let fixture = try FaultFixture()
        let short = await Self.putChanged(fixture, try ScratchFile(Self.noise)) { ftruncate($0, 150_000) }
        let error = await failure { () async throws(S3Error) in try short.get() }
        #expect(error?.transport?.code == .localRead(errno: 0) && fixture.server.content(of: "k") == [7])
        #expect(fixture.statuses(of: .putObject) == [503, nil])
    }

    @Test func `of a file that grows under the transfer goes what was declared`() async throws {
        let fixture = try FaultFixture()
        let file = try ScratchFile(Self.noise)
        let grown = await Self.putChanged(fixture, file) { pwrite($0, "more", 4, off_t(Self.noise.count)) }
        #expect(try grown.get().etag == FaultDigests.etag(Self.noise))
        let isWhole = fixture.server.content(of: "k") == Self.noise
        #expect(isWhole && file.content.count == Self.noise.count + 4)
    }
}
