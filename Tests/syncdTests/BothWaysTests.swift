import S3API
import TestSupport
import Testing
import Text

@testable import SyncEngine
@testable import syncd

/// What people and scripts are told of folders that sync both ways, and of what their writes go by.
struct BothWaysTests {
    private let transcript = Transcript()

    private func folder(_ direction: Direction, _ conflict: ConflictWinner = .newest) throws -> ConfiguredFolder {
        var configured = try sampleConfiguration(in: "/nowhere").folders[0]
        configured.folder.policy = Policy(direction: direction, deletes: true)
        configured.folder.conflict = conflict
        return configured
    }

    private func capabilities(_ features: [Capabilities.Feature: Capabilities.Verdict]) -> Capabilities {
        var capabilities = Capabilities()
        for (feature, verdict) in features { capabilities[feature] = verdict }
        return capabilities
    }

    private static let all: [Capabilities.Feature: Capabilities.Verdict] = [
        .putIfNoneMatch: .yes, .putIfMatch: .yes, .deleteIfMatch: .yes,
    ]
    private static let none: [Capabilities.Feature: Capabilities.Verdict] = all.mapValues { _ in .no }

    // MARK: Guards

    @Test(arguments: [
        (Direction.both, all, WriteGuards?(WriteGuards(overwrites: .condition, parts: nil, deletes: .condition))),
        (.both, none, WriteGuards(overwrites: .head, parts: nil, deletes: .head)),
        (.both, [:], WriteGuards(overwrites: .head, parts: nil, deletes: .head)),
        (
            .both, all.merging([.deleteIfMatch: .no]) { $1 },
            WriteGuards(overwrites: .condition, parts: nil, deletes: .head)
        ),
        (
            .both, all.merging([.putIfNoneMatch: .no]) { $1 },
            WriteGuards(overwrites: .head, parts: nil, deletes: .condition)
        ),
        (
            .both, all.merging([.putIfMatch: .no, .putIfMatchUnquoted: .yes]) { $1 },
            WriteGuards(overwrites: .condition, parts: nil, deletes: .condition)
        ),
        (.up, all, WriteGuards(overwrites: .condition, parts: nil, deletes: .listing)),
        (.up, none, WriteGuards(overwrites: .listing, parts: nil, deletes: .listing)),
        (
            .both, all.merging([.completeIfMatch: .yes]) { $1 },
            WriteGuards(overwrites: .condition, parts: .condition, deletes: .condition)
        ),
        (
            .both, all.merging([.completeIfMatch: .no]) { $1 },
            WriteGuards(overwrites: .condition, parts: .head, deletes: .condition)
        ),
        (
            .up, all.merging([.completeIfMatch: .no]) { $1 },
            WriteGuards(overwrites: .condition, parts: .listing, deletes: .listing)
        ),
        (.down, all, nil),
    ])
    func `what writes go by follows from direction and service`(
        direction: Direction,
        seen: [Capabilities.Feature: Capabilities.Verdict],
        guards: WriteGuards?
    ) throws {
        var folder = try folder(direction).folder
        #expect(WriteGuards(folder, seen: capabilities(seen)) == guards)
        #expect(WriteGuards(folder, seen: nil) == nil, "nobody knows yet")
        folder.capabilities = capabilities(seen)
        #expect(WriteGuards(folder, seen: nil) == (seen.count < 3 ? nil : guards), "the configuration says so")
        #expect(guards.map { WriteGuards(json: $0.json) == $0 } ?? true)
    }

