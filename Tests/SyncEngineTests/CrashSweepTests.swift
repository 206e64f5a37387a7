import SyncEngine
import TestSupport
import Testing

/// The process ends before the n-th effect on files, bucket or index, for every n: a plain restart goes on, nothing is
/// lost, mixed or left behind, and no part that was taken is sent again.
struct CrashSweepTests {
    /// More effects than any scenario has.
    private static let maximum = 1_000

    @Test(arguments: SweepScenario.all)
    func `a crash before any effect`(scenario: SweepScenario) async throws {
        var crashes = 0
        for effect in 1...Self.maximum {
            // Other tests share these threads.
            await Task.yield()
            let world = try scenario.makeWorld(concurrency: 1)
            world.seams.plan(.crash(effect: effect))
            scenario.run(world)
            guard let hit = world.seams.hit else { break }
            world.seams.plan(nil)
            let place = "\(scenario): crash before effect \(effect), \(hit.name)"
            scenario.checkAnyTime(world, place)
            scenario.settle(world, place)
            crashes += 1
        }
        #expect(crashes > 5 && crashes < Self.maximum, "\(scenario): \(crashes)")
        print("crash sweep   \(scenario): \(crashes) places, one request at a time")
    }

    @Test(arguments: SweepScenario.all)
    func `a crash at any moment of many requests at once`(scenario: SweepScenario) async throws {
        var crashes = 0
        for effect in 1...Self.maximum {
            // Other tests share these threads.
            await Task.yield()
            let world = try scenario.makeWorld(concurrency: 8)
            world.seams.plan(.crash(effect: effect))
            scenario.run(world, seed: UInt64(effect))
            guard let hit = world.seams.hit else { break }
            world.seams.plan(nil)
            let place = "\(scenario): crash before effect \(effect) (seed \(effect)), \(hit.name)"
            scenario.checkAnyTime(world, place)
            scenario.settle(world, place)
            crashes += 1
        }
        #expect(crashes > 5 && crashes < Self.maximum, "\(scenario): \(crashes)")
        print("crash sweep   \(scenario): \(crashes) places, eight requests at once")
    }

    /// At one request at a time at most one part is under way when the process ends.
    @Test(arguments: [Direction.up, .down])
    func `at most the part under way is moved again`(direction: Direction) async throws {
        let scenario = SweepScenario(
            description: "a large file",
            direction: direction,
            before: ["a": "1"],
            after: ["a": "1", "large": "abcdefghijklmnopqrstuvwxyz"]
        )
        for effect in 1...Self.maximum {
            // Other tests share these threads.
            await Task.yield()
            let world = try scenario.makeWorld(concurrency: 1)
            let moved = { direction == .up ? world.store.bytesUp : world.store.bytesDown }
            let start = moved()
            world.seams.plan(.crash(effect: effect))
            scenario.run(world)
            guard world.seams.hit != nil else { return }
            world.seams.plan(nil)
            scenario.settle(world, "crash before effect \(effect)")
            #expect(moved() - start <= 26 + 4, "crash before effect \(effect)")
        }
    }

    /// The local edit that a download replaces is nobody's base: it must not be lost between its place and the trash.
    @Test(arguments: ["a", "large", "new"])
    func `an edit here that a download replaces survives a crash before any effect`(name: String) async throws {
        let scenario = SweepScenario(
            description: "an edit of \(name), down",
            direction: .down,
            before: ["a": "1", "b": "2", "large": "abcdefghijklmnopqrstuv"],
            after: ["a": "one", "b": "2", "large": "ABCDEFGHIJKLMNOPQRSTUV", "new": "n"]
        )
        for effect in 1...Self.maximum {
            await Task.yield()
            let world = try scenario.makeWorld(concurrency: 1)
            world.write(name, "mine")
            world.advance(seconds: 60)
            world.seams.plan(.crash(effect: effect))
            scenario.run(world)
            guard let hit = world.seams.hit else { return }
            world.seams.plan(nil)
            let place = "crash before effect \(effect), \(hit.name)"
            #expect(Self.holds(world, "mine"), "\(place)")
            scenario.settle(world, place)
            #expect(Self.holds(world, "mine"), "\(place): after a restart")
        }
    }

    private static func holds(_ world: World, _ content: String) -> Bool {
        world.fileSystem.contents.values.contains(Array(content.utf8))
    }
}
