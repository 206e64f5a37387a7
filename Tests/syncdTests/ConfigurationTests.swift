import S3API
import SyncEngine
import TestSupport
import Testing
import Text

@testable import syncd

struct ConfigurationTests {
    private func read(
        _ text: String,
        _ variables: [String: String] = [:],
        isRoot: Bool = true
    ) throws -> Configuration {
        try ConfigurationReader.read(
            JSONParser.parse(Array(text.utf8)),
            file: "config.json",
            environment: environment(variables, isRoot: isRoot)
        )
    }

    /// One folder that is right but for what is added, and what is added at the top.
    private func text(folder: String = "", top: String = "", bucket: String = "family") -> String {
        let comma = folder.isEmpty ? "" : ", "
        let topComma = top.isEmpty ? "" : ", "
        return """
            {"folders": [{"name": "photos", "path": "/srv/photos", "bucket": "\(bucket)"\(comma)\(folder)}]\(topComma)\(top)}
            """
    }

    @Test
    func `what is not said has the documented default`() throws {
        let configuration = try read(text())
        let folder = try #require(configuration.folders.first)
        #expect(configuration.stateDirectory == "/var/lib/syncd")
        #expect(configuration.concurrency == 256)
        #expect(configuration.uploadBytesPerSecond == nil && configuration.downloadBytesPerSecond == nil)
        #expect(configuration.connection.region == "us-east-1")
        #expect(configuration.connection.endpoint == nil)
        #expect(configuration.connection.credentials == nil)
        #expect(folder.folder.root == Array("/srv/photos".utf8))
        #expect(folder.folder.prefix == [])
        #expect(folder.folder.policy == Policy(direction: .up, deletes: false))
        #expect(folder.folder.exclude == [])
        #expect(folder.folder.maxDeletePercent == 50)
        #expect(folder.folder.trashDays == 30)
        #expect(folder.folder.conflict == .newest)
        #expect(folder.scanInterval == .seconds(900))
        #expect(folder.watchedScanInterval == .seconds(3_600))
        #expect(folder.listInterval == .seconds(3_600))
        #expect(folder.deleteDelay == .seconds(60))
        #expect(try read(text(folder: #""direction": "down""#)).folders.first?.listInterval == .seconds(300))
    }

    @Test(arguments: ["null", "0"])
    func `a limit of bandwidth can be said to be none`(value: String) throws {
        let top = #""uploadBytesPerSecond": \#(value), "downloadBytesPerSecond": \#(value)"#
        let configuration = try read(text(top: top))
        #expect(configuration.uploadBytesPerSecond == nil && configuration.downloadBytesPerSecond == nil)
    }

    @Test(arguments: [
        (32, 5), (100, 16), (256, 42), (1_024, 256), (512, 128), (1, 1), (0, 1), (Int.max, 256),
    ])
    func `open files bound the requests at once`(openFiles: Int, concurrency: Int) {
        #expect(OpenFiles.concurrency(256, openFiles: openFiles) == concurrency)
        #expect(OpenFiles.concurrency(1, openFiles: openFiles) == 1)
    }

    @Test
    func `every key is read`() throws {
        let configuration = try read(
            """
            {"connection": {"accessKeyId": "AK", "secretAccessKey": "SK", "sessionToken": "ST", "region": "eu-west-1",
                            "endpoint": "HTTPS://S3.Example.net:443/", "caFile": "/etc/ca.pem"},
             "stateDirectory": "/data//syncd/", "concurrency": 8,
             "uploadBytesPerSecond": "8MiB", "downloadBytesPerSecond": 1000000,
             "folders": [{"name": "x", "path": "/srv//x/", "bucket": "Old_Bucket", "prefix": "a/b", "direction": "down",
                          "delete": true, "exclude": ["*.tmp"], "scanInterval": "90s", "listInterval": "2h",
                          "maxDeletePercent": 100, "trashDays": 0, "deleteDelay": "0s",
                          "folderMarkers": false, "remoteTrashPrefix": "", "storageClass": "STANDARD_IA",
                          "encryption": "aws:kms", "kmsKeyId": "K", "contentTypes": {"JXL": "image/jxl"},
                          "metadata": {"Owner": "me"}}]}
            """
        )
        let folder = try #require(configuration.folders.first)
        #expect(folder.writing.storageClass == "STANDARD_IA")
        #expect(folder.writing.encryption == .kms(key: "K"))
        #expect(folder.writing.contentTypes == ["jxl": "image/jxl"])
        #expect(folder.writing.metadata == ["owner": "me"])
        #expect(configuration.stateDirectory == "/data/syncd")
        #expect(configuration.concurrency == 8)
        #expect(configuration.uploadBytesPerSecond == 8 << 20 && configuration.downloadBytesPerSecond == 1_000_000)
        #expect(configuration.connection.endpoint?.text == "https://s3.example.net")
        #expect(configuration.connection.caFile == "/etc/ca.pem")
        #expect(configuration.connection.credentials?.accessKeyID == "AK")
        #expect(configuration.connection.credentials?.secretAccessKey.reveal() == "SK")
        #expect(configuration.connection.credentials?.sessionToken?.reveal() == "ST")
        #expect(folder.path == "/srv/x")
        #expect(folder.folder.endpoint == "https://s3.example.net")
        #expect(folder.folder.prefix == Array("a/b/".utf8))
        #expect(folder.folder.policy == Policy(direction: .down, deletes: true))
        #expect(folder.folder.exclude == ["*.tmp"])
        #expect(folder.folder.maxDeletePercent == 100)
        #expect(folder.folder.trashDays == 0)
        #expect(folder.folder.conflict == .newest)
        #expect(folder.scanInterval == .seconds(90))
        #expect(folder.watchedScanInterval == .seconds(90), "who names an interval wants it kept")
        #expect(folder.listInterval == .seconds(7_200))
        #expect(folder.deleteDelay == .zero)
    }

