import SyncEngine
import Testing

/// Files whose identity was taken so soon after they were written that a later write might not show in it.
struct RacyIdentityTests {
    /// A folder that was fetched a moment ago, nothing of it looked at since.
    private func fetched() async throws -> World {
        let world = try World(direction: .down, deletes: true)
        for number in 0..<20 { world.putObject("file\(number)", "old \(number)") }
        try await world.run()
        world.advance(seconds: 60)
        return world
    }

    @Test func `a folder that was just fetched takes any number of changes without a halt, and none to the trash`()
        async throws
    {
        let world = try await fetched()
        for number in 0..<20 { world.putObject("file\(number)", number < 10 ? "new \(number)" : "longer \(number)") }
        let report = try await world.run()
        #expect(report.halt == nil)
        #expect(report.record.downloaded == 20)
        #expect(world.files["file3"] == "new 3")
        #expect(world.files["file13"] == "longer 13")
        #expect(world.trash.isEmpty)
    }

    @Test func `an edit that left the identity as it was is found and kept`() async throws {
        let world = try World(direction: .down)
        world.putObject("file3", "old 3")
        try await world.run()
        // The clock stands still: the write leaves the times and the size as they were.
        world.rewriteKeepingModificationTime("file3", "OLD 3")
        world.advance(seconds: 60)
        world.putObject("file3", "from the bucket")
        try await world.run()
        #expect(world.files["file3"] == "from the bucket")
        #expect(world.trash == ["file3": "OLD 3"])
    }
}