    @Test(arguments: [
        (
            WriteGuards(overwrites: .head, parts: nil, deletes: .head),
            String?("Overwrites and deletes in the bucket are unguarded")
        ),
        (WriteGuards(overwrites: .head, parts: nil, deletes: .condition), "Overwrites in the bucket are unguarded"),
        (WriteGuards(overwrites: .condition, parts: nil, deletes: .head), "Deletes in the bucket are unguarded"),
        (
            WriteGuards(overwrites: .condition, parts: .head, deletes: .condition),
            "Overwrites by files of 16 MiB and more in the bucket are unguarded"
        ),
        (WriteGuards(overwrites: .condition, parts: nil, deletes: .condition), nil),
        (WriteGuards(overwrites: .listing, parts: nil, deletes: .listing), nil),
    ])
    func `a status says where writes are unguarded`(guards: WriteGuards, words: String?) throws {
        let configuration = try sampleConfiguration(in: "/nowhere")
        var status = FolderStatus(try folder(.both))
        status.guards = guards
        let document = StatusDocument(running: false, folders: [status])
        let screen = StatusScreen(
            document: document,
            configuration: configuration,
            now: StillClock().now(),
            console: transcript.console()
        )
        let text = screen.lines.joined(separator: "\n")
        #expect(text.contains("unguarded") == (words != nil), "\(text)")
        if let words { #expect(text.contains("\(words): the service looks at no condition there"), "\(text)") }
        #expect(text.contains("/srv/photos ↔ s3://family/photos/"))
        let read = try #require(StatusDocument(json: document.json))
        #expect(read.folders[0].guards == guards && read.folders[0].direction == .both)
    }

    @Test
    func `a check says what writes go by, where there are any`() throws {
        let unguarded = ProbeFindings.writes(capabilities(Self.none), of: try folder(.both).folder)
        #expect(
            unguarded.map(\.detail) == [
                "overwrites unguarded: a HEAD just before · deletes unguarded: a HEAD just before"
            ]
        )
        #expect(unguarded.map(\.exitCause) == [.done])
        let leading = ProbeFindings.writes(capabilities(Self.none), of: try folder(.up).folder)
        #expect(leading.map(\.guards?.deletes) == [.listing])
        #expect(ProbeFindings.writes(capabilities(Self.all), of: try folder(.down).folder).isEmpty)
    }

    @Test
    func `keys that may not delete are told of`() throws {
        var found = Permissions()
        for action in Permissions.Action.allCases { found[action] = action == .delete ? .no : .yes }
        let finding = ProbeFindings.permissions(found, of: try folder(.both).folder)
        #expect(finding.exitCause == .problems)
        #expect("\(finding.verdict)".contains("deletes do not travel to the bucket"))
    }

    @Test
    func `a folder that goes both ways is written to and watched`() throws {
        let directory = TemporaryDirectory()
        var configuration = try sampleConfiguration(in: directory.path)
        configuration.folders = [try folder(.both)]
        configuration.folders[0].path = directory.path
        configuration.folders[0].folder.root = Array(directory.path.utf8)
        let (finding, watches) = LocalChecks(configuration: configuration).root(configuration.folders[0])
        #expect(finding.detail.hasSuffix("1 directory, writable") && watches == 1)
    }

    // MARK: Plans and progress

    @Test(arguments: [
        (ConflictWinner.newest, "the newer one keeps the name"), (.local, "the one here keeps the name"),
        (.remote, "the bucket's keeps the name"),
    ])
    func `a planned conflict says who keeps the name, and is no change that is not shown`(
        winner: ConflictWinner,
        words: String
    ) throws {
        var pending = ChangeCounts()
        (pending.uploads, pending.downloads, pending.bytes) = (1, 1, 30)
        let path = try RelativePath(Array("notes.txt".utf8))
        let change = PlannedChange(path: path, change: .conflict, bytes: 30, modified: nil, isGated: false)
        let lines = PlanScreen(
            folder: try folder(.both, winner),
            report: report(.inSync, pending: pending, planned: [change]),
            now: StillClock().now(),
            console: transcript.console()
        ).lines
        #expect(
            lines == [
                "! conflict  notes.txt  30 bytes   changed on both sides: both kept, \(words)",
                "1 upload, 1 download (30 bytes)",
            ]
        )
    }

    @Test
    func `a cycle says that something changed while it ran`() throws {
        var report = report(.held)
        report.leftToCycle = 1
        let console = transcript.console()
        #expect(CycleLines.end(report, console: console) == "nothing done · 28 s · changed meanwhile")
        let configuration = try sampleConfiguration(in: "/nowhere")
        let complaints = CycleLines.complaints(report, folder: "photos", configuration: configuration)
        #expect(complaints == ["photos: 1 path changed while the cycle ran: the next one settles what is left"])
        #expect(report.exitCauses.isEmpty)
    }

    @Test
    func `a running cycle counts each way by itself`() async throws {
        let directory = TemporaryDirectory()
        var configuration = try sampleConfiguration(in: directory.directory("x"))
        configuration.folders = [try folder(.both)]
        let file = StatusFile(directory: directory.path)
        let board = try StatusBoard.begin(configuration, file, at: StillClock().now(), quietLog)
        let progress = CycleProgress()
        progress.update { progress in
            progress.phase = .transferring
            (progress.transfers, progress.transfersDone) = (9, 4)
            (progress.downloads, progress.downloadsDone) = (6, 3)
        }
        board.begin("photos", progress)
        board.refresh(at: StillClock().now())
        let pending = board.snapshot.folders[0].pending
        #expect(pending.uploads == 2 && pending.downloads == 3)
    }
}
