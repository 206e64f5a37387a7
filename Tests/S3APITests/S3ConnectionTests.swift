import TestSupport
import Testing

@testable import S3API

struct S3ConnectionTests {
    @Test(
        arguments: [
            ("https://s3.example.com", "https://s3.example.com"), ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://S3.Example.COM/", "https://s3.example.com"), ("HTTPS://h", "https://h"),
            ("https://h:443", "https://h"), ("http://h:80", "http://h"), ("http://h:443", "http://h:443"),
            ("https://h:80", "https://h:80"), ("https://h:0443", "https://h"), ("http://h:09000", "http://h:9000"),
            ("http://[::1]", "http://[::1]"), ("http://[::1]:80/", "http://[::1]"),
            ("http://[FE80::1]:9000", "http://[fe80::1]:9000"),
            ("http://minio_1:9000", "http://minio_1:9000"),
        ]
    )
    func `an endpoint has one spelling`(text: String, expected: String) throws {
        #expect(try S3Endpoint(text).text == expected)
    }

    @Test(
        arguments: [
            ("", "begins with https://"), ("s3.example.com", "begins with https://"),
            ("ftp://h", "begins with https://"),
            ("https://", "host name or address"), ("https:///", "host name or address"),
            ("https://user:pw@h", "no user or password"), ("https://h/path", "no path or query"),
            ("https://h?x", "no path or query"), ("https://h#x", "no path or query"),
            ("https://h//", "no path or query"),
            ("https://h:", "port is 1 to 65535"), ("https://h:0", "port is 1 to 65535"),
            ("https://h:65536", "port is 1 to 65535"), ("https://h:s3", "port is 1 to 65535"),
            ("https://h:99999999999999999999", "port is 1 to 65535"), ("https://h:+1", "port is 1 to 65535"),
            ("https://:9000", "host name or address"), ("https://a b", "host name or address"),
            ("https://a:b:1", "host name or address"), ("https://::1", "host name or address"),
            ("https://[::1", "host name or address"), ("https://[]:1", "host name or address"),
            ("https://[::1]x", "host name or address"), ("https://[h]", "host name or address"),
            ("https://h\u{E9}", "host name or address"), ("https://h\n", "host name or address"),
            ("https://h%2F", "host name or address"), ("https://h\\x", "host name or address"),
        ]
    )
    func `what is no endpoint is refused, and the sentence says why`(text: String, reason: String) {
        let error = #expect(throws: S3Endpoint.Invalid.self) { try S3Endpoint(text) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "accepted")")
        #expect(error?.message.contains("pw") != true)
    }

    private static func connection(_ endpoint: String?) throws -> S3Connection {
        try S3Connection(credentials: exampleCredentials, endpoint: endpoint.map { try S3Endpoint($0) })
    }

    @Test(
        arguments: [
            (nil, "bucket", "https://bucket.s3.eu-west-1.amazonaws.com", ""),
            (nil, "my.bucket", "https://s3.eu-west-1.amazonaws.com", "/my.bucket"),
            (nil, "Upper", "https://s3.eu-west-1.amazonaws.com", "/Upper"),
            (nil, "under_score", "https://s3.eu-west-1.amazonaws.com", "/under_score"),
            (nil, "a/b", "https://s3.eu-west-1.amazonaws.com", "/a%2Fb"),
            (nil, "evil.example/#", "https://s3.eu-west-1.amazonaws.com", "/evil.example%2F%23"),
            (nil, nil, "https://s3.eu-west-1.amazonaws.com", "/"),
            ("http://h:9000", "bucket", "http://h:9000", "/bucket"),
            ("https://h", "my.bucket", "https://h", "/my.bucket"), ("https://h", nil, "https://h", "/"),
        ] as [(String?, String?, String, String)]
    )
    func `AWS is addressed by virtual host where a certificate allows it, an endpoint by path`(
        endpoint: String?,
        bucket: String?,
        origin: String,
        path: String
    ) throws {
        let address = try Self.connection(endpoint).address(bucket: bucket, region: "eu-west-1")
        #expect(address.origin == origin)
        #expect(address.path == path)
        #expect(address.isSecure == origin.hasPrefix("https"))
        #expect(address.origin.hasSuffix("://\(address.authority)"))
    }

