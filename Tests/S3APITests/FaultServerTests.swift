import TestSupport
import Testing

@testable import S3API

/// That the service of the other tests refuses what it should: a check that cannot fail proves nothing.
struct FaultServerTests {
    /// 2013-05-24, 00:00 UTC, as requests by hand are signed.
    private static func server(_ quirks: FaultQuirks = FaultQuirks()) throws -> FaultServer {
        try FaultServer(quirks: quirks, clock: { 1_369_353_600 })
    }

    @Test func `a request that is as it should be is taken`() async throws {
        let server = try Self.server()
        let request = RawRequest(headers: [
            ("content-md5", "kAFQmDzST7DWlj99KOF/cg=="), ("x-amz-meta-a", "two  words"),
        ])
        #expect(try await request.send(to: server).status == 200)
        #expect(server.content(of: "k") == Array("abc".utf8))
        #expect(server.withStore { $0.buckets["bucket"]?.objects[[0x6B]]?.metadata } == ["a": "two  words"])
        #expect(server.records.map(\.tookEffect) == [true] && server.records.map(\.status) == [200])
    }

    /// How a request is wrong when it is signed, and what that is answered.
    struct Flaw: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var status: Int
        var code: String
        var spoil: @Sendable (inout RawRequest) -> Void

        init(_ name: String, _ status: Int, _ code: String, _ spoil: @escaping @Sendable (inout RawRequest) -> Void) {
            (testDescription, self.status, self.code, self.spoil) = (name, status, code, spoil)
        }

        static let all = [
            Flaw("a wrong secret", 403, "SignatureDoesNotMatch") { $0.secret = "another" },
            Flaw("an unknown key", 403, "InvalidAccessKeyId") { $0.accessKeyID = "AKIAUNKNOWN" },
            Flaw("another day in the scope", 403, "SignatureDoesNotMatch") { $0.day = "20130523" },
            Flaw("a wrong hash", 400, "XAmzContentSHA256Mismatch") {
                $0.payloadHash = String(repeating: "0", count: 64)
            },
            Flaw("no hash", 400, "InvalidRequest") { $0.payloadHash = "UNSIGNED-PAYLOAD" },
            Flaw("trailers", 400, "InvalidRequest") { $0.payloadHash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER" },
            Flaw("a wrong MD5", 400, "BadDigest") { $0.headers = [("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")] },
            Flaw("an MD5 that is none", 400, "InvalidDigest") { $0.headers = [("content-md5", "AAAA")] },
            Flaw("a clock behind", 403, "RequestTimeTooSkewed") { $0.time = "20130523T234459Z" },
            Flaw("a clock ahead", 403, "RequestTimeTooSkewed") { $0.time = "20130524T001501Z" },
            Flaw("a session token", 400, "InvalidToken") { $0.headers = [("x-amz-security-token", "t")] },
            Flaw("lower-case digits", 403, "SignatureDoesNotMatch") { $0.path = "/bucket/%c3%a9" },
            Flaw("a letter encoded", 403, "SignatureDoesNotMatch") { $0.path = "/bucket/%6B" },
            Flaw("a slash encoded", 403, "SignatureDoesNotMatch") { $0.path = "/bucket/a%2Fb" },
            Flaw("a plus as it is", 403, "SignatureDoesNotMatch") { $0.path = "/bucket/a+b" },
            Flaw("a quote as it is", 403, "SignatureDoesNotMatch") { $0.path = "/bucket/it's" },
        ]
    }

    @Test(arguments: Flaw.all)
    func `what is wrong when it is signed is refused, and does nothing`(flaw: Flaw) async throws {
        let server = try Self.server()
        var request = RawRequest()
        flaw.spoil(&request)
        let answer = try await request.send(to: server)
        #expect(answer.status == flaw.status && answer.code == flaw.code)
        #expect(server.withStore { $0.buckets["bucket"]?.objects.isEmpty } == true)
        #expect(server.records.map(\.tookEffect) == [false])
    }

    @Test(arguments: ["20130523T234500Z", "20130524T001500Z"])
    func `a clock that is a quarter of an hour off is borne`(time: String) async throws {
        #expect(try await RawRequest(time: time).send(to: try Self.server()).status == 200)
    }

