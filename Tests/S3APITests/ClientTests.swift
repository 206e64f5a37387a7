import Synchronization
import TestSupport
import Testing

@testable import S3API

/// The client before a service that is a function.
struct ClientTests {
    /// A client whose pauses pass at once, and what they were.
    private func client(
        _ service: @escaping FakeTransport.Service
    ) throws -> (S3Client, FakeTransport, Mutex<[Duration]>.Box) {
        let transport = FakeTransport(service)
        let pauses = Mutex<[Duration]>.Box([])
        let environment = S3Environment(
            now: { S3Time(seconds: 1_369_353_600) },
            sleep: { duration in
                try Task.checkCancellation()
                pauses.value.withLock { $0.append(duration) }
            },
            chance: { 0.5 }
        )
        let credentials = S3Credentials(accessKeyID: "AKIAEXAMPLE", secretAccessKey: "SECRETCANARY")
        let connection = S3Connection(credentials: credentials, endpoint: try S3Endpoint("http://h:1"))
        return (S3Client(connection: connection, transport: transport, environment: environment), transport, pauses)
    }

    private let key = ObjectKey(Array("k y".utf8))

    @Test func `a failing service is asked again, with pauses, and no longer than the bound`() async throws {
        let (client, transport, pauses) = try client { number, _ in
            number < 3
                ? .error(503, "SlowDown", headers: ["retry-after": "2"]) : .answer(200, headers: ["etag": "\"e\""])
        }
        #expect(try await client.headObject(bucket: "b", key: key).etag == "e")
        #expect(transport.requests.count == 3)
        #expect(pauses.value.withLock { $0 } == [.seconds(2), .seconds(2)])
        #expect(client.requestCounts == ["HEAD": 3])

        let (hopeless, all, _) = try self.client { _, _ in .error(500, "InternalError") }
        let error = await #expect(throws: S3Error.self) { try await hopeless.headObject(bucket: "b", key: key) }
        #expect(error?.code == .internalError)
        #expect(all.requests.count == RetryPolicy().maximumAttempts)
    }

    @Test func `what makes no sense to repeat is not repeated`() async throws {
        for (status, name) in [(403, "AccessDenied"), (404, "NoSuchKey"), (403, "SignatureDoesNotMatch")] {
            let (client, transport, _) = try client { _, _ in .error(status, name) }
            await #expect(throws: S3Error.self) { try await client.headObject(bucket: "b", key: key) }
            #expect(transport.requests.count == 1, "\(name)")
        }
    }

    @Test func `a region that the service corrects is used from then on`() async throws {
        let (client, transport, _) = try client { _, request in
            request.header("authorization")?.contains("/eu-west-1/") == true
                ? .answer(200, headers: ["etag": "e"])
                : .error(400, "AuthorizationHeaderMalformed", more: "<Region>eu-west-1</Region>")
        }
        _ = try await client.headObject(bucket: "b", key: key)
        _ = try await client.headObject(bucket: "b", key: key)
        #expect(transport.requests.count == 3)
    }

    @Test func `a service that corrects the region for ever is not followed for ever`() async throws {
        let (client, transport, _) = try client { number, _ in
            .error(301, "PermanentRedirect", more: "<Region>r-\(number)</Region>")
        }
        await #expect(throws: S3Error.self) { try await client.headObject(bucket: "b", key: key) }
        #expect(transport.requests.count == 2)
    }

    @Test func `a clock that is wrong is corrected once by the service's own`() async throws {
        let (client, transport, _) = try client { _, request in
            request.header("x-amz-date") == "20130524T003000Z"
                ? .answer(200)
                : .error(403, "RequestTimeTooSkewed", headers: ["date": "Fri, 24 May 2013 00:30:00 GMT"])
        }
        _ = try await client.headObject(bucket: "b", key: key)
        #expect(transport.requests.count == 2)
        let (stuck, all, _) = try self.client { _, _ in
            .error(403, "RequestTimeTooSkewed", headers: ["date": "Fri, 24 May 2013 00:30:00 GMT"])
        }
        await #expect(throws: S3Error.self) { try await stuck.headObject(bucket: "b", key: key) }
        #expect(all.requests.count == 2)
    }

    @Test func `each try is signed anew, and no secret goes out`() async throws {
        let (client, transport, _) = try client { number, _ in number == 1 ? .nothing(.interrupted) : .answer(200) }
        _ = try await client.headObject(bucket: "b", key: key)
        for request in transport.requests {
            #expect(request.target == "/b/k%20y")
            #expect(request.header("authorization")?.contains("Signature=") == true)
            #expect(!request.headers.contains { $0.value.contains("SECRETCANARY") })
            #expect(request.header("host") == nil, "the transport sets it, from the same origin")
        }
    }

