import TestSupport
import Testing

@testable import S3API

/// Multipart uploads that are under way: begun, listed, given up.
struct FaultUploadListingTests {
    private static let key = ObjectKey("k")

    private static func create(_ fixture: FaultFixture, _ key: ObjectKey = key) async throws -> CreatedUpload {
        try await fixture.client.createMultipartUpload(bucket: fixture.bucket, key: key)
    }

    private static func part(_ fixture: FaultFixture, _ id: String, _ number: Int, _ content: [UInt8]) async throws {
        _ = try await fixture.client.uploadPart(
            bucket: fixture.bucket,
            key: key,
            uploadID: id,
            number: number,
            body: .bytes(content)
        )
    }

    private static func parts(_ fixture: FaultFixture, _ id: String) async -> Result<[S3Part], S3Error> {
        await result { () async throws(S3Error) in
            try await fixture.client.listParts(bucket: fixture.bucket, key: key, uploadID: id)
        }
    }

    private static func uploads(_ fixture: FaultFixture, _ prefix: String) async -> Result<[S3Upload], S3Error> {
        await result { () async throws(S3Error) in
            try await fixture.client.listMultipartUploads(bucket: fixture.bucket, prefix: ObjectKey(prefix))
        }
    }

    private static func error<Value>(_ result: Result<Value, S3Error>) -> S3Error? {
        switch result {
        case .success: nil
        case .failure(let error): error
        }
    }

    // MARK: Create

    @Test func `an upload that was created twice may have a twin, and the listing shows both`() async throws {
        let fixture = try FaultFixture()
        #expect(try await Self.create(fixture, ObjectKey("alone")).mayHaveTwin == false)
        fixture.server.on(.createMultipartUpload, key: "k", 1, .truncate(after: 20))
        let upload = try await Self.create(fixture)
        #expect(upload.mayHaveTwin && fixture.server.pendingRules.isEmpty)
        let listed = try await Self.uploads(fixture, "k").get()
        #expect(listed.count == 2 && listed.contains { $0.id == upload.id })
        #expect(listed.allSatisfy { $0.key == Self.key && $0.initiated == fixture.world.environment.now() })
    }

    @Test func `so it is when the connection was kept from before, and libcurl sends anew by itself`() async throws {
        let fixture = try FaultFixture()
        _ = try await fixture.client.listBuckets()
        fixture.server.on(.createMultipartUpload, 1, .resetAfterEffect)
        let upload = try await Self.create(fixture)
        #expect(upload.mayHaveTwin && fixture.server.withStore { $0.uploads().count } == 2)
    }

