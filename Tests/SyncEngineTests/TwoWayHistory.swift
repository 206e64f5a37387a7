import TestSupport
import Testing

@testable import SyncEngine

/// One random history of a folder that syncs both ways: users edit and delete on both sides, between cycles and between any
/// two steps of one, calls fail, and the process dies.
final class TwoWayHistory {
    private let world: World
    private let seed: UInt64
    private var generator: SeededGenerator
    private var oracle = TwoWayOracle()
    private var edits = 0
    /// Whether calls were made to fail, beside crashes and lost answers.
    private var hadFaults = false
    /// Whether the store looks at conditions. Where it does not, nothing closes the window between a look and the write.
    private let isGuarded: Bool
    /// One step in so many meets an edit; nil for none.
    private var editRate: UInt64?

    private static let rounds = 4
    private static let calmCycles = 8
    private static let names = ["a.txt", "b", "dir/c.txt", "dir/d", "e (1).tar.gz", "é", "x y+%"]

    init(seed: UInt64) throws {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
        world = try World(direction: .both, deletes: true, listPageSize: 3, seed: seed)
        world.folder.maxDeletePercent = 100
        world.folder.conflict = [.newest, .local, .remote][Int(seed % 3)]
        isGuarded = seed % 4 != 0
        world.store.configure { [isGuarded] in $0.honoursConditions = isGuarded }
    }

    /// - Returns: what is wrong with how it ended; nil if nothing is.
    func play() throws -> String? {
        for number in 1...6 { edit("keep \(number)", on: number % 2 == 0 ? .local : .remote) }
        for _ in 0..<Self.rounds {
            for _ in 0..<Int.random(in: 0...4, using: &generator) { randomEdit() }
            world.advance(seconds: Int64.random(in: 1...100, using: &generator))
            disturb()
            cycle()
            calm()
        }
        for _ in 0..<Self.calmCycles {
            world.advance(seconds: 60)
            cycle()
            approve()
        }
        world.advance(seconds: 60)
        let last = cycle()
        return complaint(last)
    }

    private func complaint(_ last: CycleReport) -> String? {
        let (local, remote) = (world.fileBytes, world.store.contents)
        if local != remote { return "the sides differ: \(world.files) \(world.objects)" }
        if last.record.requests.keys.sorted() != ["LIST"] { return "no rest: \(last.record.requests) \(last.problems)" }
        // An edit of the last moment that could not be brought to light, because that failed, is in the trash.
        let kept = hadFaults ? Set(world.trash.values) : []
        let lost = oracle.alive.subtracting(world.files.values).subtracting(kept)
        if !lost.isEmpty { return "lost: \(lost.sorted()) of \(world.files)" }
        if !world.temporaryFiles.isEmpty { return "left: \(world.temporaryFiles)" }
        return nil
    }

    @discardableResult
    private func cycle() -> CycleReport {
        let cycle = world.cycle
        return SimulationExecutor(seed: generator.next()).run { await cycle.run() }
    }

    private func approve() {
        let wishes = OperatorWishes(world.context)
        _ = SimulationExecutor(seed: 1).run { try? await wishes.approve() }
    }

    // MARK: Users

    private func randomEdit(onlyHere: Bool = false) {
        guard let name = Self.names.randomElement(using: &generator) else { return }
        let side: Side = Bool.random(using: &generator) || onlyHere ? .local : .remote
        if Int.random(in: 0..<4, using: &generator) == 0 { delete(name, on: side) } else { edit(name, on: side) }
    }

    private func content(_ name: String, on side: Side) -> String? {
        switch side {
        case .local: world.files[name]
        case .remote: world.objects[name]
        }
    }

    private func edit(_ name: String, on side: Side) {
        edits += 1
        let new = "\(name) edit \(edits)"
        oracle.note(replacing: content(name, on: side), by: new)
        switch side {
        case .local: world.write(name, new)
        case .remote: world.putObject(name, new, modified: world.clock.now().nanoseconds)
        }
    }

    private func delete(_ name: String, on side: Side) {
        guard let old = content(name, on: side) else { return }
        oracle.note(replacing: old, by: nil)
        switch side {
        case .local: world.remove(name)
        case .remote: world.removeObject(name)
        }
    }

    // MARK: Trouble

    private func disturb() {
        let rate = UInt64.random(in: 10...80, using: &generator)
        var faults = SeededGenerator(seed: generator.next())
        let fails = Bool.random(using: &generator)
        hadFaults = hadFaults || fails
        editRate = Bool.random(using: &generator) ? UInt64.random(in: 5...40, using: &generator) : nil
        world.fileSystem.before = { [unowned self] operation, path throws(FileSystemError) in
            meddle()
            guard fails, faults.next() % rate == 0 else { return }
            throw FileSystemError(code: .inputOutput, operation: operation, path: path, errno: 5)
        }
        var answers = SeededGenerator(seed: generator.next())
        world.store.before = { [unowned self] request, _ throws(StoreError) in
            meddle()
            guard fails, answers.next() % rate == 0 else { return }
            throw StoreError(code: .refused, message: "\(request) refused", status: 500)
        }
        if Int.random(in: 0..<3, using: &generator) == 0 {
            let effect = Int.random(in: 1...40, using: &generator)
            world.seams.plan(Bool.random(using: &generator) ? .crash(effect: effect) : .loseAnswer(effect: effect))
        }
    }

    /// A user's hand between two steps of a cycle.
    private func meddle() {
        guard let rate = editRate, generator.next() % rate == 0 else { return }
        randomEdit(onlyHere: !isGuarded)
    }

    private func calm() {
        world.fileSystem.before = nil
        world.store.before = nil
        world.seams.plan(nil)
        editRate = nil
    }
}

/// Which contents must still be there, whatever the engine did: all that a user wrote and no user, seeing it, replaced.
struct TwoWayOracle {
    /// Every content is unique.
    private(set) var alive: Set<String> = []

    /// A user who saw `old` at a path wrote `new` there; nil for a delete.
    mutating func note(replacing old: String?, by new: String?) {
        if let old { alive.remove(old) }
        if let new { alive.insert(new) }
    }
}

struct TwoWayTests {
    /// In one test after the other, so that others have their turn.
    @Test func `whatever users, faults and crashes do, no version is lost and both sides end equal`() async throws {
        for seed in UInt64(1)...200 {
            let complaint = try TwoWayHistory(seed: seed).play()
            #expect(complaint == nil, "seed \(seed)")
            await Task.yield()
        }
    }
}
