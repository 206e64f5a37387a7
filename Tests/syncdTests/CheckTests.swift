import Glibc
import S3API
import SyncEngine
import Testing
import Text

@testable import syncd

struct CheckTests {
    private let directory = TemporaryDirectory()
    private let transcript = Transcript()

    /// Folders `photos` (up) and `backups` (down) below the directory.
    private func configuration(exclude: [String] = []) throws -> Configuration {
        var configuration = try sampleConfiguration(in: directory.path)
        for index in configuration.folders.indices {
            let path = "\(directory.path)/\(configuration.folders[index].folder.name)"
            configuration.folders[index].path = path
            configuration.folders[index].folder.root = Array(path.utf8)
            configuration.folders[index].folder.exclude = exclude
        }
        return configuration
    }

    private func check(
        _ configuration: Configuration,
        isJSON: Bool = false,
        watches: Int64? = 1_000,
        list: @escaping CheckRun.Lister = { folder throws(S3Error) in
            CheckRun.Look(holdsObjects: true, clockLead: 0)
        }
    ) async -> ExitCause {
        var local = LocalChecks(configuration: configuration)
        local.maximumWatches = watches
        return await CheckRun(
            local: local,
            folders: configuration.folders,
            isJSON: isJSON,
            console: transcript.console(),
            findKeys: { _ throws(CredentialsError) in throw CredentialsError(.none, "no place has keys") },
            list: list
        ).run()
    }

    @Test
    func `all is well, line by line`() async throws {
        let configuration = try configuration()
        _ = directory.directory("photos")
        _ = directory.directory("photos/2024")
        _ = directory.directory("backups")
        #expect(await check(configuration) == .done)
        let lines = transcript.output.split(separator: "\n")
        #expect(lines.count == 10)
        #expect(lines.allSatisfy { $0.hasSuffix(" ok") }, "\(transcript.output)")
        #expect(transcript.output.contains("the configuration, key AK…"))
        #expect(transcript.output.contains("photos, 2 directories, readable"))
        #expect(transcript.output.contains("backups, 1 directory, writable"))
        #expect(transcript.output.contains("2 of 1,000 inotify watches"))
        #expect(transcript.output.contains("s3://family/photos/, not empty"))
        #expect(!transcript.output.contains(canary))
    }

    @Test(arguments: [
        (0, "as the endpoint's", ExitCause.done), (12, "12 s ahead of the endpoint's", .done),
        (-40, "40 s behind the endpoint's", .done), (3_600, "1 h ahead of the endpoint's", .problems),
    ])
    func `a clock that is wrong wants attention`(lead: Int64, words: String, cause: ExitCause) async throws {
        let configuration = try configuration()
        _ = directory.directory("photos")
        _ = directory.directory("backups")
        let result = await check(configuration) { _ throws(S3Error) in
            CheckRun.Look(holdsObjects: true, clockLead: lead)
        }
        #expect(result == cause)
        #expect(transcript.output.contains(words), "\(transcript.output)")
    }

    @Test
    func `a root that is missing, or is no directory, halts`() async throws {
        let configuration = try configuration()
        directory.file("backups", "")
        #expect(await check(configuration) == .halted)
        #expect(transcript.output.contains("failed: is not there; syncd never creates one"))
        #expect(transcript.output.contains("failed: is no directory"))
    }

    @Test
    func `keys are looked for, and without them no bucket is asked`() async throws {
        var configuration = try configuration()
        configuration.connection.credentials = nil
        for index in configuration.folders.indices { configuration.folders[index].connection.credentials = nil }
        _ = directory.directory("photos")
        _ = directory.directory("backups")
        let cause = await check(configuration) { _ throws(S3Error) in
            Issue.record("a bucket was asked")
            return CheckRun.Look(holdsObjects: true)
        }
        #expect(cause == .configuration)
    }

    @Test(arguments: [
        (S3Error.Code.transport, ExitCause.unreachable, 1), (.credentialsRefused, .credentialsRefused, 2),
        (.noSuchBucket, .failed, 2), (.accessDenied, .failed, 2),
    ])
    func `what the service says is the exit code`(code: S3Error.Code, cause: ExitCause, failures: Int) async throws {
        let configuration = try configuration()
        _ = directory.directory("photos")
        _ = directory.directory("backups")
        let result = await check(configuration) { folder throws(S3Error) in
            throw S3Error(code: code, operation: "ListObjectsV2", bucket: folder.folder.bucket, message: "no")
        }
        #expect(result == cause)
        #expect(transcript.output.split(separator: "\n").filter { $0.contains("failed:") }.count == failures)
    }

    @Test
    func `more directories than watches want attention, but not those that are excluded`() async throws {
        _ = directory.directory("photos")
        _ = directory.directory("backups")
        for index in 0..<4 { _ = directory.directory("photos/d\(index)") }
        #expect(await check(try configuration(), watches: 4) == .problems)
        #expect(transcript.output.contains("careful: what has no watch is looked at every scanInterval"))
        #expect(await check(try configuration(exclude: ["/d3/"]), watches: 4) == .done)
    }

    @Test(arguments: [
        (Permissions.Action.abort, ExitCause.problems, "careful: abort is denied: unfinished uploads stay"),
        (.put, .failed, "failed: put is denied: nothing can go up"),
        (.list, .failed, "failed: list is denied: nothing can be synced"),
    ])
    func `what a probe found is told`(denied: Permissions.Action, cause: ExitCause, words: String) throws {
        let folder = try configuration().folders[0].folder
        var found = CapabilityProbe.Findings()
        for action in Permissions.Action.allCases { found.permissions[action] = action == denied ? .no : .yes }
        found.capabilities[.putIfNoneMatch] = .yes
        found.capabilities[.putIfMatchUnquoted] = .yes
        let report = CheckReport(findings: [
            ProbeFindings.permissions(found.permissions, of: folder),
            ProbeFindings.capabilities(found.capabilities, of: folder),
        ])
        #expect(report.exitCause == cause)
        let lines = report.lines(transcript.console())
        #expect(lines[0].contains(words), "\(lines)")
        #expect(lines[1].contains("conditional PUT yes · conditional DELETE unknown"), "\(lines)")
        let json = report.json["checks"]?.elements?[1]["capabilities"]
        #expect(json?["putIfNoneMatch"]?.text == "yes" && json?["byteOrder"]?.text == "unknown")
    }

    @Test
    func `in JSON every finding has all keys`() async throws {
        let configuration = try configuration()
        _ = directory.directory("photos")
        #expect(await check(configuration, isJSON: true) == .halted)
        let json = try JSONParser.parse(Array(transcript.output.utf8))
        #expect(json["ok"]?.flag == false)
        let checks = try #require(json["checks"]?.elements)
        #expect(checks.count == 10)
        for check in checks {
            #expect(
                check.members?.map(\.key) == [
                    "check", "folder", "connection", "detail", "capabilities", "guards", "result", "message",
                ]
            )
        }
        #expect(checks.filter { $0["result"]?.text == "failed" }.map { $0["folder"]?.text } == ["backups"])
    }

    @Test
    func `a key's id is shown by its ends alone`() {
        #expect(LocalChecks.masked("AKIAIOSFODNN7EXAMPLE") == "AKIA…MPLE")
        #expect(LocalChecks.masked("short") == "sh…")
        #expect(LocalChecks.masked("") == "…")
    }
}
