import Glibc
import TestSupport
import Testing

@testable import S3API

/// What comes of bad networks, bad services and bad disks: an error that says which, in bounded time and memory.
struct CurlTransportFaultTests {
    /// One second is the least that a transport waits.
    private static let hasty = TransportOptions(connectTimeout: 1, stallTimeout: 1)

    private static func outcome(
        _ request: HTTPRequest,
        _ transport: CurlTransport = CurlTransport(options: hasty)
    ) async -> Result<HTTPResponse, TransportError> {
        do {
            return .success(try await transport.send(request))
        } catch {
            return .failure(error)
        }
    }

    private static func code(
        _ request: HTTPRequest,
        _ transport: CurlTransport = CurlTransport(options: hasty)
    ) async -> TransportError.Code? {
        switch await outcome(request, transport) {
        case .success: nil
        case .failure(let error): error.code
        }
    }

    /// Reads one request, then does what the test says.
    private static func server(
        _ answer: @escaping @Sendable (LoopbackConnection) -> Void
    ) throws -> LoopbackServer {
        try LoopbackServer { connection in
            connection.readRequest()
            answer(connection)
        }
    }

    private static func get(_ server: LoopbackServer, sink: ResponseSink = .memory(limit: 1 << 20)) -> HTTPRequest {
        CurlTransportTests.request(.get, server, sink: sink)
    }

    // MARK: Broken answers

    @Test func `a body shorter than its length is an error, in memory and in a file`() async throws {
        let server = try Self.server { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") }
        let file = try ScratchFile()
        #expect(await Self.code(Self.get(server)) == .truncated)
        #expect(
            await Self.code(Self.get(server, sink: .descriptor(file.descriptor, offset: 0, limit: 10))) == .truncated
        )
    }

    @Test func `an error that is cut short counts by its status`() async throws {
        let server = try Self.server { $0.send("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n<Error>") }
        let response = try await Self.outcome(Self.get(server)).get()
        #expect(response.status == 503 && response.body == Array("<Error>".utf8))
    }

    @Test func `a chunked body without its end is an error`() async throws {
        let server = try Self.server {
            $0.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        }
        #expect(await Self.code(Self.get(server)) == .truncated)
    }

    @Test func `a connection reset before or within the answer is an interruption`() async throws {
        let before = try Self.server { $0.reset() }
        #expect(await Self.code(Self.get(before)) == .interrupted)
        let reached = Gate()
        let within = try Self.server { connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc")
            reached.block()
            connection.reset()
        }
        let file = try ScratchFile()
        async let code = Self.code(Self.get(within, sink: .descriptor(file.descriptor, offset: 0, limit: 1 << 20)))
        while file.content.count < 3 { await Task.yield() }
        reached.open()
        #expect([.interrupted, .truncated].contains(await code))
    }

    @Test func `a connection closed without an answer is an interruption`() async throws {
        let server = try Self.server { _ in }
        #expect(await Self.code(Self.get(server)) == .interrupted)
    }

    @Test(arguments: ["SSH-2.0-OpenSSH\r\n\r\n", "garbage without an end", "<html></html>\r\n", "ICY 200 OK\r\n\r\n"])
    func `what is not HTTP is malformed`(answer: String) async throws {
        let server = try Self.server { $0.send(answer) }
        #expect(await Self.code(Self.get(server)) == .malformed)
    }

    @Test func `a body that ends with the connection is taken as it came`() async throws {
        let server = try Self.server { $0.send("HTTP/1.1 200 OK\r\nETag: \"e\"\r\n\r\nabc") }
        #expect(try await Self.outcome(Self.get(server)).get().body == Array("abc".utf8))
    }

    // MARK: Bounds

    @Test func `a body up to the limit is taken, one beyond is not`() async throws {
        let server = try CurlTransportTests.server(body: CurlTransportTests.noise(1_000, seed: 1))
        let file = try ScratchFile()
        for limit in [1_000, 1_001] {
            #expect(await Self.code(Self.get(server, sink: .memory(limit: limit))) == nil)
        }
        for limit in [0, 999] {
            #expect(await Self.code(Self.get(server, sink: .memory(limit: limit))) == .bodyTooLarge)
            for sink in [
                ResponseSink.descriptor(file.descriptor, offset: 0, limit: Int64(limit)), .discard(limit: Int64(limit)),
            ] {
                #expect(await Self.code(Self.get(server, sink: sink)) == .bodyTooLarge)
            }
        }
        #expect(file.content.isEmpty)
    }