    @Test func `an answer without an id has created nothing that we know`() async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.createMultipartUpload, 1, .rewrite { $0.replace(element: "UploadId", with: "") })
        fixture.server.on(.createMultipartUpload, 2, .errorInside200("AccessDenied"))
        for code in [.malformedAnswer, .accessDenied] as [S3Error.Code] {
            let outcome = await result { () async throws(S3Error) in
                try await fixture.client.createMultipartUpload(bucket: fixture.bucket, key: Self.key)
            }
            #expect(Self.error(outcome)?.code == code)
        }
        #expect(fixture.server.count(of: .createMultipartUpload) == 2)
    }

    // MARK: Parts

    @Test(arguments: [1, 3, 4, 1_000])
    func `parts are listed whole, page by page`(pageSize: Int) async throws {
        let fixture = try FaultFixture { $0.multipartPageSize = pageSize }
        let id = try await Self.create(fixture).id
        #expect(try await Self.parts(fixture, id).get() == [])
        for number in [7, 1, 10_000, 3, 2, 500] { try await Self.part(fixture, id, number, [UInt8(number & 255)]) }
        fixture.server.on(.listParts, 2, .truncate(after: 150))
        let parts = try await Self.parts(fixture, id).get()
        #expect(parts.map(\.number) == [1, 2, 3, 7, 500, 10_000] && parts.allSatisfy { $0.size == 1 })
        #expect(parts.map(\.etag) == parts.map { FaultDigests.etag([UInt8($0.number & 255)]) })
    }

    @Test func `a part that was sent again may be listed twice, and is completed by the ETag that was chosen`()
        async throws
    {
        let fixture = try FaultFixture {
            $0.keepsReplacedParts = true
            $0.multipartPageSize = 1
        }
        let id = try await Self.create(fixture).id
        try await Self.part(fixture, id, 1, Array("old".utf8))
        try await Self.part(fixture, id, 1, Array("new".utf8))
        let parts = try await Self.parts(fixture, id).get()
        #expect(parts.map(\.number) == [1, 1])
        let etag = FaultDigests.etag(Array("new".utf8))
        #expect(parts.contains { $0.etag == etag })
        _ = try await fixture.client.completeMultipartUpload(
            bucket: fixture.bucket,
            key: Self.key,
            uploadID: id,
            parts: [(1, etag)]
        )
        #expect(fixture.server.content(of: "k") == Array("new".utf8))
    }

    @Test(
        arguments: [("NoSuchUpload", .noSuchUpload), ("NoSuchKey", .noSuchKey)] as [(String, S3Error.Code)]
    )
    func `an upload that is gone is told in the service's own words`(word: String, code: S3Error.Code) async throws {
        let fixture = try FaultFixture { $0.goneUploadCode = word }
        let id = try await Self.create(fixture).id
        try await fixture.client.abortMultipartUpload(bucket: fixture.bucket, key: Self.key, uploadID: id)
        let error = Self.error(await Self.parts(fixture, id))
        #expect(error?.code == code && error?.status == 404 && fixture.server.count(of: .listParts) == 1)
    }

    // MARK: Uploads

    @Test(arguments: [1, 4, 1_000])
    func `uploads are listed whole, page by page, every odd key as it is`(pageSize: Int) async throws {
        let fixture = try FaultFixture { $0.multipartPageSize = pageSize }
        let expected = (OddKey.all.map(\.bytes) + [Self.key.bytes, Self.key.bytes]).enumerated().map { number, key in
            S3Upload(key: ObjectKey(key), id: "id/+&=\(number)", initiated: S3Time(seconds: Int64(number)))
        }
        fixture.server.withStore { store in
            for upload in expected {
                store.buckets["bucket"]?.uploads[upload.id] = FaultUpload(
                    id: upload.id,
                    key: upload.key.bytes,
                    initiated: upload.initiated?.seconds ?? 0
                )
            }
        }
        let uploads = try await Self.uploads(fixture, "").get()
        #expect(Set(uploads) == Set(expected) && uploads.count == expected.count)
        #expect(fixture.server.count(of: .listMultipartUploads) == (expected.count + pageSize - 1) / pageSize)
        let below = try await Self.uploads(fixture, "a/").get()
        #expect(Set(below.map(\.key.description)) == ["a/./b", "a/../b", "a//b"])
    }

    @Test func `a listing of uploads or parts that does not end is left, and is an error`() async throws {
        let fixture = try FaultFixture { $0.pagesNeverEnd = true }
        let id = try await Self.create(fixture).id
        try await Self.part(fixture, id, 1, [1])
        #expect(Self.error(await Self.parts(fixture, id))?.code == .malformedAnswer)
        #expect(Self.error(await Self.uploads(fixture, ""))?.code == .malformedAnswer)
        #expect(fixture.server.count(of: .listParts) == 2 && fixture.server.count(of: .listMultipartUploads) == 2)
    }

    @Test func `a page that says there is more and not where is an error`() async throws {
        let fixture = try FaultFixture { $0.multipartPageSize = 1 }
        let id = try await Self.create(fixture).id
        _ = try await Self.create(fixture)
        for number in [1, 2] { try await Self.part(fixture, id, number, [1]) }
        fixture.server.on(.listParts, 1, .rewrite { $0.replace(element: "NextPartNumberMarker", with: "") })
        fixture.server.on(.listMultipartUploads, 1, .rewrite { $0.replace(element: "NextKeyMarker", with: "") })
        #expect(Self.error(await Self.parts(fixture, id))?.code == .malformedAnswer)
        #expect(Self.error(await Self.uploads(fixture, ""))?.code == .malformedAnswer)
        #expect(fixture.server.pendingRules.isEmpty)
    }

    // MARK: Abort

    @Test func `an upload that was given up is gone, and giving it up again says so`() async throws {
        let fixture = try FaultFixture()
        func abort(_ id: String) async -> S3Error.Code? {
            await failure { () async throws(S3Error) in
                try await fixture.client.abortMultipartUpload(bucket: fixture.bucket, key: Self.key, uploadID: id)
            }?.code
        }
        let (first, second) = (try await Self.create(fixture).id, try await Self.create(fixture).id)
        try await Self.part(fixture, first, 1, [1])
        #expect(await abort(first) == nil)
        #expect(fixture.server.withStore { $0.uploads().map(\.id) } == [second])
        #expect(await abort(first) == .noSuchUpload)
        // Where the answer was lost, the second try finds nothing: that is an end, too.
        fixture.server.on(.abortMultipartUpload, 1, .resetAfterEffect)
        #expect(await abort(second) == .noSuchUpload)
        #expect(
            fixture.server.withStore { $0.uploads().isEmpty } && fixture.server.count(of: .abortMultipartUpload) == 4
        )
    }

    @Test func `a service that calls it an error that there are no uploads has none`() async throws {
        let server = try FaultServer()
        server.on(.listMultipartUploads, 1, .error(404, "NoSuchUpload"))
        let client = try server.client(environment: FakeS3World().environment)
        let uploads = try await client.listMultipartUploads(bucket: FaultServer.bucket, prefix: ObjectKey("k"))
        #expect(uploads.isEmpty)
    }
}