    @Test func `an upload carries its digest, its metadata and its conditions`() async throws {
        let (client, transport, _) = try client { _, _ in
            .answer(200, headers: ["etag": "\"900150983cd24fb0d6963f7d28e17f72\""])
        }
        let options = PutOptions(metadata: ["mtime": "1.5"], contentType: "text/plain", ifNoneMatch: "*")
        let result = try await client.putObject(
            bucket: "b",
            key: key,
            body: .bytes(Array("abc".utf8)),
            options: options
        )
        let request = try #require(transport.requests.first)
        #expect(request.method == .put)
        #expect(request.header("content-md5") == "kAFQmDzST7DWlj99KOF/cg==")
        #expect(request.header("x-amz-meta-mtime") == "1.5")
        #expect(request.header("content-type") == "text/plain")
        #expect(request.header("if-none-match") == "*")
        #expect(request.header("x-amz-content-sha256")?.hasPrefix("ba7816bf") == true, "without TLS the body is signed")
        #expect(result.etag == "900150983cd24fb0d6963f7d28e17f72")
        #expect(Digests.hexadecimal(result.md5) == result.etag)
    }

    @Test func `a download names its version and its range`() async throws {
        let (client, transport, _) = try client { _, _ in
            .answer(206, "cd", headers: ["etag": "\"e\"", "content-range": "bytes 2-3/10", "content-length": "2"])
        }
        let result = try await client.getObject(
            bucket: "b",
            key: key,
            range: 2...3,
            ifMatch: "\"e\"",
            sink: .memory(limit: 10)
        )
        #expect(result.object.size == 10)
        #expect(result.response.body == Array("cd".utf8))
        #expect(transport.requests.first?.header("range") == "bytes=2-3")
        #expect(transport.requests.first?.header("if-match") == "\"e\"")
    }

    @Test func `a listing sends its prefix, and follows its tokens`() async throws {
        let (client, transport, _) = try client { _, _ in
            .answer(
                200,
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t/1=</NextContinuationToken></ListBucketResult>"
            )
        }
        let page = try await client.listObjects(bucket: "b", ListQuery(prefix: ObjectKey(Array("p/".utf8))))
        #expect(page.continuation == "t/1=")
        _ = try await client.listObjects(
            bucket: "b",
            ListQuery(prefix: ObjectKey(Array("p/".utf8)), delimiter: "/", continuation: page.continuation)
        )
        #expect(transport.requests.first?.target == "/b?encoding-type=url&list-type=2&prefix=p%2F")
        #expect(
            transport.requests.last?.target
                == "/b?continuation-token=t%2F1%3D&delimiter=%2F&encoding-type=url&list-type=2&prefix=p%2F"
        )
    }

    @Test func `an error inside a 200 is an error, and so is an answer that is cut`() async throws {
        let (slow, _, _) = try client { _, _ in .error(200, "AccessDenied") }
        let error = await #expect(throws: S3Error.self) { try await slow.listObjects(bucket: "b", ListQuery()) }
        #expect(error?.code == .accessDenied)
        let (cut, _, _) = try client { _, _ in .answer(200, "<ListBucketResult><Contents>") }
        let other = await #expect(throws: S3Error.self) { try await cut.listObjects(bucket: "b", ListQuery()) }
        #expect(other?.code == .malformedAnswer)
    }

    @Test func `a batch of deletes tells each key's end, and what it does not name was not deleted`() async throws {
        let (client, transport, _) = try client { _, _ in
            .answer(
                200,
                "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code></Error></DeleteResult>"
            )
        }
        let keys = ["a", "b", "c"].map { ObjectKey(Array($0.utf8)) }
        let outcomes = try await client.deleteObjects(bucket: "b", keys: keys)
        #expect(outcomes.map { $0.error?.code } == [nil, .accessDenied, .malformedAnswer])
        #expect(transport.requests.count == 1)
        #expect(transport.requests.first?.header("content-md5") != nil)
        #expect(transport.requests.first?.target == "/b?delete=")
    }

    @Test func `keys that XML cannot hold are deleted one by one, and so are all where there are no batches`()
        async throws
    {
        let keys = [[0x61], [0x01], [0xFF]].map { ObjectKey($0) }
        let (client, transport, _) = try client { _, request in
            request.method == .post ? .error(501, "NotImplemented") : .answer(204)
        }
        let outcomes = try await client.deleteObjects(bucket: "b", keys: keys + [ObjectKey([0x62])])
        #expect(outcomes.allSatisfy { $0.error == nil })
        #expect(
            transport.requests.filter { $0.method == .delete }.map(\.target).sorted() == [
                "/b/%01", "/b/%FF", "/b/a", "/b/b",
            ]
        )
    }

    @Test func `a cancelled task ends in the middle of its retries`() async throws {
        let (client, transport, _) = try client { _, _ in .error(500, "InternalError") }
        let key = key
        let task = Task { @Sendable in
            withUnsafeCurrentTask { $0?.cancel() }
            return await Result { try await client.headObject(bucket: "b", key: key) }
        }
        guard case .failure(let error as S3Error) = await task.value else {
            Issue.record("it did not fail")
            return
        }
        #expect(error.transport?.code.isCancelled == true)
        #expect(transport.requests.count <= 1)
    }
}

extension Mutex where Value: Sendable {
    /// A mutex that can be shared.
    fileprivate final class Box: Sendable {
        let value: Mutex<Value>

        init(_ initial: Value) { value = Mutex(initial) }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

extension TransportError.Code {
    fileprivate var isCancelled: Bool {
        if case .cancelled = self { return true }
        return false
    }
}
