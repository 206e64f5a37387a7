import SyncEngine
import TestSupport

/// One random history of a folder, on one machine or two: users edit, rename and delete on all sides, between cycles and between
/// any two steps of one; calls fail, answers are lost, processes die, the power goes, clocks are set, an index is lost.
///
/// One seed makes one history, to the last call.
public final class Simulation {
    public let seed: UInt64
    public let scenario: Scenario
    public let journal: SimulationJournal
    let store: FakeObjectStore
    let clock = ManualClock()
    var machines: [Machine] = []
    var generator: SeededGenerator
    var oracle = Oracle()
    var edits = 0
    /// One call in so many meets an edit; nil for none.
    var editRate: UInt64?
    /// Whether users wrote while cycles ran: then one content may come to have two names for good reasons.
    var hadMeddling = false
    /// The same of the cycles that run.
    var hasMeddled = false
    /// Whether calls failed. Then an edit of the last moment may be found in the trash alone.
    var hadFaults = false
    /// Whether the power went. Then an edit of the last moment may be found in the trash alone.
    var hadDeaths = false
    /// Whether an index was lost, and with it what it knew of unfinished uploads.
    var hasLostIndex = false
    /// What went wrong on the way.
    var complaint: String?

    /// Cycles of trouble on each machine.
    private static let rounds = 3
    /// What one simulation after another may use, on one thread.
    public struct Equipment: Sendable {
        var databases: [MemoryDatabase]

        public init() throws {
            databases = [try MemoryDatabase(), try MemoryDatabase()]
        }
    }

    /// `keepsLines` says whether ``SimulationJournal/lines`` are wanted.
    public init(seed: UInt64, with equipment: Equipment, keepsLines: Bool = false) throws {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
        scenario = Scenario(using: &generator)
        journal = SimulationJournal(keepsLines: keepsLines)
        store = FakeObjectStore(clock: clock)
        store.configure { [scenario] in
            $0.honoursConditions = scenario.isGuarded
            $0.listsByDirectory = scenario.listsByDirectory
            // Such a store leaves a moment between look and write, in which nobody else may write.
            $0.keepsDirectories = scenario.listsByDirectory && scenario.direction == .up
            $0.makesOpaqueTags = scenario.makesOpaqueTags
            $0.parts.opaqueTags = scenario.makesOpaqueTags
            $0.foldsBackslashes = scenario.foldsBackslashes
            $0.pageSize = scenario.pageSize
        }
        for number in 0..<scenario.machines {
            let own = generator.next()
            let machine = try Machine(
                number: number,
                scenario: scenario,
                store: store,
                clock: clock,
                database: equipment.databases[number],
                seed: own,
                journal: journal
            )
            machine.fate.meddle = { [unowned self] in meddle() }
            machines.append(machine)
        }
    }

    /// - Returns: what is wrong with how it went or ended; nil if nothing is.
    public func play() throws -> String? {
        if scenario.isQuiet { return playQuietly() }
        for number in 1...6 { edit("keep \(number)", at: homes[number % homes.count]) }
        for _ in 0..<Self.rounds {
            for _ in 0..<Int.random(in: 0...4, using: &generator) { randomEdit() }
            pass(seconds: 1...100)
            try trouble()
            if let complaint { return complaint }
        }
        return calm()
    }

    /// Where folders have their content from.
    private var homes: [Place] {
        let local = machines.indices.map(Place.machine)
        switch scenario.direction {
        case .up: return local
        case .down: return [.bucket]
        case .both: return local + [.bucket]
        }
    }

    func pass(seconds: ClosedRange<Int64>) { clock.advance(seconds: Int64.random(in: seconds, using: &generator)) }
}
