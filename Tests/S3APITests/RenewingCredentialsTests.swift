import Synchronization
import TestSupport
import Testing

@testable import S3API

struct RenewingCredentialsTests {
    private let host = FakeCredentialsHost()
    private let source = Source()

    /// Gives out keys A0, A1 … and counts.
    private final class Source: Sendable {
        let state = Mutex((count: 0, life: Int64?(3_600), failure: CredentialsError?.none, keepsKeys: false))
        var count: Int { state.withLock(\.count) }
    }

    private func keys(files: [String] = []) -> RenewingCredentials {
        RenewingCredentials(host: host) { [source, host] () throws(CredentialsError) in
            let state = source.state.withLock { state in
                state.count += 1
                return state
            }
            if let failure = state.failure { throw failure }
            let end = state.life.map { S3Time(seconds: host.world.seconds + $0) }
            let id = state.keepsKeys ? "A" : "A\(state.count - 1)"
            let keys = S3Credentials(
                accessKeyID: id,
                secretAccessKey: "S",
                expiration: state.keepsKeys ? nil : end
            )
            return FoundCredentials(credentials: keys, origin: "here", files: files)
        }
    }

    @Test func `keys are looked for once, and again before they end`() async throws {
        let keys = keys()
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 3_299)
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 1)
        #expect(try await keys.current().accessKeyID == "A1")
        #expect(source.count == 2)
    }

    @Test func `short-lived keys are renewed in the last quarter of their life`() async throws {
        source.state.withLock { $0.life = 200 }
        let keys = keys()
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 149)
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 1)
        #expect(try await keys.current().accessKeyID == "A1")
    }

    @Test func `old keys are good until their end while nobody lends new ones`() async throws {
        let keys = keys()
        _ = try await keys.current()
        source.state.withLock { $0.failure = CredentialsError(.unreachable, "away") }
        host.world.advance(seconds: 3_400)
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(source.count == 2, "the lender is not asked again at once")
        host.world.advance(seconds: 30)
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(source.count == 3)
        host.world.advance(seconds: 200)
        await #expect(throws: CredentialsError(.unreachable, "away")) { try await keys.current() }
        source.state.withLock { $0.failure = nil }
        #expect(try await keys.current().accessKeyID == "A4")
    }

    @Test func `keys that come expired are used all the same, since our clock may be wrong`() async throws {
        source.state.withLock { $0.life = -86_400 }
        let keys = keys()
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(source.count == 1)
    }

    @Test func `a file that changes is read again`() async throws {
        source.state.withLock { $0.life = nil }
        host.write("/keys", "one")
        let keys = keys(files: ["/keys"])
        _ = try await keys.current()
        host.world.advance(seconds: 60)
        #expect(try await keys.current().accessKeyID == "A0")
        host.write("/keys", "two")
        #expect(try await keys.current().accessKeyID == "A0", "files are not looked at for every request")
        host.world.advance(seconds: 10)
        #expect(try await keys.current().accessKeyID == "A1")
        host.world.advance(seconds: 40)
        #expect(try await keys.current().accessKeyID == "A1")
    }

    @Test func `refused keys are replaced once, by whoever comes first`() async throws {
        let keys = keys()
        let old = try await keys.current()
        let fresh = try await keys.replacement(for: old)
        #expect(fresh?.accessKeyID == "A1")
        #expect(try await keys.replacement(for: old) == fresh, "the others take what the first one found")
        #expect(source.count == 2)
    }

    @Test func `where refused keys are the only ones nobody is asked again for a while`() async throws {
        source.state.withLock { $0.keepsKeys = true }
        let keys = keys()
        let old = try await keys.current()
        #expect(try await keys.replacement(for: old) == nil)
        #expect(try await keys.replacement(for: old) == nil)
        #expect(source.count == 2)
        host.world.advance(seconds: 60)
        #expect(try await keys.replacement(for: old) == nil)
        #expect(source.count == 3)
    }

    @Test func `all who ask at once wait for one look`() async throws {
        let gate = Gate()
        let keys = RenewingCredentials(host: host) { [source] () throws(CredentialsError) in
            source.state.withLock { $0.count += 1 }
            await gate.wait()
            return FoundCredentials(credentials: exampleCredentials, origin: "", files: [])
        }
        try await withThrowingTaskGroup(of: S3Credentials.self) { group in
            for _ in 0..<20 { group.addTask { try await keys.current() } }
            for _ in 0..<1_000 { await Task.yield() }
            gate.open()
            for try await found in group { #expect(found == exampleCredentials) }
        }
        #expect(source.count == 1)
    }

    // MARK: In a client

    @Test(arguments: ["ExpiredToken", "InvalidAccessKeyId"])
    func `a request whose keys were refused is sent once more with others`(code: String) async throws {
        let transport = FakeTransport { request, _ in
            request.header("authorization")?.contains("Credential=A0/") == true
                ? .error(403, code) : .status(200, ["content-length": "1", "etag": "\"e\""])
        }
        let client = try client(transport)
        let object = try await client.headObject(bucket: "b", key: ObjectKey("k"))
        #expect(object.etag == "e")
        #expect(transport.requests.count == 2)
        _ = try await client.headObject(bucket: "b", key: ObjectKey("k"))
        #expect(transport.requests.count == 3)
    }

    @Test func `keys that are refused again are an error`() async throws {
        let transport = FakeTransport { _, _ in .error(400, "ExpiredToken") }
        let client = try client(transport)
        let error = await failure { () throws(S3Error) in
            _ = try await client.headObject(bucket: "b", key: ObjectKey("k"))
        }
        #expect(error?.code == .credentialsRefused)
        #expect(transport.requests.count == 2)
    }

    @Test func `without keys nothing is sent`() async throws {
        source.state.withLock { $0.failure = CredentialsError(.unusable, "profile \"x\" is odd") }
        let transport = FakeTransport([])
        let client = try client(transport)
        let error = await failure { () throws(S3Error) in
            _ = try await client.headObject(bucket: "b", key: ObjectKey("k"))
        }
        #expect(error?.code == .credentialsRefused)
        #expect(error?.description == "credentials: profile \"x\" is odd")
        #expect(transport.requests.isEmpty)
    }

    private func client(_ transport: FakeTransport) throws -> S3Client {
        S3Client(
            connection: S3Connection(credentials: keys(), endpoint: try S3Endpoint("http://127.0.0.1:9000")),
            transport: transport,
            environment: host.environment
        )
    }
}
