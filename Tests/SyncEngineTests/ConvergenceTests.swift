import TestSupport
import Testing

@testable import SyncEngine

/// Random edits on the leading side, faults at random calls, cycle after cycle: in the end both sides are equal, and
/// nothing was lost that the leading side did not give up.
struct ConvergenceTests {
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `up: random edits and faults end in equality`(seed: UInt64) throws {
        try History(seed: seed, direction: .up).play()
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `down: random edits and faults end in equality`(seed: UInt64) throws {
        try History(seed: seed, direction: .down).play()
    }
}

/// One random history of a folder.
private final class History {
    private let world: World
    private let seed: UInt64
    private let direction: Direction
    private var generator: SeededGenerator
    private var edits = 0

    private static let rounds = 6
    /// Cycles without faults after which everything must have come to rest: swaps and approvals take a few.
    private static let calmCycles = 6
    private static let names = ["a", "a-", "a/x", "a/y/z", "b", "b/c", "d", "e", "f", "g", "é", "e\u{301}", "x y+%"]

    init(seed: UInt64, direction: Direction) throws {
        self.seed = seed
        self.direction = direction
        generator = SeededGenerator(seed: seed)
        world = try World(direction: direction, deletes: true, listPageSize: 3, seed: seed)
        world.folder.maxDeletePercent = 100
    }

    func play() throws {
        for name in ["k1", "k2", "k3", "k4", "k5", "k6"] { edit(name, to: "keep \(name)") }
        for _ in 0..<Self.rounds {
            for _ in 0..<Int.random(in: 1...4, using: &generator) { randomEdit() }
            world.advance(seconds: Int64.random(in: 1...100, using: &generator))
            let kept = leading
            inject(faultEvery: UInt64.random(in: 10...60, using: &generator))
            try cycle()
            heal()
            #expect(leading == kept, "seed \(seed): a cycle changed the leading side")
        }
        for _ in 0..<Self.calmCycles {
            world.advance(seconds: 60)
            try cycle()
            try approve()
        }
        #expect(world.fileBytes == world.store.contents, "seed \(seed): \(world.files) \(world.objects)")
        world.advance(seconds: 60)
        let last = try cycle()
        #expect(
            last.record.requests.keys.sorted() == ["LIST"],
            "seed \(seed): a cycle at rest sent more than a listing"
        )
        #expect(world.temporaryFiles.isEmpty, "seed \(seed)")
        let index = world.index
        let damage = SimulationExecutor(seed: 1).run { try? await index.check()?.what }
        #expect(damage == nil, "seed \(seed): a look at the whole index finds fault with what syncd wrote")
    }

    /// Bytes, because NFC and NFD twins are one text to Swift.
    private var leading: [[UInt8]: [UInt8]] {
        switch direction {
        case .up: world.fileBytes
        case .down, .both: world.store.contents
        }
    }

    @discardableResult
    private func cycle() throws -> CycleReport {
        let cycle = world.cycle
        return SimulationExecutor(seed: generator.next()).run { await cycle.run() }
    }

    private func approve() throws {
        let wishes = OperatorWishes(world.context)
        _ = SimulationExecutor(seed: 1).run { try? await wishes.approve() }
    }

    // MARK: Edits

    private func randomEdit() {
        guard let name = Self.names.randomElement(using: &generator) else { return }
        if Int.random(in: 0..<4, using: &generator) == 0 { give(up: name) } else { edit(name, to: "edit \(edits)") }
    }

    /// Writes a file or an object, and removes what cannot stand beside it in a file system.
    private func edit(_ name: String, to content: String) {
        edits += 1
        for other in Self.names where other.hasPrefix(name + "/") || name.hasPrefix(other + "/") { give(up: other) }
        switch direction {
        case .up: world.write(name, content)
        case .down, .both: world.putObject(name, content)
        }
    }

    private func give(up name: String) {
        guard leading[Array(name.utf8)] != nil else { return }
        switch direction {
        case .up: world.remove(name)
        case .down, .both: world.removeObject(name)
        }
    }

    // MARK: Faults

    /// Makes one call in `rate` fail, whatever it is.
    private func inject(faultEvery rate: UInt64) {
        var faults = SeededGenerator(seed: generator.next())
        world.fileSystem.before = { operation, path throws(FileSystemError) in
            guard faults.next() % rate == 0 else { return }
            throw FileSystemError(code: .inputOutput, operation: operation, path: path, errno: 5)
        }
        var answers = SeededGenerator(seed: generator.next())
        world.store.before = { request, name throws(StoreError) in
            guard answers.next() % rate == 0 else { return }
            throw StoreError(code: .refused, message: "\(request) refused", status: 500)
        }
    }

    private func heal() {
        world.fileSystem.before = nil
        world.store.before = nil
    }
}
