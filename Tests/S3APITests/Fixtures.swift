import S3API
import TestSupport

/// The keys of AWS's published examples. They open nothing.
let exampleCredentials = S3Credentials(
    accessKeyID: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

extension SignatureCheck {
    /// What a service that knows the published example's keys has against it; nil if nothing.
    func objection() -> Objection? {
        objection(accessKeyID: exampleCredentials.accessKeyID, secret: exampleCredentials.secretAccessKey)
            ?? bodyObjection()
    }
}

/// A client in a world of its own.
struct ClientFixture {
    let transport: FakeTransport
    let world: FakeS3World
    let client: S3Client

    init(
        _ transport: FakeTransport,
        endpoint: String? = "http://127.0.0.1:9000",
        credentials: S3Credentials = exampleCredentials,
        region: String = "us-east-1",
        chance: Double = 0.5
    ) throws {
        self.transport = transport
        world = FakeS3World(chance: chance)
        client = S3Client(
            connection: S3Connection(
                credentials: credentials,
                region: region,
                endpoint: try endpoint.map { text throws(S3Endpoint.Invalid) in try S3Endpoint(text) }
            ),
            transport: transport,
            environment: world.environment
        )
    }

    init(_ script: [FakeTransport.Answer], endpoint: String? = "http://127.0.0.1:9000") throws {
        try self.init(FakeTransport(script), endpoint: endpoint)
    }
}

/// The error that `operation` ends with; nil if it ends well.
func failure<Value>(of operation: () async throws(S3Error) -> Value) async -> S3Error? {
    do {
        _ = try await operation()
        return nil
    } catch {
        return error
    }
}

extension HTTPRequest {
    /// The value of the header of that name, which is in lower case.
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

    /// The region that it is signed for.
    var signedRegion: String? {
        header("authorization")?.split(separator: "/").dropFirst(2).first.map(String.init)
    }
}
