import Glibc
import S3API
import SyncEngine
import Testing

@testable import syncd

struct ProviderTests {
    private let directory = TemporaryDirectory()

    private func connection(_ members: String) throws -> Connection {
        try folder(members).connection
    }

    private func folder(_ members: String, folder: String = "") throws -> ConfiguredFolder {
        let text = """
            {"connection": {\(members)}, "stateDirectory": "/data",
             "folders": [{"name": "x", "path": "/srv/x", "bucket": "bucket"\(folder)}]}
            """
        let path = directory.file("config.json", text)
        let environment = ProcessEnvironment(isRoot: true) { _ in nil }
        return try #require(try ConfigurationFile.load(path, environment: environment).folders.first)
    }

    @Test(arguments: [
        (nil, "aws"), ("https://account.r2.cloudflarestorage.com", "r2"),
        ("https://s3.eu-central-003.backblazeb2.com", "b2"),
        ("https://fra1.digitaloceanspaces.com", "spaces"), ("https://s3.wasabisys.com", "wasabi"),
        ("https://s3.us-east-1.amazonaws.com:443", "aws"), ("https://s3.eusc-de-east-1.amazonaws.eu", "aws"),
        ("http://127.0.0.1:9000", "other"),
        ("https://r2.cloudflarestorage.com.example.net", "other"),
    ])
    func `a service is known by its host`(endpoint: String?, name: String) throws {
        let found = try connection(endpoint.map { #""endpoint": "\#($0)""# } ?? "")
        #expect(found.provider.name == name)
    }

    @Test func `what a provider is known for applies, and the configuration's word goes before it`() throws {
        let r2 = try connection(#""endpoint": "https://a.r2.cloudflarestorage.com""#)
        #expect(r2.region == "auto" && r2.provider.signsBodies && r2.provider.parts.partsAtOnce == 2)
        #expect(try connection(#""endpoint": "https://a.r2.cloudflarestorage.com", "region": "x""#).region == "x")
        let scaleway = try connection(#""endpoint": "https://minio.example.net", "provider": "scaleway""#)
        #expect(scaleway.provider.parts.maximumParts == 1_000)
        let seaweed = try folder(
            #""endpoint": "http://a:1", "provider": "seaweedfs", "capabilities": {"byteOrder": true, "crc64nvme": false}"#
        )
        #expect(seaweed.folder.capabilities[.byteOrder] == .yes && seaweed.folder.capabilities[.crc64nvme] == .no)
        #expect(seaweed.folder.capabilities[.backslashes] == .no)
        #expect(seaweed.folder.capabilities[.putIfMatch] == .unknown)
    }

    /// A name can spare a trial, and never stand for one.
    @Test func `no provider is believed to do anything that was not seen`() {
        for provider in Provider.all {
            for feature in Capabilities.Feature.allCases {
                #expect(provider.capabilities[feature] != .yes, "\(provider.name) \(feature)")
            }
        }
        #expect(Set(Provider.all.map(\.name)).count == Provider.all.count)
    }

    @Test(arguments: [
        (#""provider": "minioo""#, #"connection.provider: "minioo" is none of"#),
        (#""capabilities": []"#, "connection.capabilities: must be an object"),
        (#""capabilities": {"crc64nvm": true}"#, #"connection.capabilities.crc64nvm: is no known key (did you mean"#),
        (#""capabilities": {"crc64nvme": "yes"}"#, "connection.capabilities.crc64nvme: must be true or false"),
    ])
    func `a wrong value is named by its key path`(members: String, line: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try connection(members) }
        #expect(error?.lines.contains { $0.contains(line) } ?? false, "\(String(describing: error))")
    }

    // MARK: Keys of the operator's own

    private static let base64 = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="

    @Test(arguments: [String(repeating: "Z", count: 32), base64, base64 + "\n"])
    func `a key is 32 bytes, or these in Base64`(content: String) throws {
        let key = try CustomerKeyFile.read(directory.file("key", content))
        #expect(key == CustomerKey([UInt8](repeating: 0x5A, count: 32)))
    }

    @Test func `what is no key, or can be read by others, is refused without a word of it`() throws {
        let canary = "canary-of-a-key"
        let faults = [
            #expect(throws: CustomerKeyFile.Fault.self) { try CustomerKeyFile.read(directory.file("short", canary)) },
            #expect(throws: CustomerKeyFile.Fault.self) {
                try CustomerKeyFile.read(directory.file("open", Self.base64, mode: 0o640))
            },
            #expect(throws: CustomerKeyFile.Fault.self) {
                try CustomerKeyFile.read(directory.file("long", String(repeating: canary, count: 100)))
            },
            #expect(throws: CustomerKeyFile.Fault.self) { try CustomerKeyFile.read(directory.path) },
        ]
        #expect(faults.count == 4)
        for fault in faults { #expect(!(fault?.message.contains(canary) ?? true)) }
        #expect(faults[1]?.message.contains("chmod 600") ?? false)
    }

    @Test(arguments: [
        ("http://s3.example.net", false), ("https://s3.example.net", true), ("http://127.0.0.1:9000", true),
        ("http://[::1]:9000", true), ("http://127.example.net", false),
    ])
    func `a key of one's own never travels in the open`(endpoint: String, isFine: Bool) throws {
        let key = directory.file("key", Self.base64)
        let options = #", "encryption": "customer", "customerKeyFile": "\#(key)""#
        let members = #""endpoint": "\#(endpoint)""#
        if isFine {
            let writing = try folder(members, folder: options).writing
            #expect(writing.encryption == CustomerKey([UInt8](repeating: 0x5A, count: 32)).map { .customer($0) })
            #expect(!"\(writing)".contains(Self.base64))
        } else {
            let error = #expect(throws: ConfigurationError.self) { try folder(members, folder: options) }
            #expect(error?.lines.contains { $0.contains("is not encrypted: use https") } ?? false)
        }
    }
}
