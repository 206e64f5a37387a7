import SyncEngine
import TestSupport
import Testing

/// Somebody else changes a file or an object just before the n-th call across the seams, for every n: no edit is lost,
/// nothing is mixed, and the next cycles end in equality.
struct RaceSweepTests {
    /// More calls than any scenario has.
    private static let maximum = 2_000
    private static let large = "abcdefghijklmnopqrstuv"

    /// What somebody else does, and to what.
    struct Edit: Sendable, CustomStringConvertible {
        var description: String
        var name: String
        /// Nil to delete.
        var content: String?
    }

    private static let edits = [
        Edit(description: "a small file is rewritten", name: "a", content: "mine"),
        Edit(description: "a large file is rewritten", name: "large", content: "MINE IS ANOTHER LARGE ONE"),
        Edit(description: "a large file becomes small", name: "large", content: "mine"),
        Edit(description: "a small file is deleted", name: "a", content: nil),
        Edit(description: "a large file is deleted", name: "large", content: nil),
    ]

    private func scenario(_ direction: Direction) -> SweepScenario {
        SweepScenario(
            description: "\(direction)",
            direction: direction,
            before: ["a": "1", "b": "2", "large": Self.large, "gone": "4"],
            after: ["a": "one", "b": "2", "large": Self.large.uppercased(), "new": "5"]
        )
    }

    private func sweep(
        _ direction: Direction,
        _ edit: @escaping (World) -> Void,
        _ check: (World, String) -> Void
    ) async throws -> Int {
        let scenario = scenario(direction)
        for number in 1...Self.maximum {
            // Other tests share these threads.
            await Task.yield()
            let world = try scenario.makeWorld(concurrency: 1)
            world.seams.onHit = { edit(world) }
            world.seams.plan(.act(call: number))
            scenario.run(world)
            world.seams.onHit = nil
            guard let hit = world.seams.hit else { return number - 1 }
            world.seams.plan(nil)
            #expect(scenario.rest(world), "call \(number): the cycles did not come to rest")
            check(
                world,
                "\(scenario), before call \(number), \(hit.name) \(String(decoding: hit.subject, as: UTF8.self))"
            )
            #expect(world.temporaryFiles.isEmpty && world.store.unfinished.isEmpty, "call \(number)")
        }
        Issue.record("the calls did not come to an end")
        return Self.maximum
    }

    @Test(arguments: edits)
    func `up: an edit of the leading side arrives, whenever it is made`(edit: Edit) async throws {
        var expected = scenario(.up).after
        expected[edit.name] = edit.content
        let count = try await sweep(.up) { world in
            if let content = edit.content { world.write(edit.name, content) } else { world.remove(edit.name) }
        } _: { world, place in
            #expect(world.files == expected, "\(place)")
            #expect(world.objects == expected, "\(place)")
        }
        #expect(count > 20)
        print("race sweep    up, \(edit): before each of \(count) calls")
    }

    @Test(arguments: edits)
    func `down: an edit of the leading side arrives, whenever it is made`(edit: Edit) async throws {
        var expected = scenario(.down).after
        expected[edit.name] = edit.content
        let count = try await sweep(.down) { world in
            if let content = edit.content {
                world.putObject(edit.name, content, modified: 2)
            } else {
                world.removeObject(edit.name)
            }
        } _: { world, place in
            #expect(world.files == expected, "\(place)")
            #expect(world.objects == expected, "\(place)")
        }
        #expect(count > 20)
        print("race sweep    down, \(edit): before each of \(count) calls")
    }

    @Test(arguments: [("a", "mine"), ("large", "MINE IS ANOTHER LARGE ONE"), ("new", "mine"), ("gone", "mine")])
    func `down: an edit of a file here is never lost, whenever it is made`(name: String, content: String) async throws {
        let count = try await sweep(.down) { world in
            world.write(name, content)
        } _: { world, place in
            // Replaced or deleted by what the bucket holds it may be, but then it is in the trash.
            let kept = Array(world.files.values) + Array(world.trash.values)
            #expect(kept.contains(content), "\(place): \(world.files) \(world.trash)")
        }
        #expect(count > 20)
        print("race sweep    down, \(name) is edited here: before each of \(count) calls")
    }
}
