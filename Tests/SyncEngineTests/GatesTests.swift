import SyncEngine
import Testing

/// When a folder is stopped, to the last entry.
struct GatesTests {
    private let now = UnixTime(seconds: 1_800_000_000)

    private func judge(
        deletes: Int64 = 0,
        overwrites: Int64 = 0,
        foreign: Int64 = 0,
        done: Int64 = 0,
        base: Int64 = 100,
        percent: Int = 50,
        memory: GateMemory? = nil
    ) -> QuantityJudgement {
        let input = QuantityInput(
            wantedDeletes: deletes,
            wantedOverwrites: overwrites,
            foreignDeletes: foreign,
            deletesDone: done,
            baseCount: base,
            maxDeletePercent: percent
        )
        return judgeQuantity(input, memory: memory, now: now)
    }

    @Test(
        arguments: [
            (50, 100, 50, false), (51, 100, 50, true), (9, 12, 50, false), (10, 12, 50, true), (10, 20, 50, false),
            (1, 1, 50, false), (4, 4, 50, false), (4, 5, 50, true), (3, 5, 50, false), (5, 5, 50, true),
            (10, 1_000, 0, true), (9, 1_000, 0, false), (99, 100, 100, true), (98, 100, 100, false),
        ] as [(Int64, Int64, Int, Bool)]
    )
    func `deletes halt beyond their share, from ten on, and where nothing would be left`(
        deletes: Int64,
        base: Int64,
        percent: Int,
        halts: Bool
    ) {
        let judgement = judge(deletes: deletes, base: base, percent: percent)
        #expect((judgement.halt != nil) == halts)
        #expect(judgement.allowsUnapproved == !halts)
    }

    @Test func `overwrites and the deletes of the last hour count too`() {
        #expect(judge(deletes: 30, overwrites: 21).halt == .tooManyDeletes(wanted: 51, done: 0, of: 100, percent: 50))
        #expect(judge(deletes: 1, done: 50).halt == .tooManyDeletes(wanted: 1, done: 50, of: 100, percent: 50))
        #expect(judge(overwrites: 51).halt == .tooManyDeletes(wanted: 51, done: 0, of: 100, percent: 50))
        #expect(judge(done: 90).halt == nil, "what was done is no reason to stop what is harmless")
    }

    @Test func `the share is that of the hour's beginning, so that small bites do not add up`() {
        let first = judge(deletes: 30)
        #expect(first.memory == GateMemory(baseCount: 100, since: now, isHalted: false))
        #expect(
            judge(deletes: 30, done: 30, base: 70, memory: first.memory).halt
                == .tooManyDeletes(wanted: 30, done: 30, of: 100, percent: 50)
        )
        let old = GateMemory(baseCount: 100, since: UnixTime(seconds: 1_800_000_000 - 3_600), isHalted: false)
        #expect(judge(deletes: 30, base: 70, memory: old).halt == nil)
        #expect(judge(deletes: 30, base: 70, memory: old).memory?.baseCount == 70)
    }

    @Test func `a halted folder keeps its count until the set has shrunk`() {
        let halted = GateMemory(baseCount: 100, since: UnixTime(seconds: 1), isHalted: true)
        #expect(judge(deletes: 51, base: 100, memory: halted).memory == halted)
        #expect(judge(deletes: 20, base: 100, memory: halted).halt == nil)
        #expect(judge(memory: halted).memory == nil)
    }

    @Test func `foreign deletes wait whatever their share, and stop nothing else`() {
        #expect(judge(foreign: 1).halt == .foreign(count: 1))
        #expect(judge(foreign: 1).allowsUnapproved)
        #expect(judge(deletes: 1, foreign: 1).halt == .foreign(count: 1))
    }

    @Test func `a side that held entries and is empty halts; one that never did does not`() {
        #expect(
            judgeEmptied(baseCount: 3, scanIsComplete: true, filesSeen: 0, objectsSeen: 3) == .rootEmptied(baseCount: 3)
        )
        #expect(judgeEmptied(baseCount: 3, scanIsComplete: false, filesSeen: 0, objectsSeen: 3) == nil)
        #expect(
            judgeEmptied(baseCount: 3, scanIsComplete: true, filesSeen: 3, objectsSeen: 0)
                == .remoteEmptied(baseCount: 3)
        )
        #expect(judgeEmptied(baseCount: 0, scanIsComplete: true, filesSeen: 0, objectsSeen: 0) == nil)
    }

    @Test func `a root is known by its id, else by file system and inode`() {
        func root(_ id: String?, _ system: UInt64 = 1, _ inode: UInt64 = 2) -> RootIdentity {
            RootIdentity(id: id, fileSystemID: system, inode: inode)
        }
        #expect(judgeRoot(recorded: nil, current: root("a")) == .adopt)
        #expect(judgeRoot(recorded: root("a"), current: root("a", 8, 9)) == .same, "restored elsewhere, with its id")
        #expect(judgeRoot(recorded: root(nil), current: root(nil)) == .same)
        for (recorded, current) in [
            (root("a"), root("b")), (root("a"), root(nil)), (root(nil), root(nil, 1, 3)), (root(nil), root(nil, 2, 2)),
        ] {
            guard case .replaced = judgeRoot(recorded: recorded, current: current) else {
                Issue.record("\(recorded) and \(current) are two")
                continue
            }
        }
    }
}
