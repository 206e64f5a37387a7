import SyncEngine
import TestSupport

/// One machine: a disk, a clock, an index and the engine, at a bucket that it may share.
final class Machine: @unchecked Sendable {
    // @unchecked: everything runs on the simulation's one thread.
    let number: Int
    let disk: FakeFileSystem
    let fate: Fate
    private let scenario: Scenario
    private let store: FakeObjectStore
    private let clock: OffsetClock
    private let random: SeededRandom
    private let database: MemoryDatabase
    private var index: SQLiteIndex
    /// The same as long as the process lives.
    private var share = FolderShare()

    init(
        number: Int,
        scenario: Scenario,
        store: FakeObjectStore,
        clock: ManualClock,
        database: MemoryDatabase,
        seed: UInt64,
        journal: SimulationJournal
    ) throws {
        self.number = number
        self.scenario = scenario
        self.store = scenario.machines > 1 ? FakeObjectStore(sharing: store) : store
        if scenario.pageDelay > 0 { self.store.underWay = Self.delay(scenario.pageDelay, seed: seed) }
        self.database = database
        self.clock = OffsetClock(clock, seconds: scenario.clockOffsets[number])
        disk = FakeFileSystem(clock: self.clock, granularity: scenario.granularity, forgets: true)
        if scenario.foldsNames { disk.fold(.preserving) }
        fate = Fate(number: number, seed: seed, journal: journal)
        random = SeededRandom(seed: seed)
        index = try SQLiteIndex(in: database, observer: fate)
    }

    /// Lets others go on while a page of a listing is on its way.
    private static func delay(_ longest: Int, seed: UInt64) -> (_ request: String) async -> Void {
        var generator = SeededGenerator(seed: seed)
        return { request in
            guard request == "LIST" else { return }
            for _ in 0..<Int.random(in: 0...longest, using: &generator) { await Task.yield() }
        }
    }

    private var context: CycleContext {
        var folder = Folder(
            name: "test",
            root: Array("/root".utf8),
            endpoint: "http://test",
            bucket: "bucket",
            prefix: [],
            policy: Policy(direction: scenario.direction, deletes: true)
        )
        folder.conflict = scenario.conflict
        folder.maxDeletePercent = 100
        var context = CycleContext(
            folder: folder,
            files: ObservedFileSystem(disk, observer: fate),
            store: ObservedStore(store, observer: fate),
            index: index,
            clock: clock,
            random: random,
            concurrency: scenario.concurrency,
            parts: scenario.isLarge ? PartPolicy(threshold: 8, minimumPartSize: 4) : .standard,
            share: share
        )
        context.listing = ListingPolicy(lanes: scenario.listingLanes, patience: -1)
        return context
    }

    func cycle(_ scope: CycleScope = .whole) async -> CycleReport { await SyncCycle(context).run(scope) }

    /// As in the daemon, which reacts to nothing before a cycle has looked at everything.
    var canReact: Bool { share.isSurveyed }

    func approve() async { _ = try? await OperatorWishes(context).approve() }

    /// Another process, which knows what the disk and the index hold.
    func restart() { share = FolderShare() }

    /// The disk forgets what it may forget. The index is durable with each of its transactions.
    func cutPower(using generator: inout SeededGenerator) {
        disk.cutPower(using: &generator)
        restart()
    }

    func loseIndex() throws {
        index = try SQLiteIndex(in: database, observer: fate)
        restart()
    }

    func setClock(ahead seconds: Int64) { clock.set(ahead: seconds) }

    /// The user's files.
    var files: [[UInt8]: [UInt8]] {
        disk.contents.filter { !$0.key.split(separator: 0x2F).contains { $0.starts(with: Self.reserved) } }
    }

    /// What the trash holds.
    var trash: [[UInt8]] { disk.contents.filter { $0.key.starts(with: Self.trashName) }.map(\.value) }

    var temporaryFiles: [[UInt8]] {
        disk.contents.keys.filter { $0.split(separator: 0x2F).last?.starts(with: Self.reserved) == true }
            .filter { !$0.starts(with: Self.trashName) }
    }

    private static let reserved = Array(".syncd".utf8)
    private static let trashName = Array(".syncd-trash/".utf8)
}

/// A machine's own idea of the time.
final class OffsetClock: EngineClock, @unchecked Sendable {
    // @unchecked: everything runs on the simulation's one thread.
    private let base: ManualClock
    private var offset: Int64

    init(_ base: ManualClock, seconds: Int64) {
        self.base = base
        offset = seconds * 1_000_000_000
    }

    func set(ahead seconds: Int64) { offset = seconds * 1_000_000_000 }

    func now() -> UnixTime { UnixTime(nanoseconds: base.now().nanoseconds + offset) }

    func sleep(for duration: Duration) async throws { try await base.sleep(for: duration) }
}
