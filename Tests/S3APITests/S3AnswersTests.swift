import TestSupport
import Testing

@testable import S3API

struct S3AnswersTests {
    private static func page(_ rows: String, _ rest: String = "") throws(XMLReader.Refusal) -> ListPage {
        try S3Answers.listPage(Array("<ListBucketResult>\(rest)\(rows)</ListBucketResult>".utf8))
    }

    private static func refusal(_ rows: String, _ rest: String = "") -> XMLReader.Refusal? {
        do {
            _ = try page(rows, rest)
            return nil
        } catch {
            return error
        }
    }

    private static func row(_ key: String) -> String { "<Contents><Key>\(key)</Key><Size>1</Size></Contents>" }

    @Test func `a page as AWS answers it is read`() throws {
        let body = """
            <?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>p/</Prefix>
            <NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
            <KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><EncodingType>url</EncodingType>
            <IsTruncated>true</IsTruncated>
            <Contents><Key>p/a%2Fb+c%2Bd</Key><LastModified>2026-11-22T09:12:04.120Z</LastModified>
            <ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>
            <Size>142863</Size><Owner><ID>i</ID><DisplayName>d</DisplayName></Owner>
            <StorageClass>STANDARD</StorageClass></Contents>
            <Contents><Key>p/e%CC%81</Key><Size>0</Size></Contents>
            <CommonPrefixes><Prefix>p/sub+dir/</Prefix></CommonPrefixes>
            <CommonPrefixes><Prefix>p/%F0%9F%98%80/</Prefix></CommonPrefixes></ListBucketResult>
            """
        let page = try S3Answers.listPage(Array(body.utf8))
        #expect(
            page.objects == [
                S3ListedObject(
                    key: ObjectKey("p/a/b c+d"),
                    size: 142_863,
                    etag: "70ee1738b6b21e2c8a43f3a5ab0eee71",
                    modified: S3Time(seconds: 1_795_338_724, nanoseconds: 120_000_000),
                    storageClass: "STANDARD"
                ),
                S3ListedObject(key: ObjectKey("p/e\u{301}"), size: 0, etag: "", modified: nil, storageClass: nil),
            ]
        )
        #expect(page.objects.last?.key != ObjectKey("p/\u{E9}"))
        #expect(page.commonPrefixes == [ObjectKey("p/sub dir/"), ObjectKey("p/\u{1F600}/")])
        #expect(page.continuation == "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=")
    }

    @Test(arguments: ["&quot;e-1&quot;", "&#34;e-1&#34;", "\"e-1\"", "e-1"])
    func `an ETag is the same in every service's spelling`(spelling: String) throws {
        let page = try Self.page("<Contents><Key>k</Key><Size>1</Size><ETag>\(spelling)</ETag></Contents>")
        #expect(page.objects.map(\.etag) == ["e-1"])
    }

    @Test func `keys are decoded only where the service says that it encoded them, before or after`() throws {
        let row = Self.row("a+b%20c")
        #expect(try Self.page(row).objects.map(\.key) == [ObjectKey("a+b%20c")])
        let echo = "<EncodingType>url</EncodingType>"
        #expect(try Self.page(row, echo).objects.map(\.key) == [ObjectKey("a b c")])
        #expect(try Self.page(row + echo).objects.map(\.key) == [ObjectKey("a b c")])
    }

    @Test func `the prefix that is echoed is not one of the common ones, and unknown elements are no matter`() throws {
        let page = try Self.page(
            "<CommonPrefixes><Prefix>p/x/</Prefix></CommonPrefixes><New><Key>n</Key><Contents>t</Contents></New>",
            "<Prefix>p/</Prefix><StartAfter>s</StartAfter>"
        )
        #expect(page.commonPrefixes == [ObjectKey("p/x/")] && page.objects.isEmpty)
    }

    @Test(arguments: ["<ListBucketResult/>", "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"])
    func `an empty page has nothing, and nothing after it`(body: String) throws {
        #expect(try S3Answers.listPage(Array(body.utf8)) == ListPage())
    }

    @Test(arguments: ["InitiateMultipartUploadResult", "InitiateMultipartUpload"])
    func `an upload begins by whatever name its answer has`(root: String) throws {
        #expect(try S3Answers.uploadID(Array("<\(root)><UploadId>u</UploadId></\(root)>".utf8)) == "u")
    }

    @Test(arguments: ["ListPartsResult", "ListPartsResponse"])
    func `parts are listed by whatever name their answer has`(root: String) throws {
        let rest = "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>"
        let part = "<Part><PartNumber>1</PartNumber><ETag>e</ETag><Size>5</Size></Part>"
        let page = try S3Answers.parts(Array("<\(root)>\(part)\(rest)</\(root)>".utf8))
        #expect(page.items.map(\.number) == [1])
        #expect(!page.next.isEmpty)
    }

    @Test func `a token on the last page is not followed`() throws {
        let rest = "<IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        #expect(try Self.page("", rest).continuation == nil)
    }

    @Test(
        arguments: [
            ("<Contents></Contents>", ""), ("<Contents/>", ""), ("<Contents><Size>1</Size></Contents>", ""),
            ("<Contents><Key></Key><Size>1</Size></Contents>", ""), ("<Contents><Key>k</Key></Contents>", ""),
            ("<Contents><Key>k</Key><Size>-1</Size></Contents>", ""),
            ("<Contents><Key>k</Key><Size>many</Size></Contents>", ""),
            ("<Contents><Key>k</Key><Size>9223372036854775808</Size></Contents>", ""),
            (row("100%"), "<EncodingType>url</EncodingType>"),
            ("<CommonPrefixes><Prefix>%zz</Prefix></CommonPrefixes>", "<EncodingType>url</EncodingType>"),
            (row("k"), "<IsTruncated>true</IsTruncated>"),
            (row("k"), "<IsTruncated>true</IsTruncated><NextContinuationToken/>"),
        ]
    )
    func `a page that leaves something open is refused whole`(rows: String, rest: String) {
        #expect(Self.refusal(Self.row("good") + rows, rest) == .malformed)
    }

    @Test(arguments: ["2026-02-30T00:00:00Z", "yesterday", ""])
    func `a time that cannot be read is no time`(text: String) throws {
        let page = try Self.page(
            "<Contents><Key>k</Key><Size>1</Size><LastModified>\(text)</LastModified></Contents>"
        )
        #expect(page.objects.map(\.modified) == [nil])
    }

    @Test func `an error is no page`() {
        #expect(throws: XMLReader.Refusal.unexpectedRoot) {
            try S3Answers.listPage(Array("<Error><Code>InternalError</Code></Error>".utf8))
        }
    }

    // MARK: Other answers

    @Test func `buckets are read`() throws {
        let body = """
            <ListAllMyBucketsResult><Owner><ID>i</ID></Owner><Buckets><Bucket><Name>one</Name>
            <CreationDate>2026-01-02T03:04:05.000Z</CreationDate></Bucket><Bucket><Name>two</Name></Bucket></Buckets>
            </ListAllMyBucketsResult>
            """
        #expect(
            try S3Answers.buckets(Array(body.utf8)) == [
                S3Bucket(name: "one", created: S3Time(seconds: 1_767_323_045)), S3Bucket(name: "two", created: nil),
            ]
        )
    }

    @Test(
        arguments: [
            ("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>", "us-east-1"),
            ("<LocationConstraint>EU</LocationConstraint>", "eu-west-1"),
            ("<LocationConstraint>ap-southeast-2</LocationConstraint>", "ap-southeast-2"),
            ("<LocationConstraint>default</LocationConstraint>", "us-east-1"),
            ("<R><LocationConstraint>eu-central-1</LocationConstraint></R>", "eu-central-1"),
        ]
    )
    func `a location is read in every service's spelling`(body: String, region: String) throws {
        #expect(try S3Answers.location(Array(body.utf8)) == region)
    }

    @Test func `the results of a batch of deletes are told apart by key`() throws {
        let body = """
            <DeleteResult><Deleted><Key>gone &amp; away</Key><DeleteMarker>true</DeleteMarker></Deleted>
            <Error><Key>kept</Key><Code>AccessDenied</Code><Message>No.</Message></Error>
            <Error><Key>again</Key><VersionId>v</VersionId><Code>InternalError</Code></Error></DeleteResult>
            """
        let results = try S3Answers.deleteResults(Array(body.utf8))
        #expect(results.count == 3)
        #expect(results[Array("gone & away".utf8)] == .some(nil))
        #expect(results[Array("kept".utf8)] == ErrorDocument(code: "AccessDenied", message: "No."))
        #expect(results[Array("again".utf8)] == ErrorDocument(code: "InternalError", message: ""))
    }

    @Test func `an error document is read, however long the request that it quotes`() {
        let quoted = String(repeating: "61 ", count: 20_000)
        let body = """
            <Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><Region>eu-west-1</Region>
            <CanonicalRequestBytes>\(quoted)</CanonicalRequestBytes><RequestId>id</RequestId><HostId>h</HostId></Error>
            """
        let expected = ErrorDocument(code: "SignatureDoesNotMatch", message: "m", region: "eu-west-1", requestID: "id")
        #expect(S3Answers.error(Array(body.utf8)) == expected)
    }

    @Test(arguments: ["", "<html/>", "{}", "<Error><Code>AccessDenied</Code>", "<ListBucketResult/>"])
    func `what is no error document is none`(body: String) {
        #expect(S3Answers.error(Array(body.utf8)) == nil)
    }
}
