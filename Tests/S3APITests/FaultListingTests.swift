import TestSupport
import Testing

@testable import S3API

/// Listings by services with their own ways, and documents that no service should send.
struct FaultListingTests {
    /// All keys below a prefix, page by page.
    private static func keys(
        _ fixture: FaultFixture,
        prefix: [UInt8] = [],
        maxKeys: Int? = nil
    ) async throws(S3Error) -> [ObjectKey] {
        var keys: [ObjectKey] = []
        var query = ListQuery(prefix: ObjectKey(prefix), maxKeys: maxKeys)
        repeat {
            let page = try await fixture.client.listObjects(bucket: fixture.bucket, query)
            keys += page.objects.map(\.key)
            query.continuation = page.continuation
        } while query.continuation != nil
        return keys
    }

    /// How a service spells keys, and in which order it lists them.
    struct Ways: Sendable {
        var spaceAsPlus: Bool
        var slash: Bool
        var byDirectory: Bool

        static let all = [
            Ways(spaceAsPlus: true, slash: false, byDirectory: false),
            Ways(spaceAsPlus: false, slash: true, byDirectory: true),
        ]
    }

    @Test(arguments: Ways.all)
    func `every odd key is listed as it is, once, whatever the service's spelling and order`(ways: Ways) async throws {
        let fixture = try FaultFixture { quirks in
            quirks.encodesSpaceAsPlus = ways.spaceAsPlus
            quirks.encodesSlash = ways.slash
            quirks.listsByDirectory = ways.byDirectory
            quirks.pageSize = 5
        }
        for odd in OddKey.all {
            _ = try await fixture.client.putObject(bucket: fixture.bucket, key: ObjectKey(odd.bytes), body: .bytes([1]))
        }
        let keys = try await Self.keys(fixture)
        #expect(keys.sorted() == OddKey.all.map { ObjectKey($0.bytes) }.sorted())
        #expect(fixture.server.count(of: .listObjectsV2) == (OddKey.all.count + 4) / 5)
        // The prefix is echoed unencoded, as two services do.
        for odd in OddKey.all where ObjectKey(odd.bytes).canStandInXML {
            let own = try await Self.keys(fixture, prefix: odd.bytes)
            #expect(own.contains(ObjectKey(odd.bytes)) && own.allSatisfy { $0.bytes.starts(with: odd.bytes) })
        }
        #expect(
            fixture.server.records(of: .listObjectsV2).allSatisfy {
                $0.request.text("encoding-type") == "url" && $0.request.bytes("prefix") != nil
            }
        )
    }

    @Test func `a listing in the order of directories is whole, though no key is in its place`() async throws {
        let fixture = try FaultFixture {
            $0.listsByDirectory = true
            $0.pageSize = 2
        }
        let names = ["a-", "a/x", "a/y", "a0", "a.b", "b"]
        for name in names { fixture.put([1], as: name) }
        let keys = try await Self.keys(fixture)
        #expect(keys.map(\.description) == ["a/x", "a/y", "a-", "a.b", "a0", "b"])
        #expect(keys != keys.sorted())
    }

    @Test func `what shares a name up to the delimiter comes once, over all pages`() async throws {
        let fixture = try FaultFixture { $0.pageSize = 2 }
        for name in ["d+1/a", "d+1/b", "d+1/c", "e", "f g/h", "f g/i"] { fixture.put([1], as: name) }
        var prefixes: [String] = []
        var objects: [String] = []
        var query = ListQuery(delimiter: "/")
        repeat {
            let page = try await fixture.client.listObjects(bucket: fixture.bucket, query)
            prefixes += page.commonPrefixes.map(\.description)
            objects += page.objects.map(\.key.description)
            query.continuation = page.continuation
        } while query.continuation != nil
        #expect(prefixes == ["d+1/", "f g/"] && objects == ["e"])
    }

    @Test func `a service that does not encode keys is taken at its word, and refused where XML cannot hold one`()
        async throws
    {
        let fixture = try FaultFixture { $0.ignoresEncodingType = true }
        for name in ["a%41+b", "c d", "<&>"] { fixture.put([1], as: name) }
        #expect(try await Self.keys(fixture).map(\.description) == ["<&>", "a%41+b", "c d"])
        fixture.put([1], as: "z\u{1}")
        let error = await failure { () async throws(S3Error) in try await Self.keys(fixture) }
        #expect(error?.code == .malformedAnswer)
    }

    @Test func `rows that come twice, or without an ETag, are handed on as they came`() async throws {
        let fixture = try FaultFixture()
        fixture.put([1], as: "k")
        fixture.server.on(
            .listObjectsV2,
            1,
            .rewrite { answer in
                answer.insert(beforeEnd: Array("<Contents><Key>k</Key><Size>7</Size></Contents>".utf8))
            }
        )
        let page = try await fixture.client.listObjects(bucket: fixture.bucket, ListQuery(maxKeys: 1))
        #expect(page.objects.map(\.key) == [ObjectKey("k"), ObjectKey("k")])
        #expect(page.objects.map(\.size) == [1, 7] && page.objects.map(\.etag) == [FaultDigests.etag([1]), ""])
    }

    @Test func `a token that the service does not know ends the listing, and is not tried again`() async throws {
        let fixture = try FaultFixture()
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.listObjects(bucket: fixture.bucket, ListQuery(continuation: "expired"))
        }
        #expect(error?.code == .other("InvalidArgument") && fixture.statuses(of: .listObjectsV2) == [400])
    }

    @Test(
        arguments: [
            .truncate(after: 0), .truncate(after: 200), .resetAfterEffect, .error(500, "InternalError"),
            .slowDown(retryAfter: 1),
        ] as [Fault]
    )
    func `a page that came short is asked for again, and nothing is listed twice`(fault: Fault) async throws {
        let fixture = try FaultFixture { $0.pageSize = 3 }
        for number in 0..<10 { fixture.put([1], as: "k\(number)") }
        fixture.server.on(.listObjectsV2, .from(2...3), fault)
        #expect(try await Self.keys(fixture).map(\.description) == (0..<10).map { "k\($0)" })
        #expect(fixture.server.pendingRules.isEmpty)
    }

    // MARK: Hostile documents

    @Test(arguments: HostileXML.allCases)
    func `no page is made of a document that is not as it should be`(kind: HostileXML) async throws {
        let fixture = try FaultFixture()
        fixture.put([1], as: "k")
        fixture.server.on(.listObjectsV2, 1, .hostile(kind))
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.listObjects(bucket: fixture.bucket, ListQuery())
        }
        #expect(error?.code == .malformedAnswer && fixture.server.pendingRules.isEmpty)
        #expect(fixture.server.count(of: .listObjectsV2) == 1)
        #expect(try await Self.keys(fixture) == [ObjectKey("k")])
    }

    /// What becomes of every other operation whose answer is a document, when all of them meet `fault`.
    private static func errors(under fault: Fault) async throws -> [S3Error?] {
        let fixture = try FaultFixture { $0.minimumPartSize = 1 }
        let (client, bucket, key) = (fixture.client, fixture.bucket, ObjectKey("k"))
        let upload = try await client.createMultipartUpload(bucket: bucket, key: key).id
        let part = try await client.uploadPart(bucket: bucket, key: key, uploadID: upload, number: 1, body: .none)
        let asked = fixture.server.records.count
        fixture.server.on(nil, .every, fault)
        let parts = [(number: 1, etag: part.etag)]
        let errors: [S3Error?] = [
            await failure { () async throws(S3Error) in try await client.listBuckets() },
            await failure { () async throws(S3Error) in
                try await client.deleteObjects(bucket: bucket, keys: [key, ObjectKey("l")])
            },
            await failure { () async throws(S3Error) in
                try await client.createMultipartUpload(bucket: bucket, key: key)
            },
            await failure { () async throws(S3Error) in
                try await client.listParts(bucket: bucket, key: key, uploadID: upload)
            },
            await failure { () async throws(S3Error) in
                try await client.listMultipartUploads(bucket: bucket, prefix: key)
            },
            await failure { () async throws(S3Error) in
                try await client.completeMultipartUpload(bucket: bucket, key: key, uploadID: upload, parts: parts)
            },
        ]
        #expect(fixture.server.records.count == asked + errors.count)
        return errors
    }

    @Test(arguments: HostileXML.allCases)
    func `nor is anything else, of any operation`(kind: HostileXML) async throws {
        for error in try await Self.errors(under: .hostile(kind)) {
            #expect(error?.code == .malformedAnswer, "\(error?.operation ?? "an operation") was not refused")
        }
    }

    @Test func `no document without an end is read to its end`() async throws {
        for error in try await Self.errors(under: .flood) {
            #expect(error?.transport?.code == .bodyTooLarge, "\(error?.operation ?? "an operation") was not refused")
        }
    }

    @Test(arguments: HostileXML.allCases)
    func `an error counts by its status, whatever its document`(kind: HostileXML) async throws {
        let fixture = try FaultFixture()
        let document = FaultAnswer.error(403, "NoSuchKey").body
        fixture.server.on(.getObject, .every, .answer(FaultAnswer(403, body: kind.spoiled(document))))
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.getObject(
                bucket: fixture.bucket,
                key: ObjectKey("k"),
                sink: .memory(limit: 1)
            )
        }
        #expect(error?.code == .accessDenied && error?.status == 403 && fixture.server.count(of: .getObject) == 1)
    }
}
