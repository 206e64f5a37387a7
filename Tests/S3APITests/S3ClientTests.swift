import Glibc
import TestSupport
import Testing

@testable import S3API

/// Operations: what is asked, and what is made of the answer.
struct S3ClientTests {
    private static let key = ObjectKey("dir/k")

    @Test func `a HEAD reads size, ETag, time, metadata and what the ETag is worth`() async throws {
        let fixture = try ClientFixture([
            .status(
                200,
                [
                    "content-length": "42", "etag": "\"abc\"", "last-modified": "Sun, 22 Nov 2026 09:12:04 GMT",
                    "content-type": "text/plain", "x-amz-meta-mtime": "1.5", "x-amz-meta-mode": "644",
                    "x-amz-version-id": "v1", "x-amz-storage-class": "GLACIER", "x-amz-metadata": "no",
                ]
            )
        ])
        let object = try await fixture.client.headObject(bucket: "b", key: Self.key)
        #expect(object.etag == "abc" && object.size == 42 && !object.etagIsOpaque)
        #expect(object.modified == S3Time(seconds: 1_795_338_724))
        #expect(object.metadata == ["mtime": "1.5", "mode": "644"])
        #expect(object.contentType == "text/plain" && object.versionID == "v1" && object.storageClass == "GLACIER")
        #expect(fixture.transport.requests.map(\.method) == [.head])
    }

    @Test(
        arguments: [
            ("x-amz-server-side-encryption", "aws:kms", true), ("x-amz-server-side-encryption", "aws:kms:dsse", true),
            ("x-amz-server-side-encryption", "AES256", false),
            ("x-amz-server-side-encryption-customer-algorithm", "AES256", true),
        ]
    )
    func `an ETag under a foreign key is opaque`(name: String, value: String, isOpaque: Bool) {
        let headers = HTTPFields(dictionaryLiteral: ("etag", "\"e\""), (name, value))
        #expect(S3Object(headers).etagIsOpaque == isOpaque)
    }

    @Test func `a HEAD that does not say the size is malformed, not an empty object`() async throws {
        let fixture = try ClientFixture([.status(200, ["etag": "\"e\""]), .status(200, ["content-length": "-1"])])
        for _ in 0..<2 {
            let error = await failure { () async throws(S3Error) in
                try await fixture.client.headObject(bucket: "b", key: Self.key)
            }
            #expect(error?.code == .malformedAnswer && error?.operation == "HeadObject")
        }
    }

