import TestSupport
import Testing

@testable import S3API

/// AWS's examples: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header", read 2026-11-22.
struct SigV4Tests {
    struct Example: Sendable, CustomTestStringConvertible {
        var name: String
        var request: SigV4.Request
        var signature: String
        var testDescription: String { name }
    }

    private static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    private static let time = "20130524T000000Z"
    private static let host: (name: String, value: String) = ("host", "examplebucket.s3.amazonaws.com")

    static let examples = [
        Example(
            name: "GET Object",
            request: SigV4.Request(
                method: "GET",
                path: "/test.txt",
                query: [],
                headers: [host, ("Range", "bytes=0-9"), ("x-amz-content-sha256", empty), ("x-amz-date", time)],
                payloadHash: empty
            ),
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ),
        Example(
            name: "PUT Object",
            request: SigV4.Request(
                method: "PUT",
                path: "/test%24file.text",
                query: [],
                headers: [
                    ("Date", "Fri, 24 May 2013 00:00:00 GMT"), host, ("x-amz-date", time),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                    ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
                ],
                payloadHash: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
            ),
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        ),
        Example(
            name: "GET Bucket Lifecycle",
            request: SigV4.Request(
                method: "GET",
                path: "/",
                query: [("lifecycle", "")],
                headers: [host, ("x-amz-content-sha256", empty), ("x-amz-date", time)],
                payloadHash: empty
            ),
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        ),
        Example(
            name: "GET Bucket (List Objects)",
            request: SigV4.Request(
                method: "GET",
                path: "/",
                query: [("prefix", "J"), ("max-keys", "2")],
                headers: [host, ("x-amz-content-sha256", empty), ("x-amz-date", time)],
                payloadHash: empty
            ),
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        ),
    ]

    @Test(arguments: examples)
    func `AWS's published examples are signed to the same signature`(example: Example) {
        let signer = SigV4(
            accessKeyID: exampleCredentials.accessKeyID,
            region: "us-east-1",
            signingKey: SigV4.signingKey(
                secret: exampleCredentials.secretAccessKey,
                day: "20130524",
                region: "us-east-1"
            )
        )
        let text = signer.authorization(example.request, time: Self.time)
        #expect(text.hasPrefix("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"))
        #expect(text.hasSuffix("Signature=\(example.signature)"))
    }

    @Test func `header names are lower case and sorted, values trimmed, runs of spaces one`() {
        let request = SigV4.Request(
            method: "PUT",
            path: "/k",
            query: [],
            headers: [
                ("x-amz-meta-b", "  two   words "), ("Host", "h"), ("X-Amz-Meta-A", "one word"), ("x-amz-meta-c", ""),
            ],
            payloadHash: "hash"
        )
        let (text, names) = SigV4.canonicalRequest(request)
        #expect(names == "host;x-amz-meta-a;x-amz-meta-b;x-amz-meta-c")
        let lines = [
            "PUT", "/k", "", "host:h", "x-amz-meta-a:one word", "x-amz-meta-b:two words", "x-amz-meta-c:", "",
            "host;x-amz-meta-a;x-amz-meta-b;x-amz-meta-c", "hash",
        ]
        #expect(text == lines.joined(separator: "\n"))
    }

    @Test func `the query is sorted by name, then value, by bytes; a name without value keeps its sign`() {
        let query = [("b", "2"), ("a", "z"), ("B", "1"), ("a", "%2F"), ("uploads", ""), ("a-b", "0")]
        #expect(SigV4.canonicalQuery(query) == "B=1&a=%2F&a=z&a-b=0&b=2&uploads=")
    }

    // MARK: What a client sends

    @Test(arguments: OddKey.all)
    func `every odd key goes out encoded once, unnormalised, and signed as it is sent`(odd: OddKey) async throws {
        let fixture = try ClientFixture([.status(200, ["content-length": "0"]), .status(204)])
        _ = try await fixture.client.headObject(bucket: "bucket", key: ObjectKey(odd.bytes))
        try await fixture.client.deleteObject(bucket: "bucket", key: ObjectKey(odd.bytes))
        for request in fixture.transport.requests {
            #expect(request.target == "/bucket/\(odd.encoded)")
            #expect(SignatureCheck(request).objection() == nil)
        }
    }

