import TestSupport
import Testing

@testable import S3API

/// What services answer: read where it is whole, refused where it is not.
struct AnswerTests {
    private func page(_ inside: String) throws(XMLReader.Refusal) -> ListPage {
        try S3Answers.listPage(Array("<?xml version=\"1.0\"?><ListBucketResult>\(inside)</ListBucketResult>".utf8))
    }

    private func contents(_ key: String, size: String = "1") -> String {
        "<Contents><Key>\(key)</Key><Size>\(size)</Size><ETag>&quot;e1&quot;</ETag>"
            + "<LastModified>2026-11-22T09:12:04.000Z</LastModified></Contents>"
    }

    private static let whole = """
        <?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>
        <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Unknown><Key>no key</Key></Unknown>
        <Contents><Key>a+b%2Fc%2B</Key><Size>12</Size><ETag>&#34;d41d&#34;</ETag><Owner><ID>x</ID></Owner></Contents>
        <Contents><Key>caf%C3%A9</Key><Size>0</Size><ETag>"e"</ETag><StorageClass>GLACIER</StorageClass></Contents>
        <CommonPrefixes><Prefix>sub%20dir/</Prefix></CommonPrefixes>
        <NextContinuationToken>t&amp;1</NextContinuationToken></ListBucketResult>
        """

    @Test func `a page is read, its names decoded, what is unknown left alone`() throws {
        let page = try S3Answers.listPage(Array(Self.whole.utf8))
        #expect(page.objects.map(\.key.bytes) == [Array("a b/c+".utf8), Array("café".utf8)])
        #expect(page.objects.map(\.size) == [12, 0])
        #expect(page.objects.map(\.etag) == ["d41d", "e"])
        #expect(page.objects.last?.storageClass == "GLACIER")
        #expect(page.commonPrefixes.map(\.bytes) == [Array("sub dir/".utf8)])
        #expect(page.continuation == "t&1")
    }

    @Test func `without the echo of the encoding names are taken as they are`() throws {
        let page = try page(contents("a+b%20"))
        #expect(page.objects.map(\.key.bytes) == [Array("a+b%20".utf8)])
        #expect(page.continuation == nil)
    }

    @Test func `a page that ends early is refused, wherever it ends`() {
        let bytes = Array(Self.whole.utf8)
        for end in 0..<(bytes.count - 1) {
            #expect(throws: XMLReader.Refusal.self, "cut after \(end) bytes") {
                try S3Answers.listPage(Array(bytes[..<end]))
            }
        }
    }

    @Test(arguments: [
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>",
        "<Contents><Key>a</Key></Contents>",
        "<Contents><Size>1</Size></Contents>",
        "<Contents><Key>a</Key><Size>-1</Size></Contents>",
        "<Contents><Key>a</Key><Size>many</Size></Contents>",
        "<EncodingType>url</EncodingType><Contents><Key>100%</Key><Size>1</Size></Contents>",
    ])
    func `a page that makes no sense is refused`(inside: String) {
        #expect(throws: XMLReader.Refusal.self) { try page(inside) }
    }

    @Test(arguments: [
        "", "{}", "<html><body>Sign in</body></html>", "<Error><Code>SlowDown</Code></Error>",
        "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><ListBucketResult>&c;</ListBucketResult>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><ListBucketResult></ListBucketResult>",
        "<ListBucketResult></ListBucketResult><ListBucketResult></ListBucketResult>",
    ])
    func `what is no listing is refused`(text: String) {
        #expect(throws: XMLReader.Refusal.self) { try S3Answers.listPage(Array(text.utf8)) }
    }

    @Test func `random damage never crashes and never loses a row in silence`() {
        for seed: UInt64 in 1...300 {
            var generator = SeededGenerator(seed: seed)
            var bytes = Array(Self.whole.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                    in: .min ... .max,
                    using: &generator
                )
            }
            if let page = try? S3Answers.listPage(bytes) {
                #expect(page.objects.allSatisfy { $0.size >= 0 && !$0.key.bytes.isEmpty }, "seed \(seed)")
            }
        }
    }

    @Test func `buckets and locations`() throws {
        let buckets = try S3Answers.buckets(
            Array(
                """
                <ListAllMyBucketsResult><Owner><ID>1</ID></Owner><Buckets><Bucket><Name>one</Name>
                <CreationDate>2026-11-22T09:12:04Z</CreationDate></Bucket><Bucket><Name>two</Name></Bucket></Buckets>
                </ListAllMyBucketsResult>
                """.utf8
            )
        )
        #expect(buckets.map(\.name) == ["one", "two"])
        #expect(buckets.map { $0.created != nil } == [true, false])
        for (text, region) in [("", "us-east-1"), ("EU", "eu-west-1"), ("default", "us-east-1"), ("x-1", "x-1")] {
            let body = "<LocationConstraint>\(text)</LocationConstraint>"
            #expect(try S3Answers.location(Array(body.utf8)) == region)
        }
    }

    @Test func `a batch of deletes tells each key's end`() throws {
        let body = """
            <DeleteResult><Deleted><Key>a&#10;b</Key></Deleted><Error><Key>c</Key><Code>AccessDenied</Code>
            <Message>no</Message></Error></DeleteResult>
            """
        let results = try S3Answers.deleteResults(Array(body.utf8))
        #expect(results.count == 2)
        #expect(results[Array("a\nb".utf8)] == .some(nil))
        #expect(results[Array("c".utf8)]??.code == "AccessDenied")
    }

    @Test func `an error is read whatever stands around it, and nothing else is one`() {
        let body =
            "<Error><Code>PermanentRedirect</Code><Message>m</Message><Region>r</Region><RequestId>i</RequestId></Error>"
        let document = S3Answers.error(Array(body.utf8))
        #expect(document == ErrorDocument(code: "PermanentRedirect", message: "m", region: "r", requestID: "i"))
        for other in ["", "<html/>", "gateway timeout", "<Error><Code>Slow"] {
            #expect(S3Answers.error(Array(other.utf8)) == nil, "\(other)")
        }
    }

    @Test func `fields are found by name, the last of a name counts, and prefixes collect`() {
        let fields: HTTPFields = ["ETag": "one", "etag": "two", "x-amz-meta-mtime": "1.5", "x-amz-meta-mode": ""]
        #expect(fields["etag"] == "two")
        #expect(fields["etagg"] == nil)
        #expect(fields["eta"] == nil)
        #expect(fields.values(withPrefix: "x-amz-meta-") == ["mtime": "1.5", "mode": ""])
    }
}