    @Test(
        arguments: [
            (nil, .path, false, "eu-west-1", "bucket", "https://s3.eu-west-1.amazonaws.com", "/bucket"),
            (nil, nil, true, "eu-west-1", "bucket", "https://bucket.s3.dualstack.eu-west-1.amazonaws.com", ""),
            (nil, nil, true, "eu-west-1", "my.bucket", "https://s3.dualstack.eu-west-1.amazonaws.com", "/my.bucket"),
            (nil, nil, false, "cn-north-1", "bucket", "https://bucket.s3.cn-north-1.amazonaws.com.cn", ""),
            (nil, nil, false, "eusc-de-east-1", "bucket", "https://bucket.s3.eusc-de-east-1.amazonaws.eu", ""),
            (nil, nil, false, "auto", "bucket", "https://bucket.s3.us-east-1.amazonaws.com", ""),
            ("https://nyc3.example.com", .virtual, false, "r", "bucket", "https://bucket.nyc3.example.com", ""),
            ("https://h:8443", .virtual, false, "r", "bucket", "https://bucket.h:8443", ""),
            ("https://h:8443", .virtual, false, "r", "my.bucket", "https://h:8443", "/my.bucket"),
            ("https://h:8443", .virtual, false, "r", nil, "https://h:8443", "/"),
        ] as [(String?, S3Addressing?, Bool, String, String?, String, String)]
    )
    func `addressing can be chosen, and AWS's hosts depend on the region`(
        endpoint: String?,
        addressing: S3Addressing?,
        isDualStack: Bool,
        region: String,
        bucket: String?,
        origin: String,
        path: String
    ) throws {
        var connection = try Self.connection(endpoint)
        connection.addressing = addressing
        connection.isDualStack = isDualStack
        let address = connection.address(bucket: bucket, region: region)
        #expect(address.origin == origin)
        #expect(address.path == path)
        #expect(address.origin.hasSuffix("://\(address.authority)"))
    }

    @Test func `a region that nobody knows is AWS's first one, and another service's own word`() throws {
        #expect(try Self.connection(nil).signingRegion("auto") == "us-east-1")
        #expect(try Self.connection(nil).signingRegion("eu-west-1") == "eu-west-1")
        #expect(try Self.connection("https://h").signingRegion("auto") == "auto")
    }

    // MARK: Secrets

    @Test func `nothing that describes credentials, or what holds them, shows a secret`() throws {
        let credentials = S3Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretAccessKey: "canary-secret",
            sessionToken: "canary-token"
        )
        let connection = S3Connection(credentials: credentials)
        var texts = [
            "\(credentials)", String(reflecting: credentials), "\(connection)", String(reflecting: connection),
        ]
        texts.append("\(Optional(credentials) as Any)")
        texts.append("\([credentials])")
        let client = S3Client(
            connection: connection,
            transport: FakeTransport([]),
            environment: FakeS3World().environment
        )
        for subject: Any in [credentials, connection, [connection], client] {
            var text = ""
            dump(subject, to: &text)
            texts.append(text)
            texts.append("\(Mirror(reflecting: subject).children.map { "\($0)" })")
        }
        for text in texts {
            #expect(!text.contains("canary"), "\(text)")
            #expect(!text.contains("OSFODNN7"), "\(text)")
        }
        #expect("\(credentials)" == "key AKIA\u{2026}MPLE")
        #expect("\(S3Credentials(accessKeyID: "short", secretAccessKey: "canary"))" == "key \u{2026}")
    }
}
