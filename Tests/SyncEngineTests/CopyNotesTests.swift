import Foundation
import SyncEngine
import TestSupport
import Testing

struct CopyNotesTests {
    private let place = FileManager.default.temporaryDirectory.appending(path: "syncd-notes-\(UUID().uuidString)").path
    private let folder = Folder(
        name: "copy",
        root: [],
        endpoint: "",
        bucket: "b",
        prefix: [],
        policy: Policy(direction: .up, deletes: false)
    )

    private func kept() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] }

    @Test func `notes of a copy that is done are gone, and those of one that was cut off stay`() async throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        let done = try CopyNotes(in: place, identity: [1])
        _ = try await done.index.open(folder)
        await done.close(folder)
        #expect(kept().isEmpty)
        let cut = try CopyNotes(in: place, identity: [1])
        let id = try await cut.index.open(folder).id
        let job = DownloadJob(
            path: try RelativePath(Array("k".utf8)),
            remote: RemoteState(etag: ETag("e"), size: 9),
            partSize: 3,
            temporary: try RelativePath(Array("t".utf8))
        )
        _ = try await cut.index.begin(id, job)
        await cut.close(folder)
        #expect(kept().count == 1)
    }

    @Test func `two processes do not work on the same copy`() async throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        let first = try CopyNotes(in: place, identity: [1])
        #expect(throws: CycleFailure.self) { try CopyNotes(in: place, identity: [1]) }
        let other = try CopyNotes(in: place, identity: [2])
        #expect(first.areKept && other.areKept)
    }

    @Test func `old notes go, those that are in use stay`() async throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        let used = try CopyNotes(in: place, identity: [1])
        let left = "\(place)/left"
        try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
        for directory in kept() {
            let file = "\(place)/\(directory)/index.db"
            if !FileManager.default.fileExists(atPath: file) {
                _ = FileManager.default.createFile(atPath: file, contents: Data())
            }
            let old = Date(timeIntervalSinceNow: -40 * 86_400)
            try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: file)
        }
        let next = try CopyNotes(in: place, identity: [2])
        #expect(!kept().contains("left") && kept().count == 2)
        #expect(used.areKept && next.areKept)
    }

    @Test func `without a place for them notes are kept in memory`() throws {
        #expect(try !CopyNotes(in: nil, identity: [1]).areKept)
        #expect(try !CopyNotes(in: "/proc/nowhere", identity: [1]).areKept)
    }
}