    @Test(arguments: OddKey.all)
    func `a virtual host keeps the odd key's own slashes`(odd: OddKey) async throws {
        let fixture = try ClientFixture([.status(200, ["content-length": "0"])], endpoint: nil)
        _ = try await fixture.client.headObject(bucket: "bucket", key: ObjectKey(odd.bytes))
        let request = try #require(fixture.transport.requests.first)
        #expect(request.origin == "https://bucket.s3.us-east-1.amazonaws.com")
        #expect(request.header("host") == "bucket.s3.us-east-1.amazonaws.com")
        #expect(request.target == "/\(odd.encoded)")
        #expect(SignatureCheck(request).objection() == nil)
    }

    @Test func `in a query a space is %20, a slash is encoded, and the prefix is sent though it is empty`() async throws
    {
        let page = "<ListBucketResult></ListBucketResult>"
        let fixture = try ClientFixture([.status(200, [:], page), .status(200, [:], page)])
        _ = try await fixture.client.listObjects(
            bucket: "bucket",
            ListQuery(
                prefix: ObjectKey("a b+c%/\u{E9}"),
                delimiter: "/",
                startAfter: ObjectKey("~"),
                continuation: "to/k=en+",
                maxKeys: 7
            )
        )
        _ = try await fixture.client.listObjects(bucket: "bucket", ListQuery())
        #expect(
            fixture.transport.requests.map(\.target) == [
                "/bucket?continuation-token=to%2Fk%3Den%2B&delimiter=%2F&encoding-type=url&list-type=2&max-keys=7"
                    + "&prefix=a%20b%2Bc%25%2F%C3%A9&start-after=~",
                "/bucket?encoding-type=url&list-type=2&prefix=",
            ]
        )
        #expect(fixture.transport.requests.allSatisfy { SignatureCheck($0).objection() == nil })
    }

    @Test func `a session token is sent and signed`() async throws {
        var credentials = exampleCredentials
        credentials.sessionToken = "IQoJb3JpZ2luX2VjE=="
        let fixture = try ClientFixture(FakeTransport([.status(204)]), credentials: credentials)
        try await fixture.client.deleteObject(bucket: "bucket", key: ObjectKey("k"))
        let request = try #require(fixture.transport.requests.first)
        #expect(request.header("x-amz-security-token") == "IQoJb3JpZ2luX2VjE==")
        #expect(SignatureCheck(request).objection() == nil)
    }

    @Test func `the day of the scope is the day of x-amz-date, and a request of the next day is signed anew`()
        async throws
    {
        let fixture = try ClientFixture([.status(204), .status(204)])
        fixture.world.advance(seconds: 86_399)
        try await fixture.client.deleteObject(bucket: "bucket", key: ObjectKey("k"))
        fixture.world.advance(seconds: 1)
        try await fixture.client.deleteObject(bucket: "bucket", key: ObjectKey("k"))
        #expect(
            fixture.transport.requests.map { $0.header("x-amz-date") } == ["20130524T235959Z", "20130525T000000Z"]
        )
        #expect(fixture.transport.requests.allSatisfy { SignatureCheck($0).objection() == nil })
    }

    @Test func `without TLS a body is signed with its hash, with TLS it is not hashed twice`() async throws {
        for (endpoint, hash) in [
            ("http://h:1", Digests.hexadecimal(Digests.sha256([1, 2, 3]))), ("https://h:1", "UNSIGNED-PAYLOAD"),
        ] {
            let fixture = try ClientFixture([.status(200, ["etag": "\"e\""])], endpoint: endpoint)
            _ = try await fixture.client.putObject(bucket: "bucket", key: ObjectKey("k"), body: .bytes([1, 2, 3]))
            let request = try #require(fixture.transport.requests.first)
            #expect(request.header("x-amz-content-sha256") == hash)
            #expect(SignatureCheck(request).objection() == nil)
        }
    }
}
