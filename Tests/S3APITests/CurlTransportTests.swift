import Glibc
import Synchronization
import TestSupport
import Testing

@testable import S3API

/// What goes over the wire, and what comes of good answers.
struct CurlTransportTests {
    static func request(
        _ method: HTTPRequest.Method,
        _ server: LoopbackServer,
        _ target: String = "/b/k",
        headers: [(name: String, value: String)] = [],
        body: RequestBody = .none,
        sink: ResponseSink = .memory(limit: 1 << 20)
    ) -> HTTPRequest {
        HTTPRequest(
            method: method,
            origin: server.origin,
            target: target,
            headers: headers,
            body: body,
            sink: sink
        )
    }

    /// Answers every request on every connection alike.
    static func server(
        _ status: Int = 200,
        headers: [String] = [],
        body: [UInt8] = []
    ) throws -> LoopbackServer {
        try LoopbackServer { connection in
            while let request = connection.readRequest() {
                if request.line.hasPrefix("HEAD ") {
                    let lines = headers.map { "\($0)\r\n" }.joined()
                    connection.send("HTTP/1.1 \(status) W\r\nContent-Length: \(body.count)\r\n\(lines)\r\n")
                } else {
                    connection.answer(status, headers: headers, body: body)
                }
            }
        }
    }

    static func md5(_ bytes: [UInt8]) -> [UInt8] {
        let hasher = BodyHasher(withSHA256: false)
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finish().md5
    }

