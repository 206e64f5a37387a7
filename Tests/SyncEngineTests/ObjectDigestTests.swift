import S3API
import SyncEngine
import TestSupport
import Testing

/// Reading an object for its digest alone, through the S3 client.
struct ObjectDigestTests {
    private static let content = Array("0123456789".utf8)
    private static let expected = RemoteState(etag: ETag("e"), size: 10)

    private static func answer(
        _ status: Int = 200,
        _ body: [UInt8] = content,
        etag: String = "\"e\"",
        range: String? = nil
    ) -> FakeTransport.Answer {
        var headers: HTTPFields = ["etag": etag, "content-length": String(body.count)]
        if let range { headers = ["etag": etag, "content-length": String(body.count), "content-range": range] }
        let md5 = FakeObjectStore.digest(body).bytes
        let written = WrittenBody(count: Int64(body.count), md5: md5)
        return .response(HTTPResponse(status: status, headers: headers, body: [], written: written))
    }

    private static func store(_ answer: FakeTransport.Answer) throws -> (S3ObjectStore, FakeTransport) {
        let transport = FakeTransport([answer])
        let client = S3Client(
            connection: S3Connection(
                credentials: S3Credentials(accessKeyID: "AKIAEXAMPLE", secretAccessKey: "secret"),
                region: "us-east-1",
                endpoint: try S3Endpoint("http://127.0.0.1:9000")
            ),
            transport: transport,
            environment: FakeS3World().environment
        )
        return (S3ObjectStore(client: client, bucket: "b", prefix: Array("p/".utf8)), transport)
    }

    private static func digest(
        _ answer: FakeTransport.Answer,
        _ range: Range<Int64>? = nil
    ) async throws
        -> ContentDigest
    {
        try await store(answer).0.digest(of: Array("k".utf8), range: range, expecting: expected)
    }

    private static func error(_ answer: FakeTransport.Answer, _ range: Range<Int64>? = nil) async -> StoreError.Code? {
        do {
            _ = try await digest(answer, range)
            return nil
        } catch {
            return (error as? StoreError)?.code
        }
    }

    @Test func `a whole object is asked for on its condition, and nothing of it is kept`() async throws {
        let (store, transport) = try Self.store(Self.answer())
        let digest = try await store.digest(of: Array("k".utf8), range: nil, expecting: Self.expected)
        #expect(digest == FakeObjectStore.digest(Self.content))
        let request = try #require(transport.requests.first)
        #expect(request.target == "/b/p/k")
        let headers = Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first }
        #expect(headers["if-match"] == "\"e\"" && headers["range"] == nil)
        guard case .discard(limit: 10) = request.sink else {
            Issue.record("the body goes to \(request.sink)")
            return
        }
    }

    @Test(arguments: [206, 200])
    func `a range is the digest of just those bytes, whatever the status`(status: Int) async throws {
        let (store, transport) = try Self.store(Self.answer(status, Array("345".utf8), range: "bytes 3-5/10"))
        let digest = try await store.digest(of: Array("k".utf8), range: 3..<6, expecting: Self.expected)
        #expect(digest == FakeObjectStore.digest(Array("345".utf8)))
        let request = try #require(transport.requests.first)
        #expect(request.headers.contains { $0.name == "range" && $0.value == "bytes=3-5" })
        guard case .discard(limit: 3) = request.sink else {
            Issue.record("the body goes to \(request.sink)")
            return
        }
    }

    @Test(arguments: [
        "bytes 3-6/10", "bytes 0-2/10", "bytes 3-/10", "bytes -5/10", "3-5/10", "bytes 5-3/10", "bytes */10",
    ])
    func `another range than was asked for is no answer`(range: String) async {
        #expect(await Self.error(Self.answer(206, Array("345".utf8), range: range), 3..<6) == .rangeIgnored)
    }

    @Test func `a body of another length than its range is no answer`() async {
        #expect(await Self.error(Self.answer(206, Array("34".utf8), range: "bytes 3-5/10"), 3..<6) == .rangeIgnored)
    }

    @Test func `a range of a whole object may come without saying so`() async throws {
        #expect(try await Self.digest(Self.answer(), 0..<10) == FakeObjectStore.digest(Self.content))
        #expect(await Self.error(Self.answer(), 0..<9) == .rangeIgnored)
    }

    @Test func `another version is no answer, whether or not the service looked at the condition`() async {
        #expect(await Self.error(Self.answer(etag: "\"other\"")) == .preconditionFailed)
        #expect(
            await Self.error(Self.answer(206, Array("345".utf8), range: "bytes 3-5/11"), 3..<6) == .preconditionFailed
        )
        #expect(await Self.error(.error(412, "PreconditionFailed")) == .preconditionFailed)
        #expect(await Self.error(.error(404, "NoSuchKey")) == .notFound)
    }
}
