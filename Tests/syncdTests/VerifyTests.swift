import SyncEngine
import Testing
import Text

@testable import syncd

/// What `syncd verify` says and exits with.
struct VerifyTests {
    private let directory = TemporaryDirectory()

    private func report(_ change: (inout VerifyReport) throws -> Void = { _ in }) rethrows -> VerifyReport {
        var report = VerifyReport(
            startedAt: time("2026-11-22T12:00:00.000Z"),
            finishedAt: time("2026-11-22T12:41:00.000Z")
        )
        (report.entries, report.verified, report.bytesRead) = (48_213, 48_210, 212 << 30)
        report.requests = ["LIST": 49]
        try change(&report)
        return report
    }

    private func finding(_ path: [UInt8], _ side: Side, _ kind: FindingKind, _ message: String) throws -> Finding {
        Finding(path: try RelativePath(path), side: side, kind: kind, message: message)
    }

    private func screen(_ report: VerifyReport, readsObjects: Bool = false) throws -> VerifyScreen {
        let folder = try #require(try sampleConfiguration(in: directory.path).folders.first)
        let console = Transcript().console(width: 100)
        return VerifyScreen(folder: folder, report: report, readsObjects: readsObjects, console: console)
    }

    private func run(
        _ reports: [String: VerifyReport],
        isJSON: Bool = false,
        stop: StopSignal = StopSignal()
    ) async throws -> (cause: ExitCause, transcript: Transcript) {
        let configuration = try sampleConfiguration(in: directory.path)
        let transcript = Transcript()
        let verify = VerifyRun(
            configuration: configuration,
            folders: configuration.folders,
            readsObjects: false,
            isJSON: isJSON,
            console: transcript.console(),
            clock: StillClock(),
            makeRunner: { _ in ScriptedRunner(verifications: reports) }
        )
        return (await verify.run(until: stop), transcript)
    }

