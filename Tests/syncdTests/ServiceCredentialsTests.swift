import S3API
import SyncEngine
import Testing
import Text

@testable import syncd

struct ServiceCredentialsTests {
    private let directory = TemporaryDirectory()

    private func read(_ variables: [String: String] = [:], connection: String = "{}") throws -> Connection {
        let text =
            #"{"connection": \#(connection), "folders": [{"name": "a", "path": "/srv/a", "bucket": "family"}]}"#
        let all = variables.merging([ServiceCredentials.variable: directory.path]) { given, _ in given }
        return try ConfigurationReader.read(
            JSONParser.parse(Array(text.utf8)),
            file: "config.json",
            environment: environment(all)
        ).connection
    }

    private func lines() -> [String] {
        let error = #expect(throws: ConfigurationError.self) { try read() }
        return error?.lines ?? []
    }

    @Test
    func `keys of the service manager are taken, less one newline`() throws {
        directory.file(ServiceCredentials.accessKeyID, "AKIAEXAMPLE\n")
        directory.file(ServiceCredentials.secretAccessKey, canary)
        let keys = try #require(try read().credentials)
        #expect(keys.accessKeyID == "AKIAEXAMPLE")
        #expect(keys.secretAccessKey.reveal() == canary)
        #expect(keys.sessionToken == nil)
        #expect(keys.source == .service)
        directory.file(ServiceCredentials.sessionToken, "token==\n")
        #expect(try read().credentials?.sessionToken?.reveal() == "token==")
    }

    @Test
    func `the configuration comes first, then the environment, then the service manager`() throws {
        directory.file(ServiceCredentials.accessKeyID, "SERVICE")
        directory.file(ServiceCredentials.secretAccessKey, canary)
        let variables = ["AWS_ACCESS_KEY_ID": "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY": canary]
        let configured = #"{"accessKeyId": "CONFIGURED", "secretAccessKey": "\#(canary)"}"#
        let first = try read(variables, connection: configured).credentials
        #expect(first?.accessKeyID == "CONFIGURED")
        #expect(first?.source == .configuration)
        let second = try read(variables).credentials
        #expect(second?.accessKeyID == "ENVIRONMENT")
        #expect(second?.source == .environment)
        #expect(try read().credentials?.accessKeyID == "SERVICE")
    }

    @Test
    func `keys of two places are not mixed`() throws {
        directory.file(ServiceCredentials.secretAccessKey, canary)
        #expect(throws: ConfigurationError.self) { try read(["AWS_ACCESS_KEY_ID": "ENVIRONMENT"]) }
    }

    @Test
    func `a directory without our keys is none`() throws {
        directory.file("another-service", canary)
        #expect(try read().credentials == nil)
        #expect(try read([ServiceCredentials.variable: "\(directory.path)/none"]).credentials == nil)
    }

    @Test(arguments: [
        (ServiceCredentials.accessKeyID, ServiceCredentials.secretAccessKey),
        (ServiceCredentials.secretAccessKey, ServiceCredentials.accessKeyID),
        (ServiceCredentials.sessionToken, ServiceCredentials.accessKeyID),
    ])
    func `half a set is named by what is missing`(there: String, missing: String) {
        directory.file(there, canary)
        #expect(
            lines() == [
                "config.json: connection: the systemd credential \"\(missing)\" is missing, while \"\(there)\" is there"
            ]
        )
    }

    @Test(arguments: [
        ("", "is empty"), ("\n", "is empty"), ("two\nlines\n", "is no key"), ("a key", "is no key"),
        ("key\r\n", "is no key"), ("schlüssel", "is no key"), (String(repeating: "a", count: 20_000), "is larger than"),
    ])
    func `a file that holds no key is told without what it holds`(content: String, words: String) {
        directory.file(ServiceCredentials.accessKeyID, content)
        directory.file(ServiceCredentials.secretAccessKey, canary)
        let start = "config.json: connection: the systemd credential \"syncd-access-key-id\" \(words)"
        #expect(lines().count == 1)
        #expect(lines().allSatisfy { $0.hasPrefix(start) }, "\(lines())")
        let trimmed = content.filter { $0 != "\n" }
        #expect(trimmed.isEmpty || !lines()[0].contains(trimmed))
    }

    @Test
    func `one that cannot be read is an error and not absent`() {
        // Not a mode: root reads any file.
        _ = directory.directory(ServiceCredentials.accessKeyID)
        directory.file(ServiceCredentials.secretAccessKey, canary)
        #expect(
            lines() == [
                "config.json: connection: the systemd credential \"syncd-access-key-id\" cannot be read: Is a directory"
            ]
        )
    }

    @Test
    func `a process is known again where one of both could not read the boot`() {
        let process = ProcessIdentity(pid: 7, startTicks: 4_711, bootID: "b")
        #expect(process.isSame(as: ProcessIdentity(pid: 7, startTicks: 4_711, bootID: "")))
        #expect(ProcessIdentity(pid: 7, startTicks: 4_711, bootID: "").isSame(as: process))
        #expect(!process.isSame(as: ProcessIdentity(pid: 7, startTicks: 4_711, bootID: "c")))
        #expect(!process.isSame(as: ProcessIdentity(pid: 7, startTicks: 4_712, bootID: "")))
        #expect(!process.isSame(as: ProcessIdentity(pid: 8, startTicks: 4_711, bootID: "b")))
    }
}
