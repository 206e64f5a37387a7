import TestSupport
import Testing

@testable import S3API

struct S3ErrorTests {
    private static func code(_ status: Int, _ body: String, key: ObjectKey? = ObjectKey("k")) -> S3Error.Code {
        let response = HTTPResponse(status: status, headers: [:], body: Array(body.utf8))
        return S3Error(response, operation: "GetObject", bucket: "b", key: key).code
    }

    @Test(
        arguments: [
            (404, "NoSuchKey", .noSuchKey), (404, "NoSuchBucket", .noSuchBucket), (404, "NoSuchUpload", .noSuchUpload),
            (403, "AccessDenied", .accessDenied), (400, "AccessDenied", .accessDenied),
            (403, "AllAccessDisabled", .accessDenied), (403, "InvalidAccessKeyId", .credentialsRefused),
            (403, "SignatureDoesNotMatch", .credentialsRefused), (400, "ExpiredToken", .credentialsRefused),
            (400, "InvalidToken", .credentialsRefused), (412, "PreconditionFailed", .preconditionFailed),
            (409, "ConditionalRequestConflict", .conflict), (416, "InvalidRange", .invalidRange),
            (503, "SlowDown", .slowDown), (503, "ServiceUnavailable", .slowDown), (429, "TooManyRequests", .slowDown),
            (400, "RequestLimitExceeded", .slowDown), (400, "BadDigest", .badDigest),
            (400, "InvalidDigest", .badDigest),
            (400, "XAmzContentSHA256Mismatch", .badDigest), (403, "InvalidObjectState", .invalidObjectState),
            (400, "KeyTooLongError", .keyTooLong), (400, "InvalidObjectName", .keyTooLong),
            (400, "EntityTooLarge", .entityTooLarge), (501, "NotImplemented", .notImplemented),
            (500, "InternalError", .internalError), (200, "InternalError", .internalError),
            (200, "SlowDown", .slowDown),
            (403, "RequestTimeTooSkewed", .other("RequestTimeTooSkewed")),
            (400, "RequestTimeout", .other("RequestTimeout")), (409, "OperationAborted", .other("OperationAborted")),
            (405, "MethodNotAllowed", .other("MethodNotAllowed")), (400, "NewAndUnheardOf", .other("NewAndUnheardOf")),
            // A code that only one service knows says less than the status.
            (503, "XMinioServerNotInitialized", .slowDown), (500, "Boom", .internalError),
            (502, "Boom", .internalError),
            (429, "QuotaOfRequests", .slowDown), (412, "NotMet", .preconditionFailed), (501, "Boom", .notImplemented),
            (408, "Slow", .other("RequestTimeout")), (404, "NoSuchTagSet", .other("NoSuchTagSet")),
            (401, "Unauthorized", .credentialsRefused),
        ] as [(Int, String, S3Error.Code)]
    )
    func `the service's own code counts, and an unknown one with its status`(
        status: Int,
        name: String,
        expected: S3Error.Code
    ) {
        #expect(Self.code(status, "<Error><Code>\(name)</Code></Error>") == expected)
    }

    @Test(
        arguments: [
            (400, .other("400")), (401, .credentialsRefused), (403, .accessDenied), (404, .noSuchKey),
            (405, .other("405")), (408, .other("408")), (409, .conflict), (412, .preconditionFailed),
            (416, .invalidRange), (429, .slowDown), (500, .internalError), (501, .notImplemented),
            (502, .internalError), (503, .slowDown), (504, .internalError), (301, .other("301")), (304, .other("304")),
        ] as [(Int, S3Error.Code)]
    )
    func `without a document the status counts`(status: Int, expected: S3Error.Code) {
        for body in [
            "", "<html><body>Bad Gateway</body></html>", "{\"code\": \"NoSuchBucket\"}", "<Error><Code>", "<Error/>",
        ] {
            #expect(Self.code(status, body) == expected, "\(body)")
        }
    }

    @Test func `a 404 without a key means the bucket`() {
        #expect(Self.code(404, "", key: nil) == .noSuchBucket)
    }

    // MARK: What people read

    @Test func `the description has operation, bucket, key, status, the service's words and the request's id`() {
        let body = "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message><RequestId>R-2</RequestId></Error>"
        let response = HTTPResponse(status: 403, headers: ["x-amz-request-id": "R-1"], body: Array(body.utf8))
        let error = S3Error(response, operation: "PutObject", bucket: "photos", key: ObjectKey("a/b.jpg"))
        #expect(
            error.description == "bucket \"photos\" key \"a/b.jpg\" answered 403 to PutObject: AccessDenied:"
                + " Access Denied. (request R-1)"
        )
        let other = HTTPResponse(status: 403, headers: [:], body: Array(body.utf8))
        #expect(S3Error(other, operation: "ListBuckets", bucket: nil, key: nil).requestID == "R-2")
    }

    @Test func `without an answer it says what the network did`() {
        let error = S3Error(
            code: .transport,
            operation: "GetObject",
            bucket: "b",
            message: "no",
            transport: TransportError(code: .unreachable, message: "connection refused")
        )
        #expect(error.description == "bucket \"b\": GetObject got no answer: connection refused")
    }

    @Test func `neither a key nor the service's words can write to a terminal`() {
        let body = "<Error><Code>X</Code><Message>two\nlines\u{9B}31m\u{7F}</Message></Error>"
        let response = HTTPResponse(status: 400, headers: ["x-amz-request-id": "\u{1B}[2J"], body: Array(body.utf8))
        let error = S3Error(response, operation: "GetObject", bucket: "b", key: ObjectKey("\u{1B}[31mred\n\u{E9}"))
        let controls = error.description.unicodeScalars.filter { $0.value < 32 || (127..<160).contains($0.value) }
        #expect(controls.isEmpty)
        #expect(error.description.contains("\\u{1b}[31mred\\n\u{E9}"))
        #expect(error.description.contains("(request \\u{1b}[2J)"))
    }

    @Test func `no error shows a secret, even where the service sends it back`() async throws {
        let credentials = S3Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretAccessKey: "canary-secret",
            sessionToken: "canary-token"
        )
        let transport = FakeTransport { request, _ in
            let echo = request.headers.map { "\($0.name): \($0.value)" }.joined(separator: " ")
            return .status(
                400,
                [:],
                "<Error><Code>InvalidToken</Code><Message>bad</Message><Token-0>\(echo)</Token-0></Error>"
            )
        }
        let fixture = try ClientFixture(transport, credentials: credentials)
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.headObject(bucket: "b", key: ObjectKey("k"))
        }
        var text = ""
        dump(error, to: &text)
        #expect(error?.code == .credentialsRefused)
        #expect(transport.requests.first?.header("x-amz-security-token") == "canary-token")
        for text in [text, "\(error as Any)", error?.description ?? ""] { #expect(!text.contains("canary")) }
    }
}