    @Test func `what was found stands in columns under a line that sums it up`() throws {
        let lines = try screen(
            report { report in
                report.faulty = 3
                report.findings = [
                    try finding(Array("2024/a.jpg".utf8), .local, .rotten, "the disk may be failing"),
                    try finding(Array("old/b\nc.txt".utf8), .remote, .missing, "it is gone"),
                    try finding(Array("x".utf8), .local, .unreadable, "a\u{1B}[2J"),
                ]
            }
        ).lines
        #expect(
            lines == [
                "48,210 files verified, 212 GiB read here · 41 min · 3 differ",
                #"! rotten      2024/a.jpg     (here)    the disk may be failing"#,
                #"- missing     old/b\nc.txt   (bucket)  it is gone"#,
                #"? unreadable  x              (here)    a\u{1b}[2J"#,
            ]
        )
    }

    typealias Change = @Sendable (inout VerifyReport) -> Void

    private static let nothing: Change = { ($0.entries, $0.verified, $0.bytesRead) = (0, 0, 0) }

    static let ends: [(Change, String, ExitCause)] = [
        ({ _ in }, "all well", .done),
        ({ $0.notSynced = 2 }, "2 not synced yet · all well", .done),
        ({ $0.unverifiable = 1_200 }, "1,200 unverifiable · all well", .done),
        ({ $0.faulty = 1 }, "1 differs", .problems),
        ({ $0.failure = CycleFailure(code: .interrupted, message: "m") }, "interrupted", .failed),
        ({ $0.failure = CycleFailure(code: .credentialsRefused, message: "m") }, "failed", .credentialsRefused),
        ({ $0.failure = CycleFailure(code: .busy, message: "m") }, "failed", .busy),
        ({ $0.failure = CycleFailure(code: .neverSynced, message: "m") }, "failed", .failed),
        ({ $0.halt = Halt(reason: .rootMissing) }, "halted", .halted),
    ]

    @Test(arguments: ends.indices)
    func `one line says how it went, and the worst of all folders is the exit code`(number: Int) async throws {
        let (change, words, cause) = Self.ends[number]
        let line = try screen(report(change)).lines.first
        #expect(line == "48,210 files verified, 212 GiB read here · 41 min · \(words)")
        #expect(try await run(["photos": report(change), "backups": report()]).cause == cause)
        #expect(try await run(["photos": report(), "backups": report(change)]).cause == cause)
    }

    @Test func `where nothing was looked at, nothing is said to be verified`() throws {
        let halted = report { report in
            Self.nothing(&report)
            report.halt = Halt(reason: .rootMissing)
        }
        #expect(try screen(halted).lines.first == "nothing verified · 41 min · halted")
        #expect(try screen(halted).complaints.first?.hasPrefix("photos: halted: ") == true)
        let empty = report(Self.nothing)
        #expect(try screen(empty).lines.first == "0 files verified, 0 bytes read here · 41 min · all well")
    }

    @Test func `what was read in the bucket is told where it was read`() throws {
        let line = try screen(report { $0.bytesFetched = 3 << 20 }, readsObjects: true).lines.first
        #expect(line == "48,210 files verified, 212 GiB read here, 3.0 MiB in the bucket · 41 min · all well")
    }

    @Test func `rows that are not shown are counted`() throws {
        let lines = try screen(
            report { report in
                report.findings = try (0..<1_002).map { try finding(Array("f\($0)".utf8), .local, .rotten, "m") }
                report.furtherFindings = 40
                report.unverifiable = 2
            }
        ).lines
        #expect(lines.count == 1 + VerifyScreen.maximumRows + 2)
        #expect(lines.suffix(2).first == "  … and 42 more")
        #expect(lines.last == "  2 are unverifiable: their ETags do not tell their content, and nothing else does")
    }

    @Test func `JSON has every key, and the very bytes of a path that is no text`() async throws {
        let odd = try report { report in
            report.faulty = 1
            report.findings = [try finding([0x61, 0xFF], .remote, .differing, "m")]
            report.halt = Halt(reason: .rootMissing)
            report.failure = CycleFailure(code: .unreachable, message: "gone")
        }
        let (cause, transcript) = try await run(["photos": odd, "backups": report()], isJSON: true)
        #expect(cause == .unreachable)
        let json = try JSONParser.parse(Array(transcript.output.utf8))
        let folders = try #require(json["folders"]?.elements)
        let keys = folders.map { $0.members?.map(\.key) }
        #expect(folders.count == 2 && keys[0] == keys[1])
        #expect(
            keys[0] == [
                "name", "path", "bucket", "prefix", "direction", "startedAt", "finishedAt", "entries", "verified",
                "differing", "notSynced", "unverifiable", "bytesRead", "bytesFetched", "findings", "furtherFindings",
                "halt", "failure", "requests",
            ]
        )
        let told = try #require(folders[0]["findings"]?.elements?.first)
        #expect(told.members?.map(\.key) == ["path", "pathBase64", "side", "kind", "message"])
        #expect(told["pathBase64"]?.text == "Yf8=" && told["kind"]?.text == "differing")
        #expect(folders[0]["failure"]?["kind"]?.text == "unreachable" && folders[0]["halt"]?["command"] == .null)
        #expect(folders[1]["failure"] == .null && folders[1]["halt"] == .null)
        #expect(folders[1]["requests"]?.members?.map(\.key) == ["LIST", "GET", "HEAD"])
    }

    @Test func `how far it is, is told in pages of the listing and then in bytes`() {
        var progress = ProgressSnapshot()
        (progress.phase, progress.pagesListed) = (.listing, 3)
        #expect(CycleLines.progress(progress, transferring: .zero, bar: 0) == "listing 3 pages")
        progress.phase = .verifying
        (progress.transfers, progress.transfersDone) = (2_310, 1_204)
        (progress.bytes, progress.bytesDone) = (4 << 30, 1 << 30)
        #expect(
            CycleLines.progress(progress, transferring: .seconds(10), bar: 0)
                == "25%  1.0 of 4.0 GiB  102 MiB/s  1,204 of 2,310 files  30 s left"
        )
    }

    @Test func `people are told of each folder, and errors go to standard error`() async throws {
        let failed = report { $0.failure = CycleFailure(code: .unreachable, message: "no answer") }
        let (_, transcript) = try await run(["photos": report(), "backups": failed])
        #expect(transcript.output.contains("\nphotos    48,210 files verified"))
        #expect(transcript.errors == "syncd: backups: no answer\n")
    }

    @Test func `a folder that a stop came before is not begun, and that is no success`() async throws {
        let stop = StopSignal()
        stop.request()
        let (cause, transcript) = try await run(["photos": report(), "backups": report()], stop: stop)
        #expect(cause == .failed)
        #expect(transcript.errors == "syncd: photos: not begun\nsyncd: backups: not begun\n")
    }

    @Test func `another syncd at work is 75`() async throws {
        let lock = try StateDirectory(path: sampleConfiguration(in: directory.path).stateDirectory).lock()
        let (cause, transcript) = try await run([:])
        #expect(cause == .busy)
        #expect(transcript.errors.contains("another syncd"))
        withExtendedLifetime(lock) {}
    }
}
