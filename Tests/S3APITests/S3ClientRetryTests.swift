import Synchronization
import TestSupport
import Testing

@testable import S3API

/// Failures: which are tried again, how often, and what the service may correct.
struct S3ClientRetryTests {
    private static let key = ObjectKey("k")

    private static func delete(_ fixture: ClientFixture) async -> S3Error? {
        await failure { () async throws(S3Error) in try await fixture.client.deleteObject(bucket: "b", key: key) }
    }

    @Test(
        arguments: [
            .error(503, "SlowDown"), .error(500, "InternalError"), .status(429), .status(502, [:], "<html/>"),
            .status(504), .error(400, "RequestTimeout"), .error(409, "OperationAborted"), .failure(.unreachable),
            .failure(.interrupted), .failure(.truncated), .failure(.malformed),
        ] as [FakeTransport.Answer]
    )
    func `what passes is tried again, signed anew`(trouble: FakeTransport.Answer) async throws {
        let fixture = try ClientFixture([trouble, trouble, .status(204)])
        #expect(await Self.delete(fixture) == nil)
        #expect(fixture.transport.requests.count == 3 && fixture.world.sleeps.count == 2)
        #expect(fixture.transport.requests.allSatisfy { SignatureCheck($0).objection() == nil })
    }

    @Test(
        arguments: [
            .error(400, "MalformedXML"), .error(403, "AccessDenied"), .error(403, "SignatureDoesNotMatch"),
            .error(404, "NoSuchKey"), .error(405, "MethodNotAllowed"), .error(409, "BucketAlreadyExists"),
            .error(412, "PreconditionFailed"), .error(501, "NotImplemented"), .error(400, "BadDigest"), .status(403),
            .status(302), .failure(.tls), .failure(.bodyTooLarge), .failure(.localRead(errno: 5)),
            .failure(.localWrite(errno: 28)), .failure(.cancelled),
        ] as [FakeTransport.Answer]
    )
    func `what stays is not`(trouble: FakeTransport.Answer) async throws {
        let fixture = try ClientFixture([trouble, .status(204)])
        #expect(await Self.delete(fixture) != nil)
        #expect(fixture.transport.requests.count == 1 && fixture.world.sleeps.isEmpty)
    }

    @Test(arguments: [(.interrupted, 6), (.unreachable, 4)] as [(TransportError.Code, Int)])
    func `there is a last try`(code: TransportError.Code, count: Int) async throws {
        let fixture = try ClientFixture(FakeTransport { _, _ in .failure(code) })
        let error = await Self.delete(fixture)
        #expect(error?.code == .transport && error?.transport?.code == code)
        #expect(fixture.transport.requests.count == count)
    }