    @Test func `a body without end is left where it exceeds the limit`() async throws {
        let server = try Self.server { connection in
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "1000\r\n\(String(repeating: "x", count: 4_096))\r\n"
            while connection.send(chunk) {}
        }
        #expect(await Self.code(Self.get(server, sink: .memory(limit: 1 << 20))) == .bodyTooLarge)
    }

    @Test func `of an error's endless body the status stays, and a mebibyte`() async throws {
        let server = try Self.server { connection in
            connection.send("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "1000\r\n\(String(repeating: "x", count: 4_096))\r\n"
            while connection.send(chunk) {}
        }
        let response = try await Self.outcome(Self.get(server)).get()
        #expect(response.status == 500 && response.body.count == HTTPLimits.errorBody)
    }

    @Test func `headers without end are left where they exceed the limit`() async throws {
        let server = try Self.server { connection in
            connection.send("HTTP/1.1 200 OK\r\n")
            var number = 0
            while connection.send("X-Flood-\(number): \(String(repeating: "x", count: 1_000))\r\n") { number += 1 }
        }
        #expect(await Self.code(Self.get(server)) == .bodyTooLarge)
        let interim = try Self.server { connection in
            while connection.send("HTTP/1.1 100 Continue\r\n\r\n") {}
        }
        #expect(await Self.code(Self.get(interim)) == .bodyTooLarge)
    }

    @Test func `headers up to the limit are read`() async throws {
        let lines = (0..<90).map { "X-Long-\($0): \(String(repeating: "x", count: 1_000))" }
        let server = try CurlTransportTests.server(headers: lines)
        let response = try await Self.outcome(Self.get(server)).get()
        #expect(response.headers["x-long-89"]?.utf8.count == 1_000)
    }

    // MARK: Silence

    @Test func `a service that goes silent is left after a while, before and within its answer`() async throws {
        let silent = try Self.server { $0.waitForClose() }
        let halting = try Self.server { connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.waitForClose()
        }
        async let first = Self.code(Self.get(silent))
        async let second = Self.code(Self.get(halting))
        let codes = await [first, second]
        #expect(codes == [.interrupted, .interrupted])
    }

    @Test func `where no connection comes about, the service is unreachable`() async throws {
        let refusing = try RefusingPort()
        let request = HTTPRequest(
            method: .get,
            origin: "http://127.0.0.1:\(refusing.port)",
            target: "/",
            headers: [],
            body: .none,
            sink: .memory(limit: 1)
        )
        let error = await Self.outcome(request)
        guard case .failure(let error) = error else {
            Issue.record("a refused connection gave an answer")
            return
        }
        #expect(error.code == .unreachable && !error.message.isEmpty)
    }

    @Test func `where TLS never comes about, the service is unreachable`() async throws {
        let server = try LoopbackServer { $0.waitForClose() }
        var request = Self.get(server)
        request.origin = "https://127.0.0.1:\(server.port)"
        #expect(await Self.code(request) == .unreachable)
        let resetting = try LoopbackServer { connection in
            _ = connection.read(1)
            connection.reset()
        }
        request.origin = "https://127.0.0.1:\(resetting.port)"
        #expect(await Self.code(request) == .unreachable)
    }

    // MARK: Uploads

    private static func refusingEarly(
        then rest: @escaping @Sendable (LoopbackConnection) -> Void
    ) throws
        -> LoopbackServer
    {
        try LoopbackServer { connection in
            _ = connection.readHead()
            let body = "<Error><Code>AccessDenied</Code></Error>"
            connection.send("HTTP/1.1 403 No\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)")
            rest(connection)
        }
    }

    @Test func `a refusal that comes while the body is sent ends it, and counts`() async throws {
        let server = try Self.refusingEarly { $0.waitForCloseUnread() }
        let body = CurlTransportTests.noise((4 << 20) - 1, seed: 6)
        let request = CurlTransportTests.request(.put, server, body: .bytes(body))
        let response = try await Self.outcome(request).get()
        #expect(response.status == 403 && S3Answers.error(response.body)?.code == "AccessDenied")
    }

    @Test func `a reset under the body leaves the refusal, or an interruption that is tried again`() async throws {
        // Closing with the body unread sends RST, which may overtake the answer.
        let server = try Self.refusingEarly { _ in }
        let body = CurlTransportTests.noise(3 << 20, seed: 6)
        for _ in 0..<10 {
            switch await Self.outcome(CurlTransportTests.request(.put, server, body: .bytes(body))) {
            case .success(let response): #expect(response.status == 403)
            case .failure(let error): #expect(error.code == .interrupted)
            }
        }
    }

    @Test func `a kept connection that died is replaced, and the body begins anew`() async throws {
        let body = CurlTransportTests.noise(200_000, seed: 7)
        let file = try ScratchFile(body)
        // On a busy machine the death may show in the middle of the exchange: then it is an interruption.
        for _ in 0..<5 {
            let server = try LoopbackServer { connection in
                if connection.number == 0 {
                    connection.readRequest()
                    connection.answer(200)
                    // The next request's head and a part of its body come, and nothing is answered.
                    _ = connection.readHead()
                    _ = connection.read(50_000)
                } else {
                    while connection.readRequest() != nil { connection.answer(201) }
                }
            }
            let transport = CurlTransport(options: Self.hasty)
            _ = try await transport.send(CurlTransportTests.request(.get, server))
            let put = CurlTransportTests.request(
                .put,
                server,
                body: .descriptor(file.descriptor, offset: 0, length: Int64(body.count))
            )
            switch await Self.outcome(put, transport) {
            case .success(let response):
                let isWhole = server.requests.last?.body == body
                #expect(response.status == 201 && isWhole)
                #expect(server.connectionCount == 2)
                return
            case .failure(let error):
                #expect(error.code == .interrupted)
            }
        }
        Issue.record("it was never replaced")
    }

    @Test func `a file that has become shorter is not padded`() async throws {
        let file = try ScratchFile([1, 2, 3])
        let server = try LoopbackServer { $0.readRequest() }
        let request = CurlTransportTests.request(
            .put,
            server,
            body: .descriptor(file.descriptor, offset: 0, length: 10)
        )
        #expect(await Self.code(request) == .localRead(errno: 0))
        #expect(server.requests.isEmpty)
        let bad = CurlTransportTests.request(.put, server, body: .descriptor(-1, offset: 0, length: 10))
        #expect(await Self.code(bad) == .localRead(errno: EBADF))
    }

    @Test func `a disk that cannot take the body says which error it was`() async throws {
        let server = try CurlTransportTests.server(body: [1, 2, 3])
        let full = open("/dev/full", O_WRONLY)
        let readOnly = open("/dev/null", O_RDONLY)
        defer {
            close(full)
            close(readOnly)
        }
        #expect(
            await Self.code(Self.get(server, sink: .descriptor(full, offset: 0, limit: 9)))
                == .localWrite(errno: ENOSPC)
        )
        #expect(
            await Self.code(Self.get(server, sink: .descriptor(readOnly, offset: 0, limit: 9)))
                == .localWrite(errno: EBADF)
        )
    }

    @Test(arguments: [("x-a", "b\r\nx-c: d"), ("x-a\r\nb", "c"), ("x-a", "b\nc"), ("x-a", "b\0c")])
    func `a header that would be two is not sent`(name: String, value: String) async throws {
        let server = try CurlTransportTests.server()
        let request = CurlTransportTests.request(.get, server, headers: [(name, value)])
        #expect(await Self.code(request) == .malformed)
        #expect(server.connectionCount == 0)
    }

    // MARK: Cancellation

    @Test func `cancelling closes the connection at once, and others go on`() async throws {
        let asked = Gate()
        let closed = Gate()
        let server = try LoopbackServer { connection in
            guard let request = connection.readRequest() else { return }
            if request.line.contains("/slow") {
                asked.open()
                if connection.waitForClose() { closed.open() }
            } else {
                connection.answer(200)
                connection.waitForClose()
            }
        }
        let transport = CurlTransport()
        let task = Task { await Self.code(CurlTransportTests.request(.get, server, "/slow"), transport) }
        await asked.wait()
        task.cancel()
        #expect(await task.value == .cancelled)
        await closed.wait()
        #expect(await Self.code(CurlTransportTests.request(.get, server, "/next"), transport) == nil)
    }

    @Test func `what is cancelled before it begins sends nothing`() async throws {
        let server = try CurlTransportTests.server()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await Self.code(Self.get(server), CurlTransport())
        }
        #expect(await task.value == .cancelled)
        #expect(server.connectionCount == 0)
    }

    @Test func `cancelling many at any moment leaves none hanging`() async throws {
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil {
                connection.answer(200, body: [UInt8](repeating: 1, count: 100_000))
            }
        }
        let transport = CurlTransport()
        for round in 0..<20 {
            let tasks = (0..<20).map { _ in
                Task { await Self.code(CurlTransportTests.request(.get, server), transport) }
            }
            for _ in 0..<(round * 7) { await Task.yield() }
            for task in tasks { task.cancel() }
            for task in tasks {
                let code = await task.value
                #expect(code == nil || code == .cancelled)
            }
        }
        #expect(await Self.code(CurlTransportTests.request(.get, server), transport) == nil)
    }
}
