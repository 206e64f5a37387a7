import SyncEngine
import TestSupport
import Testing

/// A folder in agreement, and edits that one cycle is to carry over: what crashes and faults are tried on. Objects of 8
/// bytes and more travel in parts of 4.
struct SweepScenario: Sendable, CustomStringConvertible {
    var description: String
    var direction: Direction
    var before: [String: String]
    var after: [String: String]

    private static let large = "abcdefghijklmnopqrstuv"

    static let all: [SweepScenario] =
        directions("small files, new and changed") {
            ($0, ["a": "1", "d/b": "2"], ["a": "one", "d/b": "2", "d/c": "3", "e/f/g": "4"])
        }
        + directions("a large file, new") {
            ($0, ["a": "1"], ["a": "1", "d/large": large])
        }
        + directions("a large file, changed") {
            ($0, ["large": large, "b": "2"], ["large": large.uppercased() + "wxyz", "b": "2"])
        }
        + directions("a large file that becomes small, and a small one that becomes large") {
            ($0, ["x": large, "y": "2"], ["x": "1", "y": large])
        }
        + directions("deletes") {
            ($0, ["a": "1", "d/b": "2", "d/c": "3", "e": "4"], ["a": "1", "e": "4"])
        }
        + directions("a directory where a file was") {
            ($0, ["a": "1", "b": "2", "c": "3"], ["a/x": "1", "a/y": large, "b": "2", "c": "3"])
        }
        + directions("a file where a directory was") {
            ($0, ["a/x": "1", "a/y": "2", "b": "2", "c": "3"], ["a": "one", "b": "2", "c": "3"])
        }

    private static func directions(
        _ name: String,
        _ make: (Direction) -> (Direction, [String: String], [String: String])
    ) -> [SweepScenario] {
        [Direction.up, .down].map { direction in
            let (_, before, after) = make(direction)
            return SweepScenario(
                description: "\(name), \(direction)",
                direction: direction,
                before: before,
                after: after
            )
        }
    }

    /// The world in agreement, with the edits made on its leading side.
    func makeWorld(concurrency: Int) throws -> World {
        let parts = PartPolicy(threshold: 8, minimumPartSize: 4)
        let world = try World(direction: direction, deletes: true, parts: parts)
        world.concurrency = concurrency
        world.folder.maxDeletePercent = 100
        for (name, content) in before { edit(world, name, content) }
        world.advance(seconds: 60)
        run(world)
        world.advance(seconds: 60)
        if direction == .down { run(world) }
        for name in before.keys where after[name] == nil { edit(world, name, nil) }
        for (name, content) in after where before[name] != content { edit(world, name, content) }
        world.advance(seconds: 60)
        return world
    }

    private func edit(_ world: World, _ name: String, _ content: String?) {
        switch (direction, content) {
        case (.up, let content?): world.write(name, content)
        case (.up, nil): world.remove(name)
        case (.down, let content?), (.both, let content?): world.putObject(name, content, modified: 1)
        case (.down, nil), (.both, nil): world.removeObject(name)
        }
    }

    @discardableResult
    func run(_ world: World, seed: UInt64 = 1) -> CycleReport {
        let cycle = world.cycle
        return SimulationExecutor(seed: seed).run { await cycle.run() }
    }

    /// What must hold at any time: every name holds its old content or its new one, and the leading side is as it was
    /// edited.
    func checkAnyTime(_ world: World, _ place: String) {
        let (leading, following) = direction == .up ? (world.files, world.objects) : (world.objects, world.files)
        #expect(leading == after, "\(place): the leading side was changed")
        for (name, content) in following {
            #expect([before[name], after[name]].contains(content), "\(place): \(name) holds \"\(content)\"")
        }
    }

    /// Cycles until nothing is left to do, which must come soon; and what must hold then.
    func settle(_ world: World, _ place: String) {
        #expect(rest(world), "\(place): the cycles did not come to rest")
        #expect(world.files == after, "\(place)")
        #expect(world.objects == after, "\(place)")
        #expect(world.temporaryFiles.isEmpty, "\(place): \(world.temporaryFiles)")
        #expect(world.store.unfinished.isEmpty, "\(place): unfinished uploads")
    }

    /// Cycles until one finds nothing to do, or nothing that it may do unasked; false if none of so many does.
    func rest(_ world: World) -> Bool {
        for _ in 0..<Self.maximumCycles {
            world.advance(seconds: 60)
            let report = run(world)
            if report.isIdle, report.counts.attention == 0 { return true }
            if report.isWaiting { return true }
        }
        return false
    }

    private static let maximumCycles = 6
}

extension CycleReport {
    /// True if there was nothing to do but to look.
    fileprivate var isIdle: Bool {
        Set(record.requests.keys) == ["LIST"] && record.result == .inSync && pending.isEmpty
    }

    /// True if what is left to do waits for an approval.
    fileprivate var isWaiting: Bool { Set(record.requests.keys) == ["LIST"] && record.result == .halted }
}
