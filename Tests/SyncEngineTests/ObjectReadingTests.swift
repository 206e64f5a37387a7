import S3API
import SyncEngine
import TestSupport
import Testing

struct ObjectReadingTests {
    private static let policy = PartPolicy(threshold: 300_000, minimumPartSize: 100_000)

    private func read(_ server: FaultServer, _ key: String = "k") async throws -> [UInt8] {
        let client = try server.client(environment: FakeS3World().environment)
        let reading = ObjectReading(
            client: client,
            bucket: FaultServer.bucket,
            key: ObjectKey(key),
            policy: Self.policy
        )
        var bytes: [UInt8] = []
        let size = try await reading.read(until: StopSignal()) {
            bytes += $0
            return true
        }
        #expect(size == Int64(bytes.count))
        return bytes
    }

    private func code(_ server: FaultServer) async -> S3Error.Code? {
        do {
            _ = try await read(server)
            return nil
        } catch {
            return (error as? S3Error)?.code
        }
    }

    @Test(arguments: [0, 1, 100_000, 100_001, 350_000], [FaultQuirks.Ranges.honoured, .answeredAs200])
    func `bytes come whole and in order`(count: Int, ranges: FaultQuirks.Ranges) async throws {
        let server = try FaultServer()
        server.configure { $0.ranges = ranges }
        let content = S3World.noise(count, seed: UInt64(count))
        server.withStore { $0.put(content, as: "k") }
        let isEqual = try await read(server) == content
        #expect(isEqual)
    }

    @Test func `bytes that are not those of the ETag are told at the end`() async throws {
        let server = try FaultServer()
        server.withStore { $0.put([1, 2, 3], as: "k") }
        server.on(.getObject, 1, .rewrite { $0.body = [1, 2, 4] })
        #expect(await code(server) == .badDigest)
    }

    @Test func `an object that is replaced under way is no mixture`() async throws {
        let server = try FaultServer()
        var quirks = FaultQuirks()
        quirks.ignoresConditions = true
        server.configure { $0 = quirks }
        server.withStore { $0.put(S3World.noise(20 << 20, seed: 1), as: "k") }
        server.on(
            .getObject,
            2,
            .before { service in
                service.withStore { $0.put(S3World.noise(20 << 20, seed: 2), as: "k") }
            }
        )
        #expect(await code(server) == .preconditionFailed)
    }

    @Test func `whoever has enough gets no more`() async throws {
        let server = try FaultServer()
        server.withStore { $0.put(S3World.noise(20 << 20, seed: 1), as: "k") }
        let client = try server.client(environment: FakeS3World().environment)
        let reading = ObjectReading(client: client, bucket: FaultServer.bucket, key: ObjectKey("k"))
        _ = try await reading.read(until: StopSignal()) { _ in false }
        #expect(server.count(of: .getObject) == 1)
    }
}
