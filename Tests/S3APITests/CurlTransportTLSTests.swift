import TestSupport
import Testing

@testable import S3API

struct CurlTransportTLSTests {
    private static func code(port: Int, caFile: String?) async -> TransportError.Code? {
        await code(port: port, CurlTransport(options: TransportOptions(caFile: caFile)))
    }

    private static func code(port: Int, _ transport: CurlTransport) async -> TransportError.Code? {
        let request = HTTPRequest(
            method: .get,
            origin: "https://127.0.0.1:\(port)",
            target: "/",
            headers: [],
            body: .none,
            sink: .memory(limit: 1 << 20)
        )
        do {
            let response = try await transport.send(request)
            #expect(response.status == 200 && !response.body.isEmpty)
            return nil
        } catch {
            #expect(!error.message.isEmpty)
            return error.code
        }
    }

    @Test func `a certificate that nobody vouches for is refused, and taken from the file that does`() async throws {
        let server = try TLSServer(subjectAltName: "IP:127.0.0.1")
        #expect(await Self.code(port: server.port, caFile: nil) == .tls)
        #expect(await Self.code(port: server.port, caFile: server.certificateFile) == nil)
    }

    @Test func `a certificate for another host is refused, whoever vouches for it`() async throws {
        let server = try TLSServer(subjectAltName: "DNS:other.example")
        #expect(await Self.code(port: server.port, caFile: server.certificateFile) == .tls)
    }

    @Test func `a file of certificates that is none refuses everybody`() async throws {
        let server = try TLSServer(subjectAltName: "IP:127.0.0.1")
        #expect(await Self.code(port: server.port, caFile: "/dev/null") == .tls)
        #expect(await Self.code(port: server.port, caFile: "/nonexistent") == .tls)
    }

    @Test func `a service that does not speak TLS is not reached`() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.read(1)
            connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            connection.waitForClose()
        }
        #expect(await Self.code(port: Int(server.port), caFile: nil) == .unreachable)
    }
}
