import S3API
import TestSupport
import Testing

/// The example of the article "Getting started", as it is printed there.
struct GettingStartedTests {
    @Test func `the example does what its article says`() async throws {
        let server = try FaultServer()
        let keys = FaultServer.credentials
        let client = try makeClient(endpoint: server.origin, id: keys.accessKeyID, secret: keys.secretAccessKey)
        let names = try await keepNote("Hello", in: FaultServer.bucket, with: client)
        #expect(names == ["notes/today.txt: 5 bytes"])
        #expect(server.content(of: "notes/today.txt") == Array("Hello".utf8))
    }
}
