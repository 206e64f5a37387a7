import SyncEngine
import TestSupport
import Testing

/// Damage at random places: afterwards the index works or is moved aside and made anew, both sides end equal, and what
/// nobody asked to delete is still there.
struct IndexSweepTests {
    /// Twenty seeds of ten flips each.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `flipped bytes lose nothing`(seed: UInt64) async throws {
        var life = try DamagedLife(seed: seed)
        try await life.settle()
        for _ in 0..<10 {
            try await life.damage { bytes, generator in
                let place = Int.random(in: bytes.indices, using: &generator)
                bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
                return "byte \(place) of \(bytes.count)"
            }
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `files that were cut short or blotted lose nothing`(seed: UInt64) async throws {
        var life = try DamagedLife(seed: 100 + seed)
        try await life.settle()
        for round in 0..<8 {
            try await life.damage { bytes, generator in
                let pages = bytes.count / 4_096
                let page = Int.random(in: 0..<pages, using: &generator) * 4_096
                switch round % 4 {
                case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
                case 1: bytes.removeLast(bytes.count - page)
                case 2: bytes.replaceSubrange(page..<(page + 4_096), with: repeatElement(0, count: 4_096))
                default:
                    let other = Int.random(in: 0..<pages, using: &generator) * 4_096
                    bytes.replaceSubrange(page..<(page + 4_096), with: Array(bytes[other..<(other + 4_096)]))
                }
                return "kind \(round % 4) at \(page), now \(bytes.count)"
            }
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `logs of another time lose nothing`(seed: UInt64) async throws {
        var life = try DamagedLife(seed: 200 + seed)
        try await life.settle()
        for round in 0..<5 { try await life.mix(round) }
    }
}

/// One folder's long life with a bad disk.
private struct DamagedLife {
    private let seed: UInt64
    private let world: DiskWorld
    private var generator: SeededGenerator
    private var edits = 0
    /// What the leading side gave up.
    private var doomed: Set<String> = []

    /// Enough that the tables have several pages.
    private static let fileCount = 36
    private static let stranger = "stranger"

    init(seed: UInt64) throws {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
        world = try DiskWorld(direction: seed.isMultiple(of: 2) ? .up : .down, seed: seed)
        // What the sweep is to show does not hang on how many files change at once.
        world.world.folder.maxDeletePercent = 100
    }

    mutating func settle() async throws {
        for number in 0..<Self.fileCount { world.lead(Self.name(number), "content of \(number)") }
        world.intrude(Self.stranger, "precious")
        _ = try await world.run()
        #expect(try await world.run().record.requests == ["LIST": 1], "seed \(seed)")
    }

    private static func name(_ number: Int) -> String {
        "a directory \(number % 4)/a file with a longer name \(number)"
    }

    /// Damages the database after an orderly end or, half of the time, as if after a crash; then both sides go on.
    mutating func damage(_ body: (inout [UInt8], inout SeededGenerator) -> String) async throws {
        var bytes = try world.directory.read("index.db")
        var what = body(&bytes, &generator)
        try world.directory.write("index.db", bytes)
        if Bool.random(using: &generator) {
            try world.directory.write("index.open", [])
            what += ", after a crash"
        }
        try await goOn("seed \(seed): \(what)")
    }

    /// Puts files of different times together.
    mutating func mix(_ round: Int) async throws {
        let early = try await world.filesOfAKill()
        for _ in 0..<3 {
            edit()
            _ = try await world.run()
        }
        edit()
        let late = try await world.filesOfAKill()
        var files: [String: [UInt8]] = ["index.open": []]
        switch round % 5 {
        case 0: (files["index.db"], files["index.db-wal"]) = (early["index.db"], late["index.db-wal"])
        case 1: (files["index.db"], files["index.db-wal"]) = (late["index.db"], early["index.db-wal"])
        case 2: files["index.db"] = late["index.db"]
        case 3: files["index.db-wal"] = late["index.db-wal"]
        default:
            files = late
            files["index.db-wal"] = late["index.db-wal"].map { log in
                var log = log
                let place = Int.random(in: log.indices, using: &generator)
                log[place] ^= 0x10
                return log
            }
        }
        try world.directory.restore(files)
        try await goOn("seed \(seed): mixture \(round % 5)")
    }

    private mutating func edit() {
        edits += 1
        world.lead(Self.name(Int.random(in: 0..<Self.fileCount, using: &generator)), "edit \(edits)")
        world.lead("new \(edits)", "new")
    }

    private mutating func goOn(_ what: String) async throws {
        edit()
        // The following side may keep it, if only the lost index knew that it was ours.
        let name = Self.name(Int.random(in: 0..<Self.fileCount, using: &generator))
        world.stopLeading(name)
        doomed.insert(name)
        let leading = world.leading
        let before = world.following
        var report = try await world.run()
        if case .rootReplaced = report.halt?.reason {
            // Only the root's own id is approved here: what would be deleted stays.
            _ = try await world.approve()
            report = try await world.run()
        }
        #expect(report.failure?.message == nil, "\(what)")
        #expect(world.leading == leading, "\(what)")
        #expect(world.following.filter { leading[$0.key] != nil } == leading, "\(what)")
        let deleted = before.keys.filter { world.following[$0] == nil }
        #expect(doomed.isSuperset(of: deleted), "\(what)")
        #expect(world.following[Self.stranger] == "precious", "\(what)")
        var last = try await world.run()
        // What the first run had no need to read is found by a later one.
        if !last.warnings.isEmpty { last = try await world.run() }
        #expect(world.following.filter { leading[$0.key] != nil } == leading, "\(what)")
        #expect(world.following[Self.stranger] == "precious", "\(what)")
        #expect(last.record.requests == ["LIST": 1], "\(what)")
        #expect(last.warnings.isEmpty, "\(what)")
    }
}