    /// What happens to a request after it was signed.
    struct Tampering: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: String
        var tamper: @Sendable (inout HTTPRequest) -> Void

        init(_ name: String, _ code: String, _ tamper: @escaping @Sendable (inout HTTPRequest) -> Void) {
            (testDescription, self.code, self.tamper) = (name, code, tamper)
        }

        static let all = [
            Tampering("another body", "XAmzContentSHA256Mismatch") { $0.body = .bytes(Array("abd".utf8)) },
            Tampering("no body", "XAmzContentSHA256Mismatch") { $0.body = .none },
            Tampering("an unsigned header", "AccessDenied") { $0.headers.append(("X-Amz-Meta-B", "b")) },
            Tampering("a signed header changed", "SignatureDoesNotMatch") { $0.set("x-amz-meta-a", "c") },
            Tampering("a signed header gone", "SignatureDoesNotMatch") { $0.set("x-amz-meta-a", nil) },
            Tampering("another time", "SignatureDoesNotMatch") { $0.set("x-amz-date", "20130524T000001Z") },
            Tampering("no time", "AccessDenied") { $0.set("x-amz-date", nil) },
            Tampering("no hash", "AccessDenied") { $0.set("x-amz-content-sha256", nil) },
            Tampering("no signature", "AccessDenied") { $0.set("authorization", nil) },
            Tampering("half a signature", "AuthorizationHeaderMalformed") {
                $0.set("authorization", "AWS4-HMAC-SHA256 Credential=x")
            },
            Tampering("another host", "SignatureDoesNotMatch") { $0.set("host", "elsewhere.example") },
            Tampering("another method", "SignatureDoesNotMatch") { $0.method = .post },
            Tampering("another key", "SignatureDoesNotMatch") { $0.target = "/bucket/j" },
            Tampering("a parameter more", "SignatureDoesNotMatch") { $0.target = "/bucket/k?uploads=" },
            Tampering("a chunked body", "NotImplemented") { $0.headers.append(("Transfer-Encoding", "chunked")) },
        ]
    }

    @Test(arguments: Tampering.all)
    func `what is changed after it was signed is refused, and does nothing`(tampering: Tampering) async throws {
        let server = try Self.server()
        let request = RawRequest(headers: [("x-amz-meta-a", "b")])
        #expect(try await request.send(to: server, tamper: tampering.tamper).code == tampering.code)
        #expect(server.withStore { $0.buckets["bucket"]?.objects.isEmpty } == true)
    }

    @Test func `a region and a token may be demanded`() async throws {
        var quirks = FaultQuirks()
        quirks.region = "eu-west-1"
        quirks.sessionToken = "t"
        let server = try Self.server(quirks)
        var request = RawRequest(region: "eu-west-1")
        #expect(try await request.send(to: server).code == "InvalidToken")
        request.headers = [("x-amz-security-token", "t")]
        #expect(try await request.send(to: server).status == 200)
        request.region = "us-east-1"
        let answer = try await request.send(to: server)
        #expect(answer.code == "AuthorizationHeaderMalformed" && answer.body.contains("<Region>eu-west-1</Region>"))
    }

    @Test(
        arguments: [
            ("<Delete><Object><Key>a</Key></Object>", "MalformedXML"), ("<Delete></Delete>", "MalformedXML"),
            ("<Remove><Object><Key>a</Key></Object></Remove>", "MalformedXML"), ("", "MalformedXML"),
            ("<Delete><Object><Key>&#1;</Key></Object></Delete>", "MalformedXML"),
            ("<Delete><Object><Key>a&b</Key></Object></Delete>", "MalformedXML"),
        ]
    )
    func `a batch that is no batch, or has no MD5, is refused`(body: String, code: String) async throws {
        let server = try Self.server()
        let bytes = Array(body.utf8)
        var request = RawRequest(method: .post, path: "/bucket", query: [("delete", "")], body: bytes)
        #expect(try await request.send(to: server).code == "InvalidRequest")
        request.headers = [("content-md5", FaultDigests.base64(FaultDigests.md5(bytes)))]
        #expect(try await request.send(to: server).code == code)
    }
}

extension HTTPRequest {
    fileprivate mutating func set(_ name: String, _ value: String?) {
        headers.removeAll { $0.name == name }
        if let value { headers.append((name, value)) }
    }
}
