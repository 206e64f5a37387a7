import SyncEngine
import TestSupport
import Testing

/// What a cycle of a folder that syncs both ways tells of itself.
struct BothWaysCycleTests {
    /// Six files in sync, nothing of them racy.
    private func settled() async throws -> World {
        let world = try World(direction: .both, deletes: true)
        world.advance(seconds: 60)
        for number in 1...6 { world.write("keep \(number)", "content \(number)") }
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        return world
    }

    @Test func `a conflict that is settled waits for nothing, whatever it took`() async throws {
        let world = try await settled()
        world.write("keep 1", "edited here")
        world.putObject("keep 1", "edited there")
        let plan = await world.plan()
        #expect(plan.pending.uploads == 1 && plan.pending.downloads == 1)
        let report = try await world.run()
        #expect(report.record.result == .inSync && report.pending == ChangeCounts())
        #expect(world.files.count == 7 && world.files == world.objects)
    }

    @Test func `a link in the way of an object is a problem, and nothing is done to either`() async throws {
        let world = try await settled()
        world.place(.symbolicLink, at: "link")
        world.putObject("link", "there")
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.collision])
        #expect(report.record.result == .problems)
        #expect(world.objects["link"] == "there")
    }

    @Test func `an object that turns out to be another is left to the next cycle, and that is said`() async throws {
        for number in 1...200 {
            let world = try await settled()
            world.write("keep 1", "edited here")
            world.seams.onHit = { [unowned world] in world.putObject("keep 1", "edited there") }
            world.seams.plan(.act(call: number))
            let report = try await world.run()
            guard world.seams.hit?.name == "put" else { continue }
            #expect(report.record.result == .held && report.leftToCycle == 1 && report.pending.uploads == 1)
            #expect(world.objects["keep 1"] == "edited there")
            return
        }
        Issue.record("no upload was met")
    }

    @Test func `a conflict that a reaction meets is left to a cycle, which follows at once`() async throws {
        let world = try await settled()
        world.share = FolderShare()
        try await world.run()
        world.putObject("keep 1", "edited there")
        _ = await world.plan()
        world.write("keep 1", "edited here")
        let reaction = try await world.react("keep 1")
        #expect(reaction.leftToCycle == 1 && world.objects["keep 1"] == "edited there")
        try await world.run(CycleScope(local: .none, lists: false, deletes: false, isImpatient: false))
        #expect(world.files.count == 7 && world.files == world.objects)
    }

    @Test func `verifying says what an edit that wins over a delete leads to`() async throws {
        let world = try await settled()
        world.remove("keep 1")
        world.putObject("keep 1", "edited there")
        world.write("keep 2", "edited here")
        world.removeObject("keep 2")
        world.remove("keep 3")
        world.removeObject("keep 4")
        let messages = await world.verify().findings.filter { $0.kind == .missing }.map(\.message)
        #expect(
            messages == [
                "it is gone here; the bucket's was changed since, and the next cycle fetches that",
                "it is gone from the bucket; the file was changed since, and the next cycle uploads that",
                "it is gone here; the next cycle would delete it in the bucket as well",
                "it is gone from the bucket; the next cycle would move the file to the trash",
            ]
        )
    }

    @Test(arguments: [PartPolicy.standard, PartPolicy(threshold: 4, minimumPartSize: 2)])
    func `a directory that becomes a file follows where the store takes directories for objects`(
        parts: PartPolicy
    ) async throws {
        let world = try World(direction: .both, parts: parts)
        world.store.configure {
            $0.keepsDirectories = true
            $0.listsByDirectory = true
        }
        world.write("d/inside", "inside")
        world.write("other", "other")
        try await world.run()
        world.advance(seconds: 60)
        world.remove("d/inside")
        world.write("d", "a file now")
        for _ in 0..<3 {
            try await world.run()
            world.advance(seconds: 60)
        }
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(world.objects == ["d": "a file now", "other": "other"])
    }
}
