import Foundation
import Synchronization
import TestSupport
import Testing

@testable import S3API

/// The transport before a server on loopback that behaves in all the ways that servers do.
@Suite(.timeLimit(.minutes(2)))
struct CurlTransportTests {
    private let transport = CurlTransport(options: TransportOptions(connectTimeout: 2, stallTimeout: 2))

    private func request(
        _ server: ScriptedServer,
        _ method: HTTPRequest.Method = .get,
        target: String = "/b/k",
        body: RequestBody = .none,
        sink: ResponseSink = .memory(limit: 1_000)
    ) -> HTTPRequest {
        HTTPRequest(
            method: method,
            origin: server.origin,
            target: target,
            headers: [("x-test", "1")],
            body: body,
            sink: sink
        )
    }

    /// Answers every request of every connection with the same bytes.
    private func answering(_ answer: String) -> ScriptedServer {
        ScriptedServer { _, connection in
            while !connection.readHead().isEmpty { connection.write(answer) }
        }
    }

    private func failure(_ request: HTTPRequest) async -> TransportError? {
        do {
            _ = try await transport.send(request)
            return nil
        } catch {
            return error
        }
    }

    /// The name of the failure's code; empty for an answer.
    private func code(_ request: HTTPRequest) async -> String {
        await failure(request).map { "\($0.code)" } ?? ""
    }

    private func temporaryFile(_ content: [UInt8]) throws -> (CInt, String) {
        let path = FileManager.default.temporaryDirectory.appending(path: "syncd-curl-\(UUID().uuidString)").path
        try Data(content).write(to: URL(filePath: path))
        return (open(path, O_RDWR), path)
    }

    @Test func `the target goes out byte for byte, with the headers, and the answer comes whole`() async throws {
        let head = Mutex<String>.Shared("")
        let server = ScriptedServer { _, connection in
            head.set(connection.readHead())
            connection.write("HTTP/1.1 200 OK\r\nETag:  \"e\" \r\nX-Two: a: b\r\nContent-Length: 3\r\n\r\nabc")
        }
        let target = "/b/a%20b/../c//d/./%2e?x=%2F&y="
        let response = try await transport.send(request(server, target: target))
        #expect(head.get().hasPrefix("GET \(target) HTTP/1.1\r\n"))
        #expect(head.get().contains("\r\nx-test: 1\r\n"))
        #expect(!head.get().lowercased().contains("accept-encoding"))
        #expect(response.status == 200)
        #expect(response.headers["etag"] == "\"e\"")
        #expect(response.headers["x-two"] == "a: b")
        #expect(response.body == Array("abc".utf8))
        #expect(response.written == nil)
    }

