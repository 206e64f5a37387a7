import Glibc
import SyncEngine
import Testing

@testable import syncd

struct ConfigurationFileTests {
    private func lines(_ path: String) -> [String] {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.load(path, environment: environment())
        }
        return error?.lines ?? []
    }

    /// A configuration whose folders have these roots, prefixes and buckets.
    private func text(state: String, _ folders: [(path: String, bucket: String, prefix: String)]) -> String {
        let list = folders.enumerated().map { index, folder in
            #"{"name": "f\#(index)", "path": "\#(folder.path)", "bucket": "\#(folder.bucket)", "prefix": "\#(folder.prefix)"}"#
        }
        return #"{"stateDirectory": "\#(state)", "folders": [\#(list.joined(separator: ", "))]}"#
    }

    @Test
    func `the example in the repository is a configuration without faults`() throws {
        let here = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let configuration = try ConfigurationFile.load("/\(here)/Config.example.json", environment: environment())
        #expect(configuration.folders.map(\.folder.name) == ["photos"])
        #expect(configuration.connection.credentials == nil)
    }

    @Test
    func `a missing file, a directory and malformed JSON are told by name`() {
        let directory = TemporaryDirectory()
        #expect(lines("\(directory.path)/none")[0].hasPrefix("\(directory.path)/none: cannot be read: No such file"))
        #expect(lines(directory.path) == ["\(directory.path): cannot be read: Is a directory"])
        let file = directory.file("c.json", "{\n  \"folders\": [,]\n}")
        #expect(lines(file) == ["\(file): line 2, column 15: expected a value, found \",\""])
        let large = directory.file("large.json", String(repeating: " ", count: ConfigurationFile.maximumSize + 1))
        #expect(lines(large) == ["\(large): is larger than 4 MiB"])
    }

    @Test(arguments: [0o644, 0o640, 0o660, 0o604] as [mode_t])
    func `a secret in a file that others can reach is refused`(mode: mode_t) throws {
        let directory = TemporaryDirectory()
        let folder = #""folders": [{"name": "a", "path": "/nonexistent/a", "bucket": "bbb"}]"#
        let secret = #"{"connection": {"accessKeyId": "AK", "secretAccessKey": "\#(canary)"}, \#(folder)}"#
        let open = directory.file("open's.json", secret, mode: mode)
        let told = lines(open)
        #expect(told.count == 1)
        #expect(told[0].hasSuffix(#": chmod 600 '\#(directory.path)/open'\''s.json'"#))
        #expect(told[0].contains("connection.secretAccessKey: stands in a file that others can reach"))
        #expect(!told[0].contains(canary))
        chmod(open, 0o600)
        _ = try ConfigurationFile.load(open, environment: environment())
        let harmless = directory.file("harmless.json", "{\(folder)}", mode: mode)
        _ = try ConfigurationFile.load(harmless, environment: environment())
    }

    @Test
    func `folders that share files are refused, whatever names they go by`() {
        let directory = TemporaryDirectory()
        let root = directory.directory("root")
        _ = directory.directory("root/inner")
        symlink(root, "\(directory.path)/other")
        let cases: [(paths: [String], line: String)] = [
            ([root, root], "folders[1].path: is the root of folders[0]"),
            ([root, "\(directory.path)/other"], "folders[1].path: is the root of folders[0]"),
            ([root, "\(directory.path)/other/inner/new"], "folders[1].path: lies inside the root of folders[0]"),
            (["\(directory.path)/other/inner", root], "folders[0].path: lies inside the root of folders[1]"),
            (["/", root], "folders[1].path: lies inside the root of folders[0]"),
        ]
        for (paths, line) in cases {
            let folders = paths.enumerated().map { (path: $1, bucket: "bucket\($0)", prefix: "") }
            let file = directory.file("c.json", text(state: "/nonexistent/state", folders))
            #expect(lines(file).contains("\(file): \(line): two folders cannot share files"), "\(paths)")
        }
    }

    @Test
    func `roots and prefixes that only begin alike do not overlap`() throws {
        let directory = TemporaryDirectory()
        let file = directory.file(
            "c.json",
            text(
                state: "/nonexistent/state",
                [
                    ("/nonexistent/a", "bbb", "photos"), ("/nonexistent/a2", "bbb", "photos2"),
                    ("/nonexistent/c", "ccc", ""),
                ]
            )
        )
        #expect(try ConfigurationFile.load(file, environment: environment()).folders.count == 3)
    }

    @Test(arguments: [
        ("p/", "p", "is, in the same bucket, the prefix of"),
        ("", "p", "lies, in the same bucket, inside the prefix of"),
        ("p/q", "p", "holds, in the same bucket, the prefix of"),
    ])
    func `folders that share objects are refused`(first: String, second: String, relation: String) {
        let directory = TemporaryDirectory()
        let folders = [("/nonexistent/a", "bbb", first), ("/nonexistent/b", "bbb", second)]
        let file = directory.file("c.json", text(state: "/nonexistent/state", folders))
        #expect(lines(file) == ["\(file): folders[1].prefix: \(relation) folders[0]: two folders cannot share objects"])
    }

    @Test
    func `neither the state nor the configuration may lie inside a root`() {
        let directory = TemporaryDirectory()
        let root = directory.directory("root")
        symlink(root, "\(directory.path)/link")
        let state = directory.file("c.json", text(state: "\(directory.path)/link/state", [(root, "bbb", "")]))
        #expect(lines(state) == ["\(state): stateDirectory: lies inside the root of folders[0]: move it elsewhere"])
        let inside = directory.file("root/c.json", text(state: "/nonexistent/state", [(root, "bbb", "")]))
        #expect(
            lines(inside) == [
                "\(inside): folders[0].path: holds this configuration file: move one of the two elsewhere"
            ]
        )
    }

    /// Whoever writes them has commands run, and whoever reads them has the keys.
    @Test
    func `files with keys inside a root must be excluded`() throws {
        let directory = TemporaryDirectory()
        let root = directory.directory("root")
        let home = directory.directory("root/home")
        let key = directory.file("root/key", String(repeating: "k", count: 32))
        let place = ProcessEnvironment(isRoot: true) { $0 == "HOME" ? home : nil }
        func faults(_ options: String, keys: Bool = true) -> [String] {
            let connection = keys ? #""accessKeyId": "AK", "secretAccessKey": "SK", "# : ""
            let text = """
                {"connection": {\(connection)"endpoint": "https://s3.example.net"}, "stateDirectory": "/nonexistent/state",
                 "folders": [{"name": "a", "path": "\(root)", "bucket": "bbb"\(options)}]}
                """
            let file = directory.file("c.json", text)
            do throws(ConfigurationError) {
                _ = try ConfigurationFile.load(file, environment: place)
                return []
            } catch {
                return error.faults.map { "\($0.keyPath): \($0.message)" }
            }
        }
        #expect(faults("").isEmpty, "keys are in the configuration, and there is no such file")
        let looking = faults("", keys: false)
        #expect(looking.count == 2)
        #expect(looking[0].contains(#"folders[0].exclude: the root holds AWS's shared config"#))
        #expect(looking[1].contains(#"exclude "/home/.aws/credentials""#))
        #expect(faults(#", "exclude": [".aws/"]"#, keys: false).isEmpty)
        _ = directory.directory("root/home/.aws")
        _ = directory.file("root/home/.aws/credentials", "[default]")
        #expect(faults("").count == 1)
        let own = #", "exclude": [".aws/"], "encryption": "customer", "customerKeyFile": "\#(key)""#
        #expect(
            faults(own) == [
                #"folders[0].exclude: the root holds the customerKeyFile, which must not be synced: exclude "/key", or move it elsewhere"#
            ]
        )
        #expect(faults(own.replacing(".aws/", with: #".aws/", "/key"#)).isEmpty)
    }

    @Test
    func `a file of certificates that cannot be read is told`() {
        let directory = TemporaryDirectory()
        let folder = #""folders": [{"name": "a", "path": "/nonexistent/a", "bucket": "bbb"}]"#
        let file = directory.file("c.json", #"{"connection": {"caFile": "/nonexistent/ca.pem"}, \#(folder)}"#)
        #expect(
            lines(file) == ["\(file): connection.caFile: /nonexistent/ca.pem cannot be read: No such file or directory"]
        )
    }
}