    @Test(
        arguments: [(403, .accessDenied), (404, .noSuchKey), (412, .preconditionFailed), (400, .other("400"))]
            as [(Int, S3Error.Code)]
    )
    func `a HEAD's error has no body, and its status counts`(status: Int, code: S3Error.Code) async throws {
        let fixture = try ClientFixture([.status(status, ["x-amz-request-id": "R"])])
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.headObject(bucket: "b", key: Self.key)
        }
        #expect(error?.code == code && error?.status == status && error?.requestID == "R")
        #expect(error?.bucket == "b" && error?.key == Self.key && error?.operation == "HeadObject")
    }

    @Test func `a PUT sends MD5, metadata and conditions, signed, and gives the MD5 back`() async throws {
        let fixture = try ClientFixture([.status(200, ["etag": "\"900150983cd24fb0d6963f7d28e17f72\""])])
        let result = try await fixture.client.putObject(
            bucket: "b",
            key: Self.key,
            body: .bytes(Array("abc".utf8)),
            options: PutOptions(
                metadata: ["mtime": "1.5"],
                contentType: "text/plain",
                ifMatch: "\"old\"",
                ifNoneMatch: "*"
            )
        )
        #expect(result.etag == "900150983cd24fb0d6963f7d28e17f72")
        #expect(Digests.hexadecimal(result.md5) == "900150983cd24fb0d6963f7d28e17f72")
        let request = try #require(fixture.transport.requests.first)
        #expect(request.method == .put && request.target == "/b/dir/k")
        #expect(request.header("content-md5") == "kAFQmDzST7DWlj99KOF/cg==")
        #expect(request.header("x-amz-meta-mtime") == "1.5" && request.header("content-type") == "text/plain")
        #expect(request.header("if-match") == "\"old\"" && request.header("if-none-match") == "*")
        #expect(SignatureCheck(request).objection() == nil)
    }

    @Test func `a PUT from a descriptor hashes the part that it sends`() async throws {
        let file = try ScratchFile(Array("xxabcyy".utf8))
        let fixture = try ClientFixture([.status(200, ["etag": "\"e\""])])
        let result = try await fixture.client.putObject(
            bucket: "b",
            key: Self.key,
            body: .descriptor(file.descriptor, offset: 2, length: 3)
        )
        #expect(Digests.hexadecimal(result.md5) == "900150983cd24fb0d6963f7d28e17f72")
        let request = try #require(fixture.transport.requests.first)
        #expect(request.header("content-md5") == "kAFQmDzST7DWlj99KOF/cg==")
        #expect(request.header("x-amz-content-sha256") == Digests.hexadecimal(Digests.sha256(Array("abc".utf8))))
    }

    @Test func `a file that is shorter than declared, or cannot be read, is not sent`() async throws {
        let file = try ScratchFile(Array("short".utf8))
        let fixture = try ClientFixture([])
        for (descriptor, expected) in [(file.descriptor, 0), (-1, EBADF)] as [(CInt, CInt)] {
            let error = await failure { () async throws(S3Error) in
                try await fixture.client.putObject(
                    bucket: "b",
                    key: Self.key,
                    body: .descriptor(descriptor, offset: 0, length: 6)
                )
            }
            #expect(error?.transport?.code == .localRead(errno: expected))
        }
        #expect(fixture.transport.requests.isEmpty)
    }

    @Test func `a PUT without an ETag in its answer has not been acknowledged`() async throws {
        let fixture = try ClientFixture([.status(200)])
        let error = await failure { () async throws(S3Error) in
            try await fixture.client.putObject(bucket: "b", key: Self.key, body: .none)
        }
        #expect(error?.code == .malformedAnswer)
    }

    @Test func `a GET asks for range and version, and reads the whole object's size from the range`() async throws {
        let fixture = try ClientFixture([
            .status(206, ["content-range": "bytes 5-9/100", "content-length": "5", "etag": "\"e\""], "abcde")
        ])
        let result = try await fixture.client.getObject(
            bucket: "b",
            key: Self.key,
            range: 5...9,
            ifMatch: "\"e\"",
            sink: .memory(limit: 5)
        )
        #expect(result.object.size == 100 && result.response.body == Array("abcde".utf8))
        let request = try #require(fixture.transport.requests.first)
        #expect(request.header("range") == "bytes=5-9" && request.header("if-match") == "\"e\"")
    }

    @Test func `a GET without Content-Length, as of a chunked body, has the size that came`() async throws {
        let answer = HTTPResponse(
            status: 200,
            headers: ["etag": "\"e\""],
            body: [],
            written: WrittenBody(count: 77, md5: [])
        )
        let fixture = try ClientFixture([.response(answer), .status(200, ["etag": "\"e\""], "abc")])
        for size in [77, 3] as [Int64] {
            let result = try await fixture.client.getObject(bucket: "b", key: Self.key, sink: .memory(limit: 9))
            #expect(result.object.size == size)
        }
    }

    // MARK: Listings

    private static func page(_ keys: [String], next: String?) -> String {
        let rows = keys.map { "<Contents><Key>\($0)</Key><Size>1</Size></Contents>" }.joined()
        let rest = next.map { "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>" }
        return "<ListBucketResult>\(rows)\(rest ?? "")</ListBucketResult>"
    }

    @Test func `pages follow each other by the token, until one has none`() async throws {
        let pages = [
            Self.page(["a", "b"], next: "t/1="), Self.page([], next: "t2"), Self.page(["c"], next: nil),
        ]
        let fixture = try ClientFixture(pages.map { .status(200, [:], $0) })
        var keys: [ObjectKey] = []
        var token: String?
        repeat {
            let page = try await fixture.client.listObjects(bucket: "b", ListQuery(continuation: token))
            keys += page.objects.map(\.key)
            token = page.continuation
        } while token != nil
        #expect(keys == ["a", "b", "c"].map { ObjectKey($0) })
        let targets = fixture.transport.requests.map(\.target)
        #expect(targets.map { $0.contains("continuation-token=") } == [false, true, true])
        #expect(targets[1].contains("continuation-token=t%2F1%3D") && targets[2].contains("continuation-token=t2"))
        #expect(fixture.client.requestCounts == ["LIST": 3])
    }

    @Test func `an error in a 200 is that error, and another document is malformed`() async throws {
        let bodies = ["<Error><Code>AccessDenied</Code></Error>", "<html></html>", Self.page(["a"], next: ""), ""]
        let fixture = try ClientFixture(bodies.map { .status(200, ["x-amz-request-id": "R"], $0) })
        for code in [.accessDenied, .malformedAnswer, .malformedAnswer, .malformedAnswer] as [S3Error.Code] {
            let error = await failure { () async throws(S3Error) in
                try await fixture.client.listObjects(bucket: "b", ListQuery())
            }
            #expect(error?.code == code && error?.requestID == "R" && error?.operation == "ListObjectsV2")
        }
    }

    @Test func `buckets and a bucket's location are asked for at the right place`() async throws {
        let fixture = try ClientFixture([
            .status(200, [:], "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
            .status(200, [:], "<LocationConstraint>eu-west-1</LocationConstraint>"), .status(200, [:], "nothing"),
        ])
        #expect(try await fixture.client.listBuckets().isEmpty)
        #expect(try await fixture.client.bucketLocation("b") == "eu-west-1")
        let error = await failure { () async throws(S3Error) in try await fixture.client.bucketLocation("b") }
        #expect(error?.code == .malformedAnswer)
        #expect(fixture.transport.requests.map(\.target) == ["/", "/b?location=", "/b?location="])
    }

    @Test func `requests are counted by class, each try`() async throws {
        let fixture = try ClientFixture([
            .status(500), .status(204), .status(200, ["content-length": "0"]), .status(200, ["etag": "e"]),
            .status(200),
        ])
        try await fixture.client.deleteObject(bucket: "b", key: Self.key)
        _ = try await fixture.client.headObject(bucket: "b", key: Self.key)
        _ = try await fixture.client.putObject(bucket: "b", key: Self.key, body: .none)
        _ = try await fixture.client.getObject(bucket: "b", key: Self.key, sink: .memory(limit: 1))
        #expect(fixture.client.requestCounts == ["DELETE": 2, "HEAD": 1, "PUT": 1, "GET": 1])
    }
}
