import TestSupport
import Testing

@testable import S3API

/// The real client over libcurl, and a service that misbehaves; only their clock is not real, so that no retry waits.
struct FaultFixture {
    let server: FaultServer
    let world: FakeS3World
    let client: S3Client

    /// `patience` is how many seconds without a byte the client bears: few where the test is about silence, and else so
    /// many that a busy machine is not taken for a silent one.
    init(patience: Int = 30, _ configure: (inout FaultQuirks) -> Void = { _ in }) throws {
        var quirks = FaultQuirks()
        configure(&quirks)
        let world = FakeS3World()
        self.world = world
        server = try FaultServer(quirks: quirks, clock: { world.seconds })
        client = try server.client(
            environment: world.environment,
            transport: CurlTransport(options: TransportOptions(stallTimeout: patience))
        )
    }

    var bucket: String { FaultServer.bucket }

    /// What was answered to the requests of one operation; nil where nothing was.
    func statuses(of operation: FaultOperation) -> [Int?] { server.records(of: operation).map(\.status) }

    /// Writes an object without the client.
    func put(_ content: [UInt8], as key: String, etag: String? = nil) {
        server.withStore { $0.put(content, as: key, etag: etag) }
    }
}

/// What an operation came to.
func result<Value>(of operation: () async throws(S3Error) -> Value) async -> Result<Value, S3Error> {
    do {
        return .success(try await operation())
    } catch {
        return .failure(error)
    }
}