    @Test func `a signature is of the time of its own try`() async throws {
        let fixture = try ClientFixture([.error(503, "SlowDown", ["retry-after": "5"]), .status(204)])
        #expect(await Self.delete(fixture) == nil)
        #expect(
            fixture.transport.requests.map { $0.header("x-amz-date") } == ["20130524T000000Z", "20130524T000005Z"]
        )
    }

    @Test(
        arguments: [
            (["retry-after": "3"], .seconds(3)), (["x-amz-retry-after": "1500"], .seconds(1.5)),
            (["retry-after": "3", "x-amz-retry-after": "2000"], .seconds(2)),
            (["retry-after": "Fri, 24 May 2013 00:00:04 GMT"], .seconds(4)),
            (["retry-after": "Fri, 24 May 2013 09:00:00 GMT"], .seconds(6)), (["retry-after": "86400"], .seconds(6)),
            (["retry-after": "Thu, 23 May 2013 00:00:00 GMT"], .seconds(0.5)), (["retry-after": "soon"], .seconds(0.5)),
            (["retry-after": "nan"], .seconds(0.5)), (["retry-after": "-5"], .seconds(0.5)), ([:], .seconds(0.5)),
        ] as [(HTTPFields, Duration)]
    )
    func `a service may ask for a wait in seconds or by date, within bounds`(
        headers: HTTPFields,
        expected: Duration
    ) async throws {
        let fixture = try ClientFixture([.error(503, "SlowDown", headers), .status(204)])
        #expect(await Self.delete(fixture) == nil)
        #expect(fixture.world.sleeps == [expected])
    }

    @Test func `all requests share one budget, which successes refill`() async throws {
        let fixture = try ClientFixture(
            FakeTransport { request, _ in request.target == "/b/good" ? .status(204) : .error(503, "SlowDown") }
        )
        // 500 tokens at 5 each are 100 retries, 5 for each request.
        for _ in 0..<20 { _ = await Self.delete(fixture) }
        #expect(fixture.transport.requests.count == 120)
        _ = await Self.delete(fixture)
        #expect(fixture.transport.requests.count == 121)
        for _ in 0..<5 { try await fixture.client.deleteObject(bucket: "b", key: ObjectKey("good")) }
        _ = await Self.delete(fixture)
        #expect(fixture.transport.requests.count == 121 + 5 + 2)
    }

    @Test func `cancelling ends the wait and the request`() async throws {
        let gate = Gate()
        let fixture = try ClientFixture([.silence(gate)])
        let task = Task { await Self.delete(fixture) }
        await gate.wait()
        task.cancel()
        let error = await task.value
        #expect(error?.code == .transport && error?.transport?.code == .cancelled)
        #expect(fixture.transport.requests.count == 1)

        let waiting = try ClientFixture(
            FakeTransport { _, _ in
                withUnsafeCurrentTask { $0?.cancel() }
                return .error(503, "SlowDown")
            }
        )
        let cancelled = Task { await Self.delete(waiting) }
        #expect(await cancelled.value?.transport?.code == .cancelled)
        #expect(waiting.transport.requests.count == 1)
    }

    // MARK: Regions

    private static func redirectBody(_ host: String) -> String {
        "<Error><Code>TemporaryRedirect</Code><Endpoint>\(host)</Endpoint></Error>"
    }

    private static func redirect(_ status: Int, _ code: String, _ region: String) -> FakeTransport.Answer {
        .status(status, [:], "<Error><Code>\(code)</Code><Region>\(region)</Region></Error>")
    }

    @Test(
        arguments: [
            .status(301, ["x-amz-bucket-region": "eu-west-1"]),
            .status(301, ["x-amz-bucket-region": "eu-west-1"], "<Error><Code>PermanentRedirect</Code></Error>"),
            .status(307, ["x-amz-bucket-region": "eu-west-1"]),
            .status(307, [:], redirectBody("b.s3.eu-west-1.amazonaws.com")),
            .status(307, [:], redirectBody("b.s3-eu-west-1.amazonaws.com")),
            .status(301, [:], redirectBody("s3.dualstack.eu-west-1.amazonaws.com")),
            .status(307, [:], redirectBody("b.s3.eu-west-1.amazonaws.eu")),
            redirect(400, "AuthorizationHeaderMalformed", "eu-west-1"),
            redirect(403, "AuthorizationHeaderMalformed", "eu-west-1"),
        ] as [FakeTransport.Answer]
    )
    func `a bucket's region is learned from the answer, once, and remembered`(answer: FakeTransport.Answer) async throws
    {
        let fixture = try ClientFixture([answer, .status(204), .status(204), .status(204)], endpoint: nil)
        #expect(await Self.delete(fixture) == nil)
        #expect(await Self.delete(fixture) == nil)
        try await fixture.client.deleteObject(bucket: "other", key: Self.key)
        let requests = fixture.transport.requests
        #expect(requests.map(\.signedRegion) == ["us-east-1", "eu-west-1", "eu-west-1", "us-east-1"])
        #expect(
            requests.map(\.origin) == [
                "https://b.s3.us-east-1.amazonaws.com", "https://b.s3.eu-west-1.amazonaws.com",
                "https://b.s3.eu-west-1.amazonaws.com", "https://other.s3.us-east-1.amazonaws.com",
            ]
        )
        #expect(requests.allSatisfy { SignatureCheck($0).objection() == nil })
        #expect(fixture.world.sleeps.isEmpty)
    }

    @Test(arguments: [301, 400, 403])
    func `a HEAD learns the region from the header, for it has no body`(status: Int) async throws {
        let fixture = try ClientFixture(
            [.status(status, ["x-amz-bucket-region": "eu-west-1"]), .status(200, ["content-length": "0"])],
            endpoint: nil
        )
        _ = try await fixture.client.headObject(bucket: "b", key: Self.key)
        #expect(fixture.transport.requests.map(\.signedRegion) == ["us-east-1", "eu-west-1"])
    }

    @Test func `a HEAD that is refused without a word has a GET ask for the region, once`() async throws {
        let fixture = try ClientFixture(
            [
                .status(400), Self.redirect(400, "AuthorizationHeaderMalformed", "eu-west-1"), Self.location,
                .status(200, ["content-length": "7"]),
            ],
            endpoint: "http://127.0.0.1:9000"
        )
        let object = try await fixture.client.headObject(bucket: "b", key: ObjectKey("k"))
        #expect(object.size == 7)
        #expect(fixture.transport.requests.map(\.method) == [.head, .get, .get, .head])
        #expect(fixture.transport.requests.map(\.signedRegion) == ["us-east-1", "us-east-1", "eu-west-1", "eu-west-1"])
        let silent = try ClientFixture([.status(400), .status(403), .status(400)], endpoint: "http://127.0.0.1:9000")
        let error = await failure { () throws(S3Error) in
            _ = try await silent.client.headObject(bucket: "b", key: ObjectKey("k"))
        }
        #expect(error?.status == 400)
        #expect(silent.transport.requests.count == 2)
    }

    private static let location = FakeTransport.Answer.status(200, [:], "<LocationConstraint/>")

    /// Each of them may be refused for a reason of its own, a key that it is encrypted by for instance.
    @Test func `many HEADs that are refused without a word ask for the region once`() async throws {
        let located = FakeTransport.Answer.status(200, [:], "<LocationConstraint/>")
        let fixture = try ClientFixture([.status(400), located] + Array(repeating: .status(400), count: 9))
        for _ in 0..<10 {
            let error = await failure { () async throws(S3Error) in
                try await fixture.client.headObject(bucket: "b", key: Self.key)
            }
            #expect(error?.status == 400)
        }
        #expect(fixture.transport.requests.count == 11)
    }

    /// Only the answer to HEAD of the bucket names a region that an account must opt in to.
    @Test(arguments: [400, 403])
    func `a bucket in a region to opt in to is found by a HEAD of it`(status: Int) async throws {
        let fixture = try ClientFixture(
            [
                .error(400, "IllegalLocationConstraintException"),
                .status(status, ["x-amz-bucket-region": "af-south-1"]),
                .status(200, ["x-amz-bucket-region": "af-south-1"]), .status(204), .status(204),
            ],
            endpoint: nil
        )
        #expect(await Self.delete(fixture) == nil)
        #expect(await Self.delete(fixture) == nil)
        #expect(fixture.transport.requests.map(\.method) == [.delete, .head, .head, .delete, .delete])
        #expect(fixture.transport.requests.last?.origin == "https://b.s3.af-south-1.amazonaws.com")
    }

    @Test func `regions that contradict each other end it after one correction`() async throws {
        let fixture = try ClientFixture(
            FakeTransport { _, number in
                Self.redirect(301, "PermanentRedirect", number.isMultiple(of: 2) ? "eu-west-1" : "us-east-1")
            },
            endpoint: nil
        )
        let error = await Self.delete(fixture)
        #expect(error?.code == .other("PermanentRedirect"))
        #expect(fixture.transport.requests.count == 2)
    }

    @Test func `requests that learn the region at the same time all go on`() async throws {
        // All five are signed for the old region before the first is answered.
        let asked = Gate()
        let transport = WaitingTransport(first: 5, gate: asked) { request in
            request.signedRegion == "eu-west-1"
                ? .status(204) : Self.redirect(400, "AuthorizationHeaderMalformed", "eu-west-1")
        }
        let client = S3Client(
            connection: S3Connection(credentials: exampleCredentials),
            transport: transport,
            environment: FakeS3World().environment
        )
        let errors = await withTaskGroup { group in
            for _ in 0..<5 {
                group.addTask {
                    await failure { () async throws(S3Error) in
                        try await client.deleteObject(bucket: "b", key: Self.key)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(errors.count == 5 && errors.allSatisfy { $0 == nil })
    }

    @Test(arguments: ["evil.example/", "eu west", "a.b", "x#", "", "\u{E9}", "r@h", String(repeating: "r", count: 65)])
    func `a region that could lead to another host is not followed`(region: String) async throws {
        let fixture = try ClientFixture(
            [Self.redirect(301, "PermanentRedirect", region), .status(204)],
            endpoint: nil
        )
        #expect(await Self.delete(fixture)?.code == .other("PermanentRedirect"))
        #expect(fixture.transport.requests.count == 1)
    }

    @Test func `a redirect that names no region is an error`() async throws {
        let fixture = try ClientFixture([.status(307, ["location": "https://elsewhere.example/"]), .status(204)])
        #expect(await Self.delete(fixture)?.code == .other("307"))
        #expect(fixture.transport.requests.count == 1)
    }

    // MARK: The clock

    /// Half an hour ahead of the fixture's.
    private static let date = ("date", "Fri, 24 May 2013 00:30:00 GMT")

    @Test(arguments: [(403, "RequestTimeTooSkewed"), (400, "RequestTimeTooSkewed"), (400, "AccessDenied")])
    func `a clock that is off is corrected once and stays corrected`(status: Int, code: String) async throws {
        let skewed = FakeTransport.Answer.error(status, code, HTTPFields(dictionaryLiteral: Self.date))
        let fixture = try ClientFixture([skewed, .status(204), .status(204)])
        #expect(await Self.delete(fixture) == nil)
        #expect(await Self.delete(fixture) == nil)
        #expect(
            fixture.transport.requests.map { $0.header("x-amz-date") }
                == ["20130524T000000Z", "20130524T003000Z", "20130524T003000Z"]
        )
        #expect(fixture.transport.requests.allSatisfy { SignatureCheck($0).objection() == nil })
    }

    @Test func `a HEAD, which cannot say why it was refused, is signed by the service's clock once`() async throws {
        let fixture = try ClientFixture([
            .status(403, HTTPFields(dictionaryLiteral: Self.date)), .status(200, ["content-length": "0"]),
        ])
        _ = try await fixture.client.headObject(bucket: "b", key: Self.key)
        #expect(fixture.transport.requests.count == 2)
    }

    @Test func `a clock that stays wrong ends it after one correction`() async throws {
        let fixture = try ClientFixture(
            FakeTransport { _, _ in
                .error(403, "RequestTimeTooSkewed", HTTPFields(dictionaryLiteral: Self.date))
            }
        )
        #expect(await Self.delete(fixture)?.code == .other("RequestTimeTooSkewed"))
        #expect(fixture.transport.requests.count == 2)
    }

    @Test(arguments: ["Fri, 24 May 2013 00:00:03 GMT", "Thu, 23 May 2013 23:58:00 GMT", "now"])
    func `a refusal by a service whose clock agrees is no matter of clocks`(date: String) async throws {
        let fixture = try ClientFixture([
            .error(403, "AccessDenied", HTTPFields(dictionaryLiteral: ("date", date))), .status(204),
        ])
        #expect(await Self.delete(fixture)?.code == .accessDenied)
        #expect(fixture.transport.requests.count == 1)
    }

    @Test func `region and clock may both be wrong`() async throws {
        let fixture = try ClientFixture(
            [
                .error(403, "RequestTimeTooSkewed", HTTPFields(dictionaryLiteral: Self.date)),
                Self.redirect(400, "AuthorizationHeaderMalformed", "eu-west-1"), .status(204),
            ],
            endpoint: nil
        )
        #expect(await Self.delete(fixture) == nil)
        #expect(fixture.transport.requests.last?.signedRegion == "eu-west-1")
        #expect(fixture.transport.requests.last?.header("x-amz-date") == "20130524T003000Z")
    }
}

/// Answers nobody until a number of requests have come.
private final class WaitingTransport: HTTPTransport {
    private let transport: FakeTransport
    private let first: Int
    private let gate: Gate

    init(first: Int, gate: Gate, rule: @escaping @Sendable (HTTPRequest) -> FakeTransport.Answer) {
        transport = FakeTransport { request, _ in rule(request) }
        (self.first, self.gate) = (first, gate)
    }

    private let came = Atomic(0)

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        if came.add(1, ordering: .relaxed).newValue == first { gate.open() }
        await gate.wait()
        return try await transport.send(request)
    }
}
