import SyncEngine
import TestSupport
import Testing

/// When a service is tried, for how long that is believed, and whose word goes first.
struct CapabilityBookTests {
    private static let day: Int64 = 24 * 3_600

    /// How often the store was tried by a cycle that uploads a file of this name.
    private func trials(_ world: World, writing name: String) async throws -> Int {
        let before = world.trace.lines.filter { $0.contains(".syncd/probe-") }.count
        world.write(name, name)
        world.advance(seconds: 60)
        try await world.run()
        return world.trace.lines.filter { $0.contains(".syncd/probe-") }.count - before
    }

    @Test func `a store is tried when a name depends on it, and believed for a week`() async throws {
        let world = try World(direction: .up)
        #expect(try await trials(world, writing: "plain") == 0)
        #expect(try await trials(world, writing: "a\\b") == 1)
        #expect(try await trials(world, writing: "c\\d") == 0)
        #expect(try await trials(world, writing: "line\nbreak") == 0, "one trial finds out all")
        world.advance(seconds: 7 * Self.day)
        #expect(try await trials(world, writing: "plain too") == 0)
        #expect(try await trials(world, writing: "e\\f") == 1)
        #expect(world.objects.count == 6)
    }

    @Test func `a trial of the future is none`() async throws {
        let world = try World(direction: .up)
        world.advance(seconds: Self.day)
        #expect(try await trials(world, writing: "a\\b") == 1)
        world.advance(seconds: -2 * Self.day)
        #expect(try await trials(world, writing: "c\\d") == 1)
    }

    @Test(arguments: [Capabilities.Verdict.yes, .no])
    func `the operator's word spares the trial`(word: Capabilities.Verdict) async throws {
        let world = try World(direction: .up, foldsBackslashes: word == .yes)
        world.folder.capabilities[.backslashes] = word
        #expect(try await trials(world, writing: "a\\b") == 0)
        #expect(world.objects.count == (word == .yes ? 1 : 0))
    }

    @Test func `what was found is told, and relied on from the next cycle's beginning`() async throws {
        let world = try World(direction: .up)
        #expect(try await world.run().capabilities == nil)
        #expect(try await trials(world, writing: "a\\b") == 1)
        let known = try #require(try await world.run().capabilities)
        #expect(known.verdicts[.backslashes] == .yes && known.verdicts[.byteOrder] == .yes)
        world.store.rely(on: Capabilities())
        try await world.run()
        #expect(world.store.reliedOn == known.verdicts)
        world.advance(seconds: 8 * Self.day)
        try await world.run()
        #expect(world.store.reliedOn == Capabilities(), "it is too old")
    }

    @Test func `what could not be found out is tried again, and no such name goes up`() async throws {
        let world = try World(direction: .up)
        world.store.configure { $0.hidesCapabilities = true }
        #expect(try await trials(world, writing: "a\\b") == 1)
        #expect(world.objects.isEmpty)
        world.store.configure { $0.hidesCapabilities = false }
        world.advance(seconds: 2 * 3_600)
        try await world.run()
        #expect(world.objects.count == 1)
    }
}