    @Test(arguments: [0, 1, 70_000, 3 << 20, 6 << 20])
    func `a body arrives whole, from memory and from a file, its length declared`(size: Int) async throws {
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let (descriptor, path) = try temporaryFile(Array("skip".utf8) + content + Array("not this".utf8))
        defer {
            close(descriptor)
            unlink(path)
        }
        let received = Mutex<[[UInt8]]>.Shared([])
        let heads = Mutex<[String]>.Shared([])
        let server = ScriptedServer { _, connection in
            while true {
                let head = connection.readHead()
                if head.isEmpty { return }
                heads.update { $0.append(head.lowercased()) }
                if head.contains("100-continue") { connection.write("HTTP/1.1 100 Continue\r\n\r\n") }
                let body = connection.read(size)
                received.update { $0.append(body) }
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        _ = try await transport.send(request(server, .put, body: .bytes(content)))
        let file = RequestBody.descriptor(descriptor, offset: 4, length: Int64(size))
        _ = try await transport.send(request(server, .put, body: file))
        #expect(received.get() == [content, content])
        #expect(heads.get().allSatisfy { $0.contains("content-length: \(size)\r\n") && !$0.contains("chunked") })
        #expect(heads.get().allSatisfy { $0.contains("expect: 100-continue") == (size >= 4 << 20) })
    }

    @Test func `a download goes to its place in a file, with its digest`() async throws {
        let (descriptor, path) = try temporaryFile(Array("0123456789".utf8))
        defer {
            close(descriptor)
            unlink(path)
        }
        let server = answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
        let sink = ResponseSink.descriptor(descriptor, offset: 4, limit: 3)
        let response = try await transport.send(request(server, sink: sink))
        #expect(response.written?.count == 3)
        #expect(response.written.map { Digests.hexadecimal($0.md5) } == "900150983cd24fb0d6963f7d28e17f72")
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("0123abc789".utf8))
        let empty = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let nothing = try await transport.send(request(empty, sink: sink))
        #expect(nothing.written?.count == 0)
        #expect(nothing.written.map { Digests.hexadecimal($0.md5) } == "d41d8cd98f00b204e9800998ecf8427e")
    }

    @Test func `an error's body never lands in the file`() async throws {
        let (descriptor, path) = try temporaryFile([])
        defer {
            close(descriptor)
            unlink(path)
        }
        let server = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nerror")
        let response = try await transport.send(request(server, sink: .descriptor(descriptor, offset: 0, limit: 9)))
        #expect(response.status == 404)
        #expect(response.body == Array("error".utf8))
        #expect(try Data(contentsOf: URL(filePath: path)).isEmpty)
    }

    @Test func `answers beyond their bounds are refused`() async {
        let long = answering("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + String(repeating: "x", count: 1_001))
        #expect(await code(request(long)).hasPrefix("bodyTooLarge"))
        let chatty = ScriptedServer { _, connection in
            _ = connection.readHead()
            connection.write("HTTP/1.1 200 OK\r\n")
            for number in 0..<3_000 { connection.write("X-\(number): \(String(repeating: "y", count: 60))\r\n") }
            connection.write("Content-Length: 0\r\n\r\n")
        }
        #expect(await failure(request(chatty)) != nil, "headers without end")
    }

    @Test func `a body that ends early is never a success`() async {
        let server = ScriptedServer { _, connection in
            _ = connection.readHead()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        }
        #expect(await code(request(server)).hasPrefix("truncated"))
    }

    @Test func `a refusal that comes before the body is read is still read`() async throws {
        let server = ScriptedServer { _, connection in
            _ = connection.readHead()
            connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        }
        let body = RequestBody.bytes([UInt8](repeating: 7, count: 8 << 20))
        let response = try await transport.send(request(server, .put, body: body))
        #expect(response.status == 403)
        #expect(response.body == Array("no".utf8))
    }

    @Test func `what is no HTTP, an end without an answer and a reset are told apart from success`() async {
        for script: ScriptedServer.Script in [
            { _, connection in connection.write("SSH-2.0-OpenSSH\r\n\r\n") },
            { _, connection in _ = connection.readHead() },
            { _, connection in
                _ = connection.readHead()
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
                connection.reset()
            },
        ] {
            let server = ScriptedServer(script)
            #expect(await failure(request(server)) != nil)
        }
    }

    @Test func `a redirect is an answer like any other`() async throws {
        let server = answering("HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        #expect(try await transport.send(request(server)).status == 307)
    }

    @Test func `bodies are not decoded, chunked ones are put together, interim answers do not count`() async throws {
        let zipped = answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
        #expect(try await transport.send(request(zipped)).body == Array("nope".utf8))
        let chunked = answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        #expect(try await transport.send(request(chunked)).body == Array("abc".utf8))
        let interim = answering("HTTP/1.1 103 Hints\r\nX-Old: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(try await transport.send(request(interim)).headers["x-old"] == nil)
    }

    @Test func `a HEAD has headers and no body`() async throws {
        let server = answering("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        let response = try await transport.send(request(server, .head))
        #expect(response.headers["content-length"] == "1000000")
        #expect(response.body.isEmpty)
    }

    @Test func `one connection serves one request after the other, whatever their methods`() async throws {
        let connections = Mutex<Int>.Shared(0)
        let methods = Mutex<[String]>.Shared([])
        let server = ScriptedServer { _, connection in
            connections.update { $0 += 1 }
            while true {
                let head = connection.readHead()
                if head.isEmpty { return }
                methods.update { $0.append(String(head.prefix { $0 != " " })) }
                if head.hasPrefix("PUT") || head.hasPrefix("POST") { _ = connection.read(3) }
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        for method in [HTTPRequest.Method.put, .get, .head, .delete, .post, .get] {
            let body = method == .put || method == .post ? RequestBody.bytes([1, 2, 3]) : .none
            _ = try await transport.send(request(server, method, body: body))
        }
        #expect(methods.get() == ["PUT", "GET", "HEAD", "DELETE", "POST", "GET"])
        #expect(connections.get() == 1)
    }

    @Test func `a kept connection that has died costs no failure, and the body is sent from its start`() async throws {
        let received = Mutex<[[UInt8]]>.Shared([])
        let server = ScriptedServer { _, connection in
            guard !connection.readHead().isEmpty else { return }
            let body = connection.read(3)
            received.update { $0.append(body) }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        for _ in 0..<5 { _ = try await transport.send(request(server, .put, body: .bytes([1, 2, 3]))) }
        #expect(received.get() == Array(repeating: [1, 2, 3], count: 5))
    }

    @Test func `nobody there is unreachable, and silence is an interruption`() async {
        let gone = ScriptedServer { _, _ in }.origin
        let unreachable = HTTPRequest(
            method: .get,
            origin: gone,
            target: "/",
            headers: [],
            body: .none,
            sink: .memory(limit: 9)
        )
        #expect(await code(unreachable).hasPrefix("unreachable"))
        let silent = ScriptedServer { _, connection in connection.waitForEnd() }
        #expect(await code(request(silent)).hasPrefix("interrupted"))
    }

    @Test func `a cancelled exchange ends at once and closes its connection`() async {
        let (began, beginning) = AsyncStream.makeStream(of: Void.self)
        let (ended, ending) = AsyncStream.makeStream(of: Void.self)
        let server = ScriptedServer { _, connection in
            _ = connection.readHead()
            beginning.yield()
            connection.waitForEnd()
            ending.yield()
        }
        let own = request(server)
        let transport = CurlTransport(options: TransportOptions(stallTimeout: 3_600))
        let task = Task { @Sendable in
            do throws(TransportError) {
                _ = try await transport.send(own)
                return "answered"
            } catch {
                if case .cancelled = error.code { return "cancelled" }
                return "failed"
            }
        }
        for await _ in began { break }
        task.cancel()
        #expect(await task.value == "cancelled")
        for await _ in ended { break }
    }

    @Test func `a file that becomes shorter ends the upload`() async throws {
        let (descriptor, path) = try temporaryFile([1, 2, 3])
        defer {
            close(descriptor)
            unlink(path)
        }
        let server = ScriptedServer { _, connection in
            _ = connection.readHead()
            connection.waitForEnd()
        }
        let body = RequestBody.descriptor(descriptor, offset: 0, length: 10)
        #expect(await code(request(server, .put, body: body)).hasPrefix("localRead"))
    }

    @Test func `a header cannot bring another one along`() async {
        let server = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        var own = request(server)
        own.headers.append(("x-name", "a\r\nx-evil: 1"))
        #expect(await failure(own) != nil)
    }

    @Test func `two hundred at once all get their own answers`() async throws {
        let server = ScriptedServer { _, connection in
            while true {
                let head = connection.readHead()
                if head.isEmpty { return }
                let name = head.split(separator: " ").dropFirst().first ?? ""
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
            }
        }
        let requests = (0..<200).map { request(server, target: "/\($0)") }
        let transport = transport
        let bodies = try await withThrowingTaskGroup(of: (String, [UInt8]).self) { group in
            for request in requests { group.addTask { (request.target, try await transport.send(request).body) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(bodies.count == 200)
        #expect(bodies.allSatisfy { $0.1 == Array($0.0.utf8) })
    }
}

extension Mutex where Value: Sendable {
    /// A value that a server's thread and a test share.
    final class Shared: Sendable {
        private let mutex: Mutex<Value>

        init(_ value: Value) { mutex = Mutex(value) }

        func get() -> Value { mutex.withLock { $0 } }
        func set(_ value: Value) { mutex.withLock { $0 = value } }
        func update(_ change: (inout Value) -> Void) { mutex.withLock { change(&$0) } }
    }
}
