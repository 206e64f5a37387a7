import TestSupport
import Testing

@testable import S3API

/// Which failures pass, which stay, and what a service may correct: over the wire, with every try judged by the service.
struct FaultRetryTests {
    private static let key = ObjectKey("k")
    private static let body = Array("what goes up".utf8)

    private static func put(_ fixture: FaultFixture) async -> S3Error? {
        await failure { () async throws(S3Error) in
            try await fixture.client.putObject(bucket: fixture.bucket, key: key, body: .bytes(body))
        }
    }

    private static func head(_ fixture: FaultFixture) async -> S3Error? {
        await failure { () async throws(S3Error) in
            try await fixture.client.headObject(bucket: fixture.bucket, key: key)
        }
    }

    @Test(
        arguments: [
            .error(400, "IncompleteBody"), .error(400, "RequestTimeout"), .error(409, "ConditionalRequestConflict"),
            .error(503, "PriorRequestNotComplete"), .error(408, "AnyWord"), .error(500, "NewCode"),
            .answer(FaultAnswer(503, body: Array("{\"message\": \"busy\"}".utf8))), .answer(FaultAnswer(408)),
            .answer(FaultAnswer(502, body: Array("<html><body>Bad Gateway</body></html>".utf8))),
            .answer(FaultAnswer(599)), .slowDown(retryAfter: 1), .reset,
        ] as [Fault]
    )
    func `what passes is tried again, with the whole body, until it is done`(fault: Fault) async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, .first(3), fault)
        #expect(await Self.put(fixture) == nil)
        #expect(fixture.server.content(of: "k") == Self.body && fixture.server.pendingRules.isEmpty)
        #expect(fixture.server.records.map(\.bodyCount) == [12, 12, 12, 12] && fixture.world.sleeps.count == 3)
    }

    @Test(
        arguments: [
            (.error(405, "MethodNotAllowed"), .other("MethodNotAllowed")),
            (.error(409, "BucketAlreadyOwnedByYou"), .other("BucketAlreadyOwnedByYou")),
            (.error(400, "EntityTooLarge"), .entityTooLarge), (.error(403, "ExpiredToken"), .credentialsRefused),
            (.error(501, "NotImplemented"), .notImplemented), (.answer(FaultAnswer(401)), .credentialsRefused),
            (.error(404, "NoSuchBucket"), .noSuchBucket), (.error(410, "Gone"), .other("Gone")),
            (.answer(FaultAnswer(302, headers: [("Location", "http://127.0.0.1:1/")])), .other("302")),
            (.answer(FaultAnswer(304)), .other("304")), (.answer(FaultAnswer(400)), .other("400")),
        ] as [(Fault, S3Error.Code)]
    )
    func `what stays is not tried again`(fault: Fault, code: S3Error.Code) async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 1, fault)
        #expect(await Self.put(fixture)?.code == code)
        #expect(fixture.server.records.count == 1 && fixture.world.sleeps.isEmpty)
    }

    @Test func `a long spell of trouble ends with its error, and the next request is as good as new`() async throws {
        let fixture = try FaultFixture()
        fixture.server.on(nil, .every, .slowDown(retryAfter: 3))
        let error = await Self.put(fixture)
        #expect(error?.code == .slowDown && error?.status == 503 && fixture.server.records.count == 6)
        #expect(fixture.world.sleeps.allSatisfy { $0 >= .seconds(3) })
        fixture.server.removeRules()
        #expect(await Self.put(fixture) == nil)
    }

    // MARK: Denied operations

    /// Every operation that a policy may deny, and whether the client must have called it refused.
    private static func outcomes(_ fixture: FaultFixture) async -> [FaultOperation: S3Error.Code?] {
        let (client, bucket) = (fixture.client, fixture.bucket)
        var codes: [FaultOperation: S3Error.Code?] = [:]
        func note<Value>(_ operation: FaultOperation, _ body: () async throws(S3Error) -> Value) async {
            codes[operation] = .some(await failure(of: body)?.code)
        }
        await note(.listBuckets) { () async throws(S3Error) in try await client.listBuckets() }
        await note(.getBucketLocation) { () async throws(S3Error) in try await client.bucketLocation(bucket) }
        await note(.listObjectsV2) { () async throws(S3Error) in
            try await client.listObjects(bucket: bucket, ListQuery())
        }
        await note(.headObject) { () async throws(S3Error) in try await client.headObject(bucket: bucket, key: key) }
        await note(.getObject) { () async throws(S3Error) in
            try await client.getObject(bucket: bucket, key: key, sink: .memory(limit: 99))
        }
        await note(.putObject) { () async throws(S3Error) in
            try await client.putObject(bucket: bucket, key: key, body: .bytes(body))
        }
        await note(.deleteObject) { () async throws(S3Error) in
            try await client.deleteObject(bucket: bucket, key: ObjectKey("absent"))
        }
        await note(.deleteObjects) { () async throws(S3Error) in
            try await client.deleteObjects(bucket: bucket, keys: [ObjectKey("a"), ObjectKey("b")])
        }
        await note(.createMultipartUpload) { () async throws(S3Error) in
            try await client.createMultipartUpload(bucket: bucket, key: key)
        }
        await note(.listMultipartUploads) { () async throws(S3Error) in
            try await client.listMultipartUploads(bucket: bucket, prefix: key)
        }
        await note(.listParts) { () async throws(S3Error) in
            try await client.listParts(bucket: bucket, key: key, uploadID: "u")
        }
        await note(.uploadPart) { () async throws(S3Error) in
            try await client.uploadPart(bucket: bucket, key: key, uploadID: "u", number: 1, body: .bytes(body))
        }
        await note(.completeMultipartUpload) { () async throws(S3Error) in
            try await client.completeMultipartUpload(bucket: bucket, key: key, uploadID: "u", parts: [(1, "e")])
        }
        await note(.abortMultipartUpload) { () async throws(S3Error) in
            try await client.abortMultipartUpload(bucket: bucket, key: key, uploadID: "u")
        }
        return codes
    }

    /// Those that are asked for an upload which is not there.
    private static let withoutUpload: Set<FaultOperation> = [
        .listParts, .uploadPart, .completeMultipartUpload, .abortMultipartUpload,
    ]

    @Test(arguments: FaultOperation.allCases.filter { $0 != .headBucket && $0 != .unknown })
    func `an operation that is denied fails alone, and after one request`(denied: FaultOperation) async throws {
        let fixture = try FaultFixture()
        fixture.put(Self.body, as: "k")
        fixture.server.on(denied, .every, .deny)
        for (operation, code) in await Self.outcomes(fixture) {
            let expected: S3Error.Code? = Self.withoutUpload.contains(operation) ? .noSuchUpload : nil
            #expect(code == (operation == denied ? .accessDenied : expected), "\(operation)")
        }
        #expect(fixture.server.records.count == 14 && fixture.server.pendingRules.isEmpty)
    }

    // MARK: Clocks

    @Test(arguments: [-86_400, -1_200, 1_200, 31_536_000] as [Int64])
    func `a clock that is off is told by the first refusal, and right for all that follows`(ahead: Int64) async throws {
        let fixture = try FaultFixture()
        fixture.server.service.setClock(ahead: ahead)
        #expect(await Self.put(fixture) == nil)
        #expect(await Self.head(fixture) == nil)
        #expect(fixture.server.records.map(\.status) == [403, 200, 200] && fixture.world.sleeps.isEmpty)
        #expect(fixture.server.content(of: "k") == Self.body)
        // Somebody puts the service's clock right: it was right that was wrong.
        fixture.server.service.setClock(ahead: 0)
        #expect(await Self.head(fixture) == nil)
        #expect(await Self.put(fixture) == nil)
        #expect(fixture.server.records.map(\.status) == [403, 200, 200, 403, 200, 200])
    }

    @Test func `a clock that goes wrong while requests are tried again is told as well`() async throws {
        let fixture = try FaultFixture()
        fixture.server.on(
            .putObject,
            1,
            .reply { service in
                service.setClock(ahead: 7_200)
                return .error(503, "SlowDown")
            }
        )
        #expect(await Self.put(fixture) == nil)
        #expect(fixture.server.records.map(\.status) == [503, 403, 200])
    }

    @Test func `midnight between two tries is no matter`() async throws {
        let fixture = try FaultFixture()
        fixture.world.advance(seconds: 86_399)
        fixture.server.on(.putObject, 1, .slowDown(retryAfter: 3))
        #expect(await Self.put(fixture) == nil)
        let dates = fixture.server.records.map { $0.request.header("x-amz-date") }
        #expect(dates == ["20130524T235959Z", "20130525T000002Z"])
    }

    // MARK: Regions

    @Test func `a region is learned from the first refusal, of a PUT or a HEAD, and kept`() async throws {
        for isPut in [true, false] {
            let fixture = try FaultFixture { $0.region = "eu-central-1" }
            fixture.put(Self.body, as: "k")
            #expect(await isPut ? Self.put(fixture) == nil : Self.head(fixture) == nil)
            #expect(await Self.head(fixture) == nil)
            #expect(await Self.put(fixture) == nil)
            #expect(fixture.server.records.map(\.status) == [400, 200, 200, 200])
        }
    }

    @Test(arguments: [301, 307])
    func `a redirect is not followed but heeded: the same service is asked again, for its region`(
        status: Int
    ) async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 1, .redirect(status, region: "ap-south-1"))
        #expect(await Self.put(fixture) == nil)
        let regions = fixture.server.records.map { record in
            record.request.header("authorization")?.split(separator: "/").dropFirst(2).first.map(String.init)
        }
        #expect(regions == ["us-east-1", "ap-south-1"] && fixture.server.pendingRules.isEmpty)
    }

    @Test func `a service that sends us to and fro is left after one correction`() async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 1, .redirect(301, region: "ap-south-1"))
        fixture.server.on(.putObject, 2, .redirect(301, region: "eu-west-1"))
        #expect(await Self.put(fixture)?.code == .other("PermanentRedirect"))
        #expect(fixture.server.records.count == 2 && fixture.server.pendingRules.isEmpty)
    }

    @Test func `keys that are no good are told after one request`() async throws {
        let fixture = try FaultFixture()
        for credentials in [
            S3Credentials(accessKeyID: "unknown", secretAccessKey: FaultServer.credentials.secretAccessKey),
            S3Credentials(accessKeyID: FaultServer.credentials.accessKeyID, secretAccessKey: "wrong"),
        ] {
            let client = try fixture.server.client(environment: fixture.world.environment, credentials: credentials)
            let error = await failure { () async throws(S3Error) in
                try await client.listObjects(bucket: fixture.bucket, ListQuery())
            }
            #expect(error?.code == .credentialsRefused)
        }
        #expect(fixture.server.records.count == 2)
    }
}
