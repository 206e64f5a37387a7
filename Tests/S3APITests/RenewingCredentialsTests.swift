import TestSupport
import Testing

@testable import S3API

struct RenewingCredentialsTests {
    private let lent = LentKeys()
    private var host: FakeCredentialsHost { lent.host }

    @Test func `keys are looked for once, and again before they end`() async throws {
        let keys = lent.keys()
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 3_299)
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 1)
        #expect(try await lent.ask(keys) == "A0")
        #expect(try await keys.current().accessKeyID == "A1")
        #expect(lent.count == 2)
    }

    @Test func `short-lived keys are renewed in the last quarter of their life`() async throws {
        lent.set { $0.life = 200 }
        let keys = lent.keys()
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 149)
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 1)
        #expect(try await lent.ask(keys) == "A0")
        #expect(try await keys.current().accessKeyID == "A1")
    }

    @Test func `old keys are good until their end while nobody lends new ones`() async throws {
        let keys = lent.keys()
        _ = try await keys.current()
        lent.set { $0.failure = CredentialsError(.unreachable, "away") }
        host.world.advance(seconds: 3_400)
        #expect(try await lent.ask(keys) == "A0")
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(lent.count == 2, "the lender is not asked again at once")
        host.world.advance(seconds: 30)
        #expect(try await lent.ask(keys) == "A0")
        #expect(lent.count == 3)
        host.world.advance(seconds: 200)
        await #expect(throws: CredentialsError(.unreachable, "away")) { try await keys.current() }
        lent.set { $0.failure = nil }
        #expect(try await keys.current().accessKeyID == "A4")
    }

    @Test func `keys that come expired are used all the same, since our clock may be wrong`() async throws {
        lent.set { $0.life = -86_400 }
        let keys = lent.keys()
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(try await keys.current().accessKeyID == "A0")
        #expect(lent.count == 1)
    }

    @Test func `a file that changes is read again`() async throws {
        lent.set { $0.life = nil }
        host.write("/keys", "one")
        let keys = lent.keys(files: ["/keys"])
        _ = try await keys.current()
        host.world.advance(seconds: 60)
        #expect(try await keys.current().accessKeyID == "A0")
        host.write("/keys", "two")
        #expect(try await keys.current().accessKeyID == "A0", "files are not looked at for every request")
        host.world.advance(seconds: 10)
        #expect(try await lent.ask(keys) == "A0")
        #expect(try await keys.current().accessKeyID == "A1")
        host.world.advance(seconds: 40)
        #expect(try await keys.current().accessKeyID == "A1")
    }

    @Test func `refused keys are replaced once, by whoever comes first`() async throws {
        let keys = lent.keys()
        let old = try await keys.current()
        let fresh = try await keys.replacement(for: old)
        #expect(fresh?.accessKeyID == "A1")
        #expect(try await keys.replacement(for: old) == fresh, "the others take what the first one found")
        #expect(lent.count == 2)
    }

    @Test func `where refused keys are the only ones nobody is asked again for a while`() async throws {
        lent.set { $0.keepsKeys = true }
        let keys = lent.keys()
        let old = try await keys.current()
        #expect(try await keys.replacement(for: old) == nil)
        #expect(try await keys.replacement(for: old) == nil)
        #expect(lent.count == 2)
        host.world.advance(seconds: 60)
        #expect(try await keys.replacement(for: old) == nil)
        #expect(lent.count == 3)
    }

    @Test func `a lender that makes new keys each time is not asked for every request that is refused`() async throws {
        let keys = lent.keys()
        let second = try #require(try await keys.replacement(for: try await keys.current()))
        #expect(second.accessKeyID == "A1")
        for _ in 0..<3 { #expect(try await keys.replacement(for: second) == nil) }
        #expect(lent.count == 2)
        host.world.advance(seconds: 60)
        #expect(try await keys.replacement(for: second)?.accessKeyID == "A2")
        #expect(lent.count == 3)
    }

    @Test func `a lender that fails to replace refused keys is not asked for every request either`() async throws {
        let keys = lent.keys()
        let old = try await keys.current()
        lent.set { $0.failure = CredentialsError(.unreachable, "away") }
        for _ in 0..<3 {
            await #expect(throws: CredentialsError(.unreachable, "away")) { try await keys.replacement(for: old) }
        }
        #expect(lent.count == 2)
        lent.set { $0.failure = nil }
        host.world.advance(seconds: 30)
        #expect(try await keys.replacement(for: old)?.accessKeyID == "A2")
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
        lent.set { $0.failure = CredentialsError(.unusable, "profile \"x\" is odd") }
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
            connection: S3Connection(credentials: lent.keys(), endpoint: try S3Endpoint("http://127.0.0.1:9000")),
            transport: transport,
            environment: host.environment
        )
    }
}
