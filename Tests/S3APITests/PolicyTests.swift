import Testing

@testable import S3API

/// When to try again, how long to wait, what an error means, and what never to show.
struct PolicyTests {
    private let policy = RetryPolicy()

    @Test func `waits grow, are jittered in full, and end`() {
        for attempt in 1..<policy.maximumAttempts {
            let most = policy.delay(after: attempt, .transient, retryAfter: nil, chance: 0.999_999) ?? -1
            let least = policy.delay(after: attempt, .transient, retryAfter: nil, chance: 0) ?? -1
            #expect(least == 0)
            #expect(most > 0 && most <= policy.maximumDelay)
            #expect(abs(most - min(20, 0.05 * Double(1 << (attempt - 1)))) < 0.001)
        }
        #expect(policy.delay(after: policy.maximumAttempts, .transient, retryAfter: nil, chance: 0) == nil)
        #expect(policy.delay(after: policy.maximumUnreachable, .unreachable, retryAfter: nil, chance: 0) == nil)
        #expect(policy.delay(after: 1, .final, retryAfter: 1, chance: 0) == nil)
    }

    @Test func `what the service asks for is waited, within a bound`() {
        #expect(policy.delay(after: 1, .throttled, retryAfter: 3, chance: 0) == 3)
        #expect(policy.delay(after: 1, .throttled, retryAfter: 86_400, chance: 0) == 6)
        #expect(policy.delay(after: 1, .throttled, retryAfter: -1, chance: 0.5) == 0.5)
    }

    @Test func `an endpoint that cannot be reached is given up within a minute`() {
        let connecting = Double(policy.maximumUnreachable * TransportOptions().connectTimeout)
        let waiting = (1..<policy.maximumUnreachable).reduce(0.0) { sum, attempt in
            sum + (policy.delay(after: attempt, .unreachable, retryAfter: nil, chance: 1) ?? 0)
        }
        #expect(connecting + waiting < 60)
    }

    @Test func `retries have a budget, which successes refill`() {
        var budget = RetryBudget()
        var spent = 0
        while budget.spend(on: .transient) { spent += 1 }
        #expect(spent == 35)
        for _ in 0..<14 { budget.succeed() }
        let (isEnough, isMore) = (budget.spend(on: .transient), budget.spend(on: .transient))
        #expect(isEnough && !isMore)
    }

    @Test(arguments: [
        ("SlowDown", 503, RetryPolicy.Kind.throttled), ("InternalError", 500, .transient), ("Unheard", 502, .transient),
        ("RequestTimeout", 400, .transient), ("AccessDenied", 403, .final), ("NoSuchKey", 404, .final),
        ("PreconditionFailed", 412, .final), ("BadDigest", 400, .final), ("NotImplemented", 501, .final),
        ("SignatureDoesNotMatch", 403, .final), ("ConditionalRequestConflict", 409, .transient),
    ])
    func `an error is worth another try or not`(name: String, status: Int, kind: RetryPolicy.Kind) {
        let error = S3Error(
            code: S3Error.Code(name: name, status: status),
            operation: "GetObject",
            status: status,
            message: name
        )
        #expect(RetryPolicy.kind(of: error) == kind)
    }

    @Test(arguments: [
        (403, S3Error.Code.accessDenied), (404, .noSuchKey), (412, .preconditionFailed), (416, .invalidRange),
        (429, .slowDown), (503, .slowDown), (500, .internalError), (501, .notImplemented), (418, .other("418")),
    ])
    func `a status without a body has a meaning`(status: Int, code: S3Error.Code) {
        #expect(S3Error.Code(status: status, key: ObjectKey([1])) == code)
    }

    @Test func `an error says operation, bucket, key, words and request, and no control character`() {
        let response = HTTPResponse(
            status: 403,
            headers: ["x-amz-request-id": "R1"],
            body: Array("<Error><Code>AccessDenied</Code><Message>no</Message></Error>".utf8)
        )
        let error = S3Error(
            response,
            operation: "PutObject",
            bucket: "b",
            key: ObjectKey(Array("a\u{1B}[2J\nb".utf8))
        )
        let text = "\(error)"
        for part in ["403", "PutObject", "\"b\"", "AccessDenied: no", "R1"] { #expect(text.contains(part), "\(text)") }
        #expect(text.utf8.allSatisfy { $0 >= 32 })
    }

    @Test func `nothing that shows credentials shows their secrets`() {
        let credentials = S3Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretAccessKey: "SECRETSECRET",
            sessionToken: "TOKENTOKEN"
        )
        var dumped = ""
        dump(credentials, to: &dumped)
        dump(S3Connection(credentials: credentials), to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), "\([credentials])", dumped] {
            #expect(!text.contains("SECRET") && !text.contains("TOKEN") && !text.contains("OSFODNN"), "\(text)")
        }
    }

    @Test(arguments: [
        ("HTTPS://S3.Example.net/", "https://s3.example.net"), ("http://h:80", "http://h"),
        ("https://h:443", "https://h"),
        ("http://h:443", "http://h:443"), ("http://[::1]:9000", "http://[::1]:9000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ])
    func `an endpoint has one spelling`(text: String, spelling: String) throws {
        #expect(try S3Endpoint(text).text == spelling)
    }

    @Test(arguments: [
        "", "h", "ftp://h", "http://", "http://u:p@h", "http://h/path", "http://h?q", "http://h h", "http://h:0",
        "http://h:65536", "http://h:port", "http://h\n",
    ])
    func `what is no endpoint is refused`(text: String) {
        #expect(throws: S3Endpoint.Invalid.self) { try S3Endpoint(text) }
    }

    @Test func `times are read and written`() throws {
        let time = S3Time(seconds: 1_369_353_600)
        #expect(time.signingText == "20130524T000000Z")
        #expect(S3Time(http: "Fri, 24 May 2013 00:00:00 GMT") == time)
        #expect(S3Time(iso8601: Array("2013-05-24T00:00:00.000Z".utf8))?.seconds == time.seconds)
        #expect(S3Time(iso8601: Array("2024-02-29T23:59:59Z".utf8))?.seconds == 1_709_251_199)
        for text in ["", "yesterday", "Fri, 24 Foo 2013 00:00:00 GMT", "2013-05-24"] {
            #expect(S3Time(http: text) == nil)
            #expect(S3Time(iso8601: Array(text.utf8)) == nil)
        }
    }

    @Test func `digests are the published ones`() {
        let hasher = BodyHasher(withSHA256: true)
        Array("ab".utf8).withUnsafeBytes { hasher.update($0) }
        Array("c".utf8).withUnsafeBytes { hasher.update($0) }
        let digests = hasher.finish()
        #expect(Digests.hexadecimal(digests.md5) == "900150983cd24fb0d6963f7d28e17f72")
        #expect(
            digests.sha256.map(Digests.hexadecimal)
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(Digests.base64(digests.md5) == "kAFQmDzST7DWlj99KOF/cg==")
        #expect(Digests.base64([]) == "" && Digests.base64([1]) == "AQ==" && Digests.base64([1, 2, 3]) == "AQID")
    }
}
