import Testing

@testable import S3API

/// The examples that AWS publishes ("Signature Calculations for the Authorization Header", Amazon S3 API Reference),
/// and the names that break signers.
struct SigV4Tests {
    private static let day = "20130524"
    private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private func signer() -> SigV4 {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        let key = SigV4.signingKey(secret: secret, day: Self.day, region: "us-east-1")
        return SigV4(accessKeyID: "AKIAIOSFODNN7EXAMPLE", region: "us-east-1", signingKey: key)
    }

    private func signature(
        _ method: String,
        _ path: String,
        _ query: [(String, String)] = [],
        _ headers: [(String, String)] = [],
        hash: String = emptyHash
    ) -> String {
        let common = [
            ("Host", "examplebucket.s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z"),
            ("x-amz-content-sha256", hash),
        ]
        let request = SigV4.Request(
            method: method,
            path: path,
            query: query.map { (name: $0.0, value: $0.1) },
            headers: (common + headers).map { (name: $0.0, value: $0.1) },
            payloadHash: hash
        )
        let text = signer().authorization(request, time: "20130524T000000Z")
        return String(text.split(separator: "Signature=").last ?? "")
    }

    @Test func `AWS's example of a GET with a range`() {
        #expect(
            signature("GET", "/test.txt", [], [("Range", "bytes=0-9")])
                == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    }

    @Test func `AWS's example of a PUT`() {
        let hash = Digests.hexadecimal(Digests.sha256(Array("Welcome to Amazon S3.".utf8)))
        #expect(hash == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
        let headers = [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")]
        #expect(
            signature("PUT", "/test%24file.text", [], headers, hash: hash)
                == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        )
    }

    @Test func `AWS's example of a query without a value`() {
        #expect(
            signature("GET", "/", [("lifecycle", "")])
                == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        )
    }

    @Test func `AWS's example of a listing, in whatever order the query is given`() {
        let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        #expect(signature("GET", "/", [("max-keys", "2"), ("prefix", "J")]) == expected)
        #expect(signature("GET", "/", [("prefix", "J"), ("max-keys", "2")]) == expected)
    }

    @Test func `the text of the header names what was signed`() {
        let request = SigV4.Request(
            method: "GET",
            path: "/",
            query: [],
            headers: [("Host", "h"), ("x-amz-date", "20130524T000000Z")],
            payloadHash: Self.emptyHash
        )
        let text = signer().authorization(request, time: "20130524T000000Z")
        #expect(
            text.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                    + "SignedHeaders=host;x-amz-date,Signature="
            )
        )
    }

    @Test func `spaces at the ends of a value and runs of them do not count`() {
        let plain = signature("GET", "/", [], [("x-amz-meta-a", "a b c")])
        #expect(signature("GET", "/", [], [("x-amz-meta-a", "  a   b c ")]) == plain)
        #expect(signature("GET", "/", [], [("x-amz-meta-a", "a bc")]) != plain)
    }

    @Test(arguments: [
        ("two words", "two%20words"), ("plus+percent%", "plus%2Bpercent%25"), ("tilde~hash#", "tilde~hash%23"),
        ("it's \"quoted\"", "it%27s%20%22quoted%22"), ("a?b=c&d", "a%3Fb%3Dc%26d"), ("new\nline", "new%0Aline"),
        ("control\u{1}", "control%01"), ("🦄", "%F0%9F%A6%84"), ("é", "%C3%A9"), ("e\u{301}", "e%CC%81"),
        ("a//b/./../c/", "a//b/./../c/"), ("/leading", "/leading"), ("back\\slash", "back%5Cslash"),
        ("star*(!)@:,;=$[]{}|^`", "star%2A%28%21%29%40%3A%2C%3B%3D%24%5B%5D%7B%7D%7C%5E%60"), ("-_.~", "-_.~"),
    ])
    func `every byte of a key is encoded once, and slashes stay`(key: String, encoded: String) {
        #expect(PercentEncoding.encode(key.utf8, keepingSlash: true) == encoded)
    }

    @Test func `bytes that are no text are encoded as they are`() {
        #expect(PercentEncoding.encode([0xFF, 0x00, 0x61], keepingSlash: true) == "%FF%00a")
        #expect(PercentEncoding.encode("a/b".utf8, keepingSlash: false) == "a%2Fb")
    }

    @Test(arguments: [
        ("a%20b", "a b"), ("a+b", "a b"), ("a%2Bb", "a+b"), ("plain", "plain"), ("%e2%82%AC", "€"), ("", ""),
    ])
    func `a listing's names are decoded`(text: String, key: String) {
        #expect(PercentEncoding.decode(Array(text.utf8)) == Array(key.utf8))
    }

    @Test(arguments: ["%", "a%2", "%zz", "100%"])
    func `a broken encoding is no name`(text: String) {
        #expect(PercentEncoding.decode(Array(text.utf8)) == nil)
    }

    @Test func `a path style address holds the bucket, a virtual-hosted one does not`() throws {
        let credentials = S3Credentials(accessKeyID: "a", secretAccessKey: "s")
        let own = S3Connection(credentials: credentials, endpoint: try S3Endpoint("http://h:9000"))
        #expect(own.address(bucket: "b", region: "r").origin == "http://h:9000")
        #expect(own.address(bucket: "b", region: "r").path == "/b")
        let aws = S3Connection(credentials: credentials)
        #expect(aws.address(bucket: "b", region: "eu-west-1").origin == "https://b.s3.eu-west-1.amazonaws.com")
        #expect(aws.address(bucket: "b", region: "eu-west-1").path == "")
        #expect(aws.address(bucket: "with.dot", region: "r").origin == "https://s3.r.amazonaws.com")
        #expect(aws.address(bucket: "with.dot", region: "r").path == "/with.dot")
    }
}