    /// `count` bytes that do not repeat themselves.
    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return [UInt8](unsafeUninitializedCapacity: count + 8) { buffer, length in
            for start in stride(from: 0, to: count, by: 8) {
                UnsafeMutableRawBufferPointer(buffer).storeBytes(
                    of: random.next(),
                    toByteOffset: start,
                    as: UInt64.self
                )
            }
            length = count
        }
    }

    // MARK: Sending

    @Test func `a request goes out as it was given, with its length, and nothing is added that is not signed`()
        async throws
    {
        let server = try Self.server()
        let headers = [
            ("host", "signed.example:1"), ("x-amz-meta-a", ""), ("x-amz-meta-b", "two  words"), ("content-type", ""),
        ]
        let body = Self.noise(70_000, seed: 1)
        _ = try await CurlTransport().send(
            Self.request(.put, server, "/b/a%2520b?x=%2F", headers: headers, body: .bytes(body))
        )
        let request = try #require(server.requests.first)
        #expect(request.line == "PUT /b/a%2520b?x=%2F HTTP/1.1")
        let isWhole = request.body == body
        #expect(isWhole)
        #expect(request.values(of: "host") == ["signed.example:1"])
        #expect(request.values(of: "content-length") == ["70000"])
        #expect(request.values(of: "x-amz-meta-a") == [""] && request.values(of: "x-amz-meta-b") == ["two  words"])
        let expected: Set = [
            "host", "user-agent", "accept", "x-amz-meta-a", "x-amz-meta-b", "content-type", "content-length",
        ]
        #expect(Set(request.headers.map { $0.name.lowercased() }) == expected)
    }

    @Test(arguments: [0, 1, 4_000, 5 << 20])
    func `a part of a file goes out whole, whatever stands around it`(length: Int) async throws {
        let content = Self.noise(length, seed: 2)
        let file = try ScratchFile([1, 2, 3] + content + [4, 5])
        let server = try Self.server(headers: ["ETag: \"e\""])
        let response = try await CurlTransport().send(
            Self.request(.put, server, body: .descriptor(file.descriptor, offset: 3, length: Int64(length)))
        )
        #expect(response.status == 200 && response.headers["etag"] == "\"e\"")
        let request = try #require(server.requests.first)
        let isWhole = request.body == content
        #expect(isWhole)
        #expect(
            request.values(of: "content-length") == ["\(length)"] && request.values(of: "transfer-encoding").isEmpty
        )
    }

    @Test(
        arguments: [
            (.get, "GET"), (.head, "HEAD"), (.put, "PUT"), (.post, "POST"), (.delete, "DELETE"),
        ] as [(HTTPRequest.Method, String)]
    )
    func `one connection serves every method after every other`(method: HTTPRequest.Method, name: String) async throws {
        let server = try Self.server(body: [1, 2, 3])
        let transport = CurlTransport()
        for other in [.get, .put, .head, .delete, .post] as [HTTPRequest.Method] {
            let body: RequestBody = other == .put || other == .post ? .bytes([7, 8]) : .none
            _ = try await transport.send(Self.request(other, server, body: body))
            let response = try await transport.send(Self.request(method, server))
            #expect(response.body == (method == .head ? [] : [1, 2, 3]))
        }
        let mine = server.requests.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
        #expect(mine.count == 5 && mine.allSatisfy { $0.line == "\(name) /b/k HTTP/1.1" && $0.body.isEmpty })
        let length = method == .put || method == .post ? ["0"] : []
        #expect(mine.allSatisfy { $0.values(of: "content-length") == length })
        #expect(server.connectionCount == 1)
    }

    @Test func `every odd key arrives as it was signed, and the signature holds there`() async throws {
        let server = try Self.server(204)
        let client = S3Client(
            connection: S3Connection(credentials: exampleCredentials, endpoint: try S3Endpoint(server.origin)),
            transport: CurlTransport(),
            environment: FakeS3World().environment
        )
        for odd in OddKey.all {
            try await client.deleteObject(bucket: "b", key: ObjectKey(odd.bytes))
        }
        #expect(server.requests.count == OddKey.all.count)
        for (request, odd) in zip(server.requests, OddKey.all) {
            #expect(request.line == "DELETE /b/\(odd.encoded) HTTP/1.1")
            #expect(SignatureCheck(request).objection() == nil)
        }
    }

    @Test(arguments: ["127.1", "0x7f.0.0.1", "LOCALHOST"])
    func `however a host is spelled, what is signed is what is sent`(host: String) async throws {
        let server = try Self.server(headers: ["ETag: \"e\""])
        let endpoint = try S3Endpoint("http://\(host):\(server.port)")
        let client = S3Client(
            connection: S3Connection(credentials: exampleCredentials, endpoint: endpoint),
            transport: CurlTransport(),
            environment: FakeS3World().environment
        )
        _ = try await client.putObject(bucket: "b", key: ObjectKey("k"), body: .bytes([1, 2, 3]))
        let request = try #require(server.requests.first)
        #expect(request.values(of: "host") == [endpoint.authority])
        #expect(SignatureCheck(request).objection() == nil)
    }

    @Test func `a large body waits for consent, and a refusal costs no transfer`() async throws {
        let body = Self.noise(5 << 20, seed: 3)
        let willing = try Self.server()
        _ = try await CurlTransport().send(Self.request(.put, willing, body: .bytes(body)))
        #expect(willing.requests.first?.values(of: "expect") == ["100-continue"])
        let isWhole = willing.requests.first?.body == body
        #expect(isWhole)

        let sent = Mutex<Int?>(nil)
        let over = Gate()
        let refusing = try LoopbackServer { connection in
            _ = connection.readHead()
            connection.answer(
                403,
                headers: ["Connection: close"],
                body: Array("<Error><Code>AccessDenied</Code></Error>".utf8)
            )
            let count = connection.read(1).count
            sent.withLock { $0 = count }
            over.open()
        }
        let response = try await CurlTransport().send(Self.request(.put, refusing, body: .bytes(body)))
        #expect(response.status == 403 && S3Answers.error(response.body)?.code == "AccessDenied")
        await over.wait()
        #expect(sent.withLock { $0 } == 0)
    }

    @Test func `a service that never consents gets the body all the same`() async throws {
        let body = Self.noise(4 << 20, seed: 4)
        let server = try LoopbackServer { connection in
            guard connection.readHead() != nil, connection.read(4 << 20) == body else { return }
            connection.answer(200)
        }
        #expect(try await CurlTransport().send(Self.request(.put, server, body: .bytes(body))).status == 200)
    }

    // MARK: Receiving

    @Test func `a body comes to memory, its headers in lower case, the last of a name`() async throws {
        let server = try Self.server(
            headers: ["ETag:  \"e\" \t", "X-Twice: 1", "x-twice: 2", "Empty:", "X-Amz-Meta-M: v:w"],
            body: [1, 2, 3]
        )
        let response = try await CurlTransport().send(Self.request(.get, server))
        #expect(response.body == [1, 2, 3] && response.written == nil)
        #expect(response.headers["etag"] == "\"e\"" && response.headers["x-twice"] == "2")
        #expect(response.headers["empty"] == "" && response.headers["absent"] == nil)
        #expect(response.headers.values(withPrefix: "x-amz-meta-") == ["m": "v:w"])
    }

    @Test(arguments: [0, 1, 100_000, 3 << 20])
    func `a body goes to its place in a file, and its MD5 is that of what was written`(length: Int) async throws {
        let body = Self.noise(length, seed: 5)
        let server = try Self.server(body: body)
        let file = try ScratchFile([9, 9, 9, 9, 9])
        let response = try await CurlTransport().send(
            Self.request(.get, server, sink: .descriptor(file.descriptor, offset: 5, limit: Int64(length)))
        )
        #expect(response.written?.count == Int64(length) && response.written?.md5 == Self.md5(body))
        #expect(response.body.isEmpty)
        // Compared outside of the macro, which would print megabytes.
        let isWhole = file.content == [9, 9, 9, 9, 9] + body
        #expect(isWhole)
    }

    @Test(arguments: [0, 1, 100_000, 3 << 20])
    func `a body that is dropped leaves its length and its MD5`(length: Int) async throws {
        let body = Self.noise(length, seed: 6)
        let server = try Self.server(body: body)
        let response = try await CurlTransport().send(
            Self.request(.get, server, sink: .discard(limit: Int64(length)))
        )
        #expect(response.written?.count == Int64(length) && response.written?.md5 == Self.md5(body))
        #expect(response.body.isEmpty)
    }

    @Test func `an error's body goes to memory, and the file stays as it was`() async throws {
        let server = try Self.server(404, body: Array("<Error><Code>NoSuchKey</Code></Error>".utf8))
        let file = try ScratchFile([1, 2, 3])
        let response = try await CurlTransport().send(
            Self.request(.get, server, sink: .descriptor(file.descriptor, offset: 0, limit: 100))
        )
        #expect(response.status == 404 && S3Answers.error(response.body)?.code == "NoSuchKey")
        #expect(response.written == nil && file.content == [1, 2, 3])
    }

    @Test func `a chunked body comes whole, and its trailers are no matter`() async throws {
        let server = try LoopbackServer { connection in
            connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"e\"\r\n\r\n")
            connection.send("3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\nX-Trailer: t\r\n\r\n")
            connection.waitForClose()
        }
        let response = try await CurlTransport().send(Self.request(.get, server))
        #expect(response.body == Array("abc0123456789abcdef".utf8) && response.headers["etag"] == "\"e\"")
    }

    @Test func `what is stored compressed stays so`() async throws {
        let server = try Self.server(headers: ["Content-Encoding: gzip"], body: [0x1F, 0x8B, 8, 0])
        #expect(try await CurlTransport().send(Self.request(.get, server)).body == [0x1F, 0x8B, 8, 0])
        #expect(server.requests.first?.values(of: "accept-encoding") == [])
    }

    @Test func `interim answers leave nothing behind`() async throws {
        let server = try LoopbackServer { connection in
            connection.readRequest()
            connection.send("HTTP/1.1 103 Early Hints\r\nETag: \"early\"\r\nX-Hint: h\r\n\r\n")
            connection.answer(200, headers: ["X-Last: l"], body: [5])
            connection.waitForClose()
        }
        let response = try await CurlTransport().send(Self.request(.get, server))
        #expect(response.status == 200 && response.body == [5] && response.headers["x-last"] == "l")
        #expect(response.headers["etag"] == nil && response.headers["x-hint"] == nil)
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `no redirect is followed`(status: Int) async throws {
        let other = try Self.server()
        let server = try Self.server(status, headers: ["Location: \(other.origin)/stolen"])
        let response = try await CurlTransport().send(
            Self.request(.get, server, headers: [("Authorization", "canary")])
        )
        #expect(response.status == status && other.connectionCount == 0 && server.requests.count == 1)
    }

    // MARK: Connections

    @Test func `a connection serves one request after the other`() async throws {
        let server = try Self.server(body: [1])
        let transport = CurlTransport()
        for _ in 0..<20 { _ = try await transport.send(Self.request(.get, server)) }
        #expect(server.requests.count == 20 && server.connectionCount == 1)
    }

    @Test func `many requests at once each get their own answer`() async throws {
        let server = try LoopbackServer { connection in
            while let request = connection.readRequest() {
                let path = request.line.split(separator: " ")[1]
                connection.answer(200, body: Array(path.utf8) + request.body)
            }
        }
        let transport = CurlTransport()
        let bodies = (0..<300).map { Self.noise($0 * 37 % 9_000, seed: UInt64($0)) }
        let failures = await withTaskGroup { group in
            for (number, body) in bodies.enumerated() {
                group.addTask {
                    let request = Self.request(.put, server, "/\(number)", body: .bytes(body))
                    let response = try? await transport.send(request)
                    return response?.body == Array("/\(number)".utf8) + body
                }
            }
            return await group.reduce(into: 0) { count, isGood in count += isGood ? 0 : 1 }
        }
        #expect(failures == 0 && server.requests.count == 300)
    }
}
