import TestSupport
import Testing
import Text

@testable import S3API

struct S3BatchDeleteTests {
    private static func keys(_ names: String...) -> [ObjectKey] { names.map { ObjectKey($0) } }

    private static func deleted(_ keys: String...) -> String {
        keys.map { "<Deleted><Key>\($0)</Key></Deleted>" }.joined()
    }

    private static func failed(_ key: String, _ code: String) -> String {
        "<Error><Key>\(key)</Key><Code>\(code)</Code><Message>words</Message></Error>"
    }

    private static func answer(_ rows: String) -> FakeTransport.Answer {
        .status(200, [:], "<DeleteResult>\(rows)</DeleteResult>")
    }

    private static func body(_ request: HTTPRequest) -> String {
        guard case .bytes(let bytes) = request.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `one request deletes many, with its MD5 and its hash`() async throws {
        let fixture = try ClientFixture([Self.answer(Self.deleted("a", "b/c"))], endpoint: "https://h")
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "b/c"))
        #expect(outcomes.map(\.key) == Self.keys("a", "b/c") && outcomes.allSatisfy { $0.error == nil })
        let request = try #require(fixture.transport.requests.first)
        #expect(request.method == .post && request.target == "/b?delete=")
        #expect(
            Self.body(request) == "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                + "<Object><Key>a</Key></Object><Object><Key>b/c</Key></Object></Delete>"
        )
        let bytes = Array(Self.body(request).utf8)
        let hasher = BodyHasher(withSHA256: false)
        bytes.withUnsafeBytes { hasher.update($0) }
        #expect(request.header("content-md5") == Base64.encode(hasher.finish().md5))
        #expect(request.header("x-amz-content-sha256") == Digests.hexadecimal(Digests.sha256(bytes)))
        #expect(SignatureCheck(request).objection() == nil)
    }

    @Test func `keys are escaped, and those that XML cannot hold are deleted one by one`() async throws {
        let odd = OddKey.all.map { ObjectKey($0.bytes) }
        let transport = FakeTransport { request, _ in
            guard request.method == .post else { return .status(204) }
            // A service that echoes what it read, in another spelling of its own.
            let rows = Self.body(request).replacing("<Object>", with: "<Deleted>").replacing(
                "</Object>",
                with: "</Deleted>"
            )
            .replacing("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", with: "<DeleteResult>")
            .replacing("</Delete>", with: "</DeleteResult>").replacing("&#10;", with: "\n").replacing(
                "&#9;",
                with: "\t"
            )
            return .status(200, [:], rows)
        }
        let fixture = try ClientFixture(transport)
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: odd)
        #expect(outcomes.map(\.key) == odd)
        for outcome in outcomes { #expect(outcome.error == nil, "\(outcome.key)") }
        let single = transport.requests.filter { $0.method == .delete }.map(\.target)
        #expect(
            single == ["/b/tab%09here%0Dreturn", "/b/%01control%7F", "/b/a%00b", "/b/%EF%BF%BE", "/b/b%FF%FE"]
        )
        #expect(Self.body(transport.requests[0]).contains("<Key>!*()[]{}&lt;&gt;|^`</Key>"))
    }

    @Test func `each key has its own end, in the order asked`() async throws {
        let fixture = try ClientFixture([Self.answer(Self.failed("b", "AccessDenied") + Self.deleted("c", "a"))])
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "b", "c"))
        #expect(outcomes.map { $0.error?.code } == [nil, .accessDenied, nil])
        #expect(outcomes[1].error?.key == ObjectKey("b") && outcomes[1].error?.message == "AccessDenied: words")
        #expect(fixture.transport.requests.count == 1)
    }

    @Test func `a key that the answer does not name is not deleted, nor is one that differs by canonical form`()
        async throws
    {
        let fixture = try ClientFixture([Self.answer(Self.deleted("a", "\u{E9}", "other"))])
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "e\u{301}", "c"))
        #expect(outcomes.map { $0.error?.code } == [nil, .malformedAnswer, .malformedAnswer])
    }

    @Test func `keys that the service was too busy for are tried again, and only those`() async throws {
        let fixture = try ClientFixture([
            Self.answer(Self.deleted("a") + Self.failed("b", "InternalError") + Self.failed("c", "SlowDown")),
            Self.answer(Self.deleted("b") + Self.failed("c", "SlowDown")), Self.answer(Self.deleted("c")),
        ])
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "b", "c"))
        #expect(outcomes.allSatisfy { $0.error == nil })
        #expect(
            fixture.transport.requests.map { Self.body($0).components(between: "<Key>", and: "</Key>") }
                == [["a", "b", "c"], ["b", "c"], ["c"]]
        )
        #expect(fixture.world.sleeps.count == 2)
    }

    @Test func `keys that stay busy end with their error, after the last try`() async throws {
        let fixture = try ClientFixture(
            FakeTransport { _, _ in Self.answer(Self.failed("a", "SlowDown") + Self.failed("b", "SlowDown")) }
        )
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "b"))
        #expect(outcomes.map { $0.error?.code } == [.slowDown, .slowDown])
        #expect(fixture.transport.requests.count == 6)
    }

    @Test func `what an earlier answer said holds when a later request fails`() async throws {
        let fixture = try ClientFixture([
            Self.answer(Self.deleted("a") + Self.failed("b", "InternalError")), .error(403, "AccessDenied"),
        ])
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "b"))
        #expect(outcomes.map { $0.error?.code } == [nil, .internalError])
    }

    @Test(
        arguments: [
            (.error(403, "AccessDenied"), .accessDenied), (.error(400, "MalformedXML"), .other("MalformedXML")),
            (.status(200, [:], "<Error><Code>AccessDenied</Code></Error>"), .accessDenied),
            (.status(200, [:], "<DeleteResult><Deleted><Key>a</Key></Deleted>"), .malformedAnswer),
            (.status(200), .malformedAnswer), (.failure(.tls), .transport),
        ] as [(FakeTransport.Answer, S3Error.Code)]
    )
    func `if the request as a whole fails, nothing is known to be deleted`(
        answer: FakeTransport.Answer,
        code: S3Error.Code
    ) async throws {
        let fixture = try ClientFixture([answer])
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "b"))
        }
        #expect(error?.code == code && error?.operation == "DeleteObjects")
    }

    @Test(
        arguments: [.error(501, "NotImplemented"), .error(405, "MethodNotAllowed"), .status(405)]
            as [FakeTransport.Answer]
    )
    func `a service without batches is asked key by key`(refusal: FakeTransport.Answer) async throws {
        let fixture = try ClientFixture([refusal, .status(204), .error(403, "AccessDenied"), .status(404)])
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a", "b", "c"))
        #expect(outcomes.map { $0.error?.code } == [nil, .accessDenied, .noSuchKey])
        #expect(fixture.transport.requests.map(\.method) == [.post, .delete, .delete, .delete])
    }

    @Test func `one key needs no batch, and none no request`() async throws {
        let fixture = try ClientFixture([.status(204)])
        #expect(try await fixture.client.deleteObjects(bucket: "b", keys: []).isEmpty)
        #expect(try await fixture.client.deleteObjects(bucket: "b", keys: Self.keys("a")).map(\.error?.code) == [nil])
        #expect(fixture.transport.requests.map(\.method) == [.delete])
    }

    @Test func `a thousand keys go in one request`() async throws {
        let names = (0..<S3Client.maximumBatch).map { "k\($0)" }
        let rows = names.map { Self.deleted($0) }.joined()
        let fixture = try ClientFixture([Self.answer(rows)])
        let outcomes = try await fixture.client.deleteObjects(bucket: "b", keys: names.map { ObjectKey($0) })
        #expect(outcomes.count == 1_000 && outcomes.allSatisfy { $0.error == nil })
    }
}

extension String {
    /// The texts between two marks, in order.
    fileprivate func components(between start: String, and end: String) -> [String] {
        var found: [String] = []
        var rest = self[...]
        while let from = rest.firstRange(of: start), let to = rest[from.upperBound...].firstRange(of: end) {
            found.append(String(rest[from.upperBound..<to.lowerBound]))
            rest = rest[to.upperBound...]
        }
        return found
    }
}