    @Test
    func `both ways deletes travel, the newest keeps the name, and the bucket is listed often`() throws {
        let both = try #require(try read(text(folder: #""direction": "both""#)).folders.first)
        #expect(both.folder.policy == Policy(direction: .both, deletes: true))
        #expect(both.folder.conflict == .newest && both.listInterval == .seconds(300))
        let fragment = #""direction": "both", "delete": true, "conflict": "remote""#
        let told = try #require(try read(text(folder: fragment)).folders.first)
        #expect(told.folder.policy == both.folder.policy && told.folder.conflict == .remote)
    }

    @Test(arguments: [
        (#""directon": "up""#, #"folders[0].directon: is no known key (did you mean "direction"?)"#),
        (#""zzzzzzzzzz": 1"#, #"folders[0].zzzzzzzzzz: is no known key; the nearest one is "#),
        (#""direction": "upp""#, #"folders[0].direction: "upp" is none of "up", "down", "both" (did you mean "up"?)"#),
        (#""direction": "sideways""#, #"folders[0].direction: "sideways" is none of "up", "down", "both""#),
        (#""direction": 1"#, "folders[0].direction: must be a string, is a number"),
        (
            #""direction": "both", "delete": false"#,
            #"folders[0].delete: is false, and with "direction": "both" deletes always travel: remove it, or sync "up""#
        ),
        (#""conflict": "newest""#, #"folders[0].conflict: goes with "direction": "both""#),
        (#""conflict": "local", "direction": "down""#, #"folders[0].conflict: goes with "direction": "both""#),
        (
            #""conflict": "neither", "direction": "both""#,
            #"folders[0].conflict: "neither" is none of "newest", "local","#
        ),
        (#""delete": "yes""#, "folders[0].delete: must be true or false, is a string"),
        (#""delete": null"#, "folders[0].delete: must be true or false, is null"),
        (#""exclude": "*.tmp""#, "folders[0].exclude: must be a list of strings, is a string"),
        (#""exclude": ["a", 2]"#, "folders[0].exclude[1]: must be a string, is a number"),
        (#""exclude": [""]"#, "folders[0].exclude[0]: is empty"),
        (#""scanInterval": "15 minutes""#, #"folders[0].scanInterval: "15 minutes" is no duration"#),
        (#""scanInterval": 15"#, "folders[0].scanInterval: must be a string, is a number"),
        (#""listInterval": "0s""#, "folders[0].listInterval: must be at least 1s, is 0s"),
        (#""deleteDelay": "-1s""#, #"folders[0].deleteDelay: "-1s" is no duration"#),
        (#""maxDeletePercent": 101"#, "folders[0].maxDeletePercent: must be a whole number from 0 to 100, is 101"),
        (#""maxDeletePercent": 1.5"#, "folders[0].maxDeletePercent: must be a whole number from 0 to 100, is a number"),
        (#""trashDays": -1"#, "folders[0].trashDays: must be a whole number from 0 to 36500, is -1"),
        (
            #""direction": "both", "conflict": "neweset""#,
            #"folders[0].conflict: "neweset" is none of "newest", "local", "remote" (did"#
        ),
        (#""folderMarkers": 1"#, "folders[0].folderMarkers: must be true or false, is a number"),
        (#""remoteTrashPrefix": "t/""#, "folders[0].remoteTrashPrefix: is not supported by this version"),
        (#""connection": {}"#, "folders[0].connection: must be a string, is an object"),
        (#""connection": "r2""#, #"folders[0].connection: no connection "r2"; there are no "connections""#),
        (
            #""encryption": "AES128""#,
            #"folders[0].encryption: "AES128" is none of "AES256", "aws:kms", "customer" (did"#
        ),
        (#""encryption": "customer""#, "folders[0].customerKeyFile: is missing"),
        (#""customerKeyFile": "/k""#, #"folders[0].customerKeyFile: goes with "encryption": "customer""#),
        (#""encryption": "customer", "customerKeyFile": "k""#, #"folders[0].customerKeyFile: "k" is not absolute"#),
        (
            #""encryption": "customer", "customerKeyFile": "/nowhere/k""#,
            "folders[0].customerKeyFile: /nowhere/k cannot be read"
        ),
        (#""kmsKeyId": "k""#, #"folders[0].kmsKeyId: goes with "encryption": "aws:kms""#),
        (#""acl": "everybody""#, #"folders[0].acl: "everybody" is none of "private""#),
        (#""storageClass": "é""#, "folders[0].storageClass: must be ASCII"),
        (#""metadata": []"#, "folders[0].metadata: must be an object of strings, is a list"),
        (#""metadata": {"mtime": "1"}"#, "folders[0].metadata.mtime: is syncd's own"),
        (#""metadata": {"MD5chksum": "1"}"#, "folders[0].metadata.md5chksum: is syncd's own"),
        (#""metadata": {"a b": "1"}"#, "folders[0].metadata.a b: is no name"),
        (#""metadata": {"a": 1}"#, "folders[0].metadata.a: must be a string, is a number"),
        (#""contentTypes": "x""#, "folders[0].contentTypes: must be an object of strings, is a string"),
        (#""prefix": "a//b""#, #"folders[0].prefix: "a//b" has an empty segment"#),
        (#""prefix": "/a""#, #"folders[0].prefix: "/a" has an empty segment"#),
        (#""prefix": "a/../b""#, #"folders[0].prefix: "a/../b" has an empty segment, ".""#),
        (#""prefix": ".syncd/""#, #"folders[0].prefix: names beginning with ".syncd" belong to syncd itself"#),
        (#""prefix": "a\u0000b""#, "folders[0].prefix: holds a control character"),
    ])
    func `a wrong value in a folder is named by its key path`(fragment: String, line: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text(folder: fragment)) }
        #expect(error?.lines.contains { $0.hasPrefix("config.json: \(line)") } == true, "\(error?.lines ?? [])")
    }

    @Test(arguments: [
        (#""conections": {}"#, #"conections: is no known key (did you mean "connections"?)"#),
        (#""connections": []"#, "connections: must be an object of connections by name, is a list"),
        (#""connections": {"a b": {}}"#, "connections.a b: is no name"),
        (#""connections": {"r2": {"regon": "x"}}"#, #"connections.r2.regon: is no known key (did you mean "region"?)"#),
        (#""connections": {"r2": {"accessKeyId": "AK"}}"#, "connections.r2.secretAccessKey: is missing, while"),
        (#""connections": {"r2": {}}"#, #"folders[0].connection: is missing: there is no "connection" at the top"#),
        (#""connection": {"addressing": "vhost"}"#, #"connection.addressing: "vhost" is none of "path", "virtual""#),
        (#""connection": {"dualStack": true, "endpoint": "https://a.b"}"#, "connection.dualStack: is about AWS's own"),
        (#""connection": {"profile": "p", "accessKeyId": "AK"}"#, "connection.profile: stands beside keys"),
        (#""concurrency": 0"#, "concurrency: must be a whole number from 1 to 512, is 0"),
        (#""stateDirectory": """#, "stateDirectory: is empty"),
        (#""stateDirectory": "state""#, #"stateDirectory: "state" is not absolute"#),
        (#""stateDirectory": "/a/../b""#, #"stateDirectory: "/a/../b" has a segment ".""#),
        (#""uploadBytesPerSecond": "8""#, "uploadBytesPerSecond: must be at least 1KiB, is 8: write 0 for no limit"),
        (#""downloadBytesPerSecond": 1023"#, "downloadBytesPerSecond: must be at least 1KiB, is 1023"),
        (#""uploadBytesPerSecond": "fast""#, #"uploadBytesPerSecond: "fast" is no size"#),
        (#""downloadBytesPerSecond": -1"#, "downloadBytesPerSecond: -1 is no size"),
        (#""downloadBytesPerSecond": true"#, "downloadBytesPerSecond: must be a size, is true or false"),
        (#""connection": []"#, "connection: must be an object, is a list"),
        (#""connection": {"regon": "x"}"#, #"connection.regon: is no known key (did you mean "region"?)"#),
        (#""connection": {"region": "a b"}"#, #"connection.region: "a b" is no region"#),
        (#""connection": {"accessKeyId": "AK"}"#, "connection.secretAccessKey: is missing, while accessKeyId is set"),
        (#""connection": {"secretAccessKey": "SK"}"#, "connection.accessKeyId: is missing, while secretAccessKey is"),
        (#""connection": {"sessionToken": "ST"}"#, "connection.sessionToken: is set without accessKeyId"),
        (#""connection": {"secretAccessKey": 12345}"#, "connection.secretAccessKey: must be a string, is a number"),
        (#""connection": {"endpoint": "s3.example.net"}"#, "connection.endpoint: an endpoint begins with https://"),
        (#""connection": {"endpoint": "https://u:p@h"}"#, "connection.endpoint: an endpoint holds no user or password"),
        (#""connection": {"endpoint": "https://h/path"}"#, "connection.endpoint: an endpoint has no path"),
        (#""connection": {"endpoint": "https://h:99999"}"#, "connection.endpoint: an endpoint's port is"),
        (#""connection": {"endpoint": "https://"}"#, "connection.endpoint: an endpoint is a host name"),
        (#""connection": {"caFile": "ca.pem"}"#, #"connection.caFile: "ca.pem" is not absolute"#),
    ])
    func `a wrong value outside folders is named by its key path`(fragment: String, line: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text(top: fragment)) }
        #expect(error?.lines.contains { $0.hasPrefix("config.json: \(line)") } == true, "\(error?.lines ?? [])")
    }

    @Test(arguments: [
        ("[]", "config.json: must be an object, is a list"),
        ("{}", "config.json: folders: is missing"),
        (#"{"folders": {}}"#, "config.json: folders: must be a list of objects, is an object"),
        (#"{"folders": []}"#, "config.json: folders: is empty"),
        (#"{"folders": ["a"]}"#, "config.json: folders[0]: must be an object, is a string"),
        (#"{"folders": [{"path": "/a", "bucket": "bbb"}]}"#, "config.json: folders[0].name: is missing"),
        (#"{"folders": [{"name": "", "path": "/a", "bucket": "bbb"}]}"#, "config.json: folders[0].name: is empty"),
        (
            #"{"folders": [{"name": "a b", "path": "/a", "bucket": "bbb"}]}"#,
            "config.json: folders[0].name: \"a b\" is no name"
        ),
        (
            #"{"folders": [{"name": "-a", "path": "/a", "bucket": "bbb"}]}"#,
            "config.json: folders[0].name: \"-a\" is no name"
        ),
        (#"{"folders": [{"name": "a", "bucket": "bbb"}]}"#, "config.json: folders[0].path: is missing"),
        (
            #"{"folders": [{"name": "a", "path": "~/a", "bucket": "bbb"}]}"#,
            "config.json: folders[0].path: \"~/a\" is not absolute"
        ),
        (#"{"folders": [{"name": "a", "path": "/a"}]}"#, "config.json: folders[0].bucket: is missing"),
        (
            #"{"folders": [{"name": "a", "path": "/a", "bucket": "bbb"}, {"name": "a", "path": "/b", "bucket": "ccc"}]}"#,
            "config.json: folders[1].name: \"a\" is the name of folders[0] already"
        ),
    ])
    func `what is missing or twice is named by its key path`(text: String, line: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.lines.contains { $0.hasPrefix(line) } == true, "\(error?.lines ?? [])")
    }

    @Test
    func `all faults are told at once, and no more than twenty`() {
        let two = #expect(throws: ConfigurationError.self) {
            try read(text(folder: #""delete": 1, "trashDays": "x""#, top: #""concurrency": 0"#))
        }
        #expect(two?.lines.count == 3)
        let many = (0..<30).map { "\"unknown\($0)\": 1" }.joined(separator: ", ")
        let error = #expect(throws: ConfigurationError.self) { try read(text(folder: many)) }
        #expect(error?.lines.count == 21)
        #expect(error?.lines.last == "config.json: 10 more faults")
    }

    @Test(arguments: ["ab", "Family", "my_bucket", "-abc", "abc-", "a..b", "a/b", String(repeating: "a", count: 64)])
    func `AWS takes no bucket of such a name`(name: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text(bucket: name)) }
        #expect(error?.lines.first?.hasPrefix("config.json: folders[0].bucket: \"\(name)\" is no bucket name") == true)
    }

    @Test(arguments: ["ab", "Family", "my_bucket"])
    func `another endpoint may have buckets of older names`(name: String) throws {
        let configuration = try read(text(top: #""connection": {"endpoint": "http://h:1"}"#, bucket: name))
        #expect(configuration.folders.first?.folder.bucket == name)
    }

    @Test
    func `empty strings in the connection are filled in from the environment`() throws {
        let variables = [
            "AWS_ACCESS_KEY_ID": "EAK", "AWS_SECRET_ACCESS_KEY": "ESK", "AWS_SESSION_TOKEN": "EST",
            "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://general:80",
            "AWS_ENDPOINT_URL_S3": "http://special:9000",
        ]
        let empty = #""connection": {"accessKeyId": "", "secretAccessKey": "", "region": "", "endpoint": ""}"#
        let filled = try read(text(top: empty), variables).connection
        #expect(filled.credentials?.accessKeyID == "EAK")
        #expect(filled.credentials?.secretAccessKey.reveal() == "ESK")
        #expect(filled.credentials?.sessionToken?.reveal() == "EST")
        #expect(filled.region == "eu-central-1")
        #expect(filled.endpoint?.text == "http://special:9000")

        let own =
            #""connection": {"accessKeyId": "AK", "secretAccessKey": "SK", "region": "r", "endpoint": "http://h:1"}"#
        let kept = try read(text(top: own), variables).connection
        #expect(kept.credentials?.accessKeyID == "AK")
        #expect(kept.credentials?.sessionToken == nil, "a token of other keys is never joined to these")
        #expect(kept.region == "r")
        #expect(kept.endpoint?.text == "http://h:1")
    }

    @Test
    func `half a pair of keys in the environment is an error, and none at all is told when they are needed`() throws {
        #expect(throws: ConfigurationError.self) { try read(text(), ["AWS_ACCESS_KEY_ID": "EAK"]) }
        #expect(throws: ConfigurationError.self) { try read(text(), ["AWS_SECRET_ACCESS_KEY": "ESK"]) }
        let without = try read(text())
        let error = #expect(throws: ConfigurationError.self) { try without.requireCredentials(FakeCredentialsHost()) }
        #expect(error?.lines.first?.hasPrefix("config.json: connection: no credentials: set accessKeyId") == true)
    }

    @Test(arguments: [
        (["STATE_DIRECTORY": "/a:/b", "HOME": "/home/u"], false, "/a"),
        ([:], true, "/var/lib/syncd"),
        (["XDG_STATE_HOME": "/x", "HOME": "/home/u"], false, "/x/syncd"),
        (["HOME": "/home/u"], false, "/home/u/.local/state/syncd"),
    ])
    func `the state directory has a place of its own for each kind of user`(
        variables: [String: String],
        isRoot: Bool,
        path: String
    ) throws {
        #expect(try read(text(), variables, isRoot: isRoot).stateDirectory == path)
        #expect(try read(text(top: #""stateDirectory": "/s""#), variables, isRoot: isRoot).stateDirectory == "/s")
    }

    @Test
    func `a folder is found by its name, and a slip is guessed`() throws {
        let configuration = try read(text())
        #expect(try configuration.folder(named: "photos").path == "/srv/photos")
        let error = #expect(throws: UsageError.self) { try configuration.folder(named: "photo") }
        #expect(error?.message == "no folder \"photo\" in config.json (did you mean \"photos\"?); there is \"photos\"")
    }

    @Test(arguments: [("90s", 90), ("15m", 900), ("1h", 3_600), ("7d", 604_800), ("0s", 0)])
    func `a duration is a number and a unit`(text: String, seconds: Int) {
        #expect(Units.duration(text) == .seconds(seconds))
    }

    @Test(arguments: [
        "", "s", "15", "1.5h", "1 h", "1H", "-1s", "1h30m", "99999999999999999999s", "9223372036854775807d", "4000d",
    ])
    func `anything else is no duration`(text: String) {
        #expect(Units.duration(text) == nil)
    }

    @Test(
        arguments: [("1", 1), ("64KiB", 65_536), ("8MiB", 8_388_608), ("1GB", 1_000_000_000), ("7B", 7)]
            as [(String, Int64)]
    )
    func `a size is a number and perhaps a unit`(text: String, bytes: Int64) {
        #expect(Units.size(text) == bytes)
    }

    @Test(arguments: ["", "MiB", "1.5MiB", "8 MiB", "-1", "9223372036854775807TiB", "8mib"])
    func `anything else is no size`(text: String) {
        #expect(Units.size(text) == nil)
    }
}
