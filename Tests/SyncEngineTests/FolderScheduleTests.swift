import SyncEngine
import Testing

/// When a folder's cycles and reactions run.
struct FolderScheduleTests {
    private static let start = UnixTime(seconds: 1_800_000_000)
    private static let settings = ScheduleSettings(
        scanInterval: .seconds(900),
        listInterval: .seconds(3_600),
        deleteDelay: .seconds(60)
    )

    private func at(_ seconds: Int64) -> UnixTime { Self.start.adding(.seconds(seconds)) }

    /// In the middle of its jitter: an interval is as long as it says.
    private func schedule() -> FolderSchedule { FolderSchedule(Self.settings, now: Self.start, draw: { 0.5 }) }

    private func plan(_ step: FolderSchedule.Step) -> FolderSchedule.Plan? {
        if case .cycle(let plan) = step { plan } else { nil }
    }

    /// One whose first cycle has ended well at 10 s.
    private func settled(_ summary: RunSummary = RunSummary()) throws -> FolderSchedule {
        var schedule = schedule()
        let first = try #require(plan(schedule.next(at: at(0), changes: nil, canReact: false)))
        #expect(first.scans && first.lists && first.deletes && first.isImpatient)
        schedule.cycleBegan(first)
        schedule.cycleEnded(summary, at: at(10))
        return schedule
    }

    @Test func `nothing is begun without a cause`() throws {
        var schedule = try settled()
        #expect(schedule.next(at: at(11), changes: nil, canReact: true) == .wait(until: at(910)))
        #expect(schedule.next(at: at(909), changes: nil, canReact: true) == .wait(until: at(910)))
        let scan = try #require(plan(schedule.next(at: at(910), changes: nil, canReact: true)))
        #expect(scan.scans && !scan.lists)
    }

    @Test func `scans and listings keep to intervals of their own`() throws {
        var schedule = try settled()
        var scans = 0
        var lists = 0
        for second in stride(from: Int64(11), to: 7_300, by: 1) {
            guard let plan = plan(schedule.next(at: at(second), changes: nil, canReact: true)) else { continue }
            scans += plan.scans ? 1 : 0
            lists += plan.lists ? 1 : 0
            schedule.cycleBegan(plan)
            schedule.cycleEnded(RunSummary(), at: at(second))
        }
        #expect(scans == 8)
        #expect(lists == 2)
    }

    @Test(arguments: [0.0, 0.5, 1.0])
    func `jitter moves an interval by a quarter at most`(draw: Double) {
        var schedule = FolderSchedule(Self.settings, now: Self.start, draw: { draw })
        guard let first = plan(schedule.next(at: at(0), changes: nil, canReact: false)) else { return }
        schedule.cycleBegan(first)
        schedule.cycleEnded(RunSummary(), at: at(0))
        #expect(schedule.next(at: at(1), changes: nil, canReact: true) == .wait(until: at(675 + Int64(450 * draw))))
    }

    @Test func `where all is watched, a scan can wait longer, until something cannot be watched`() throws {
        let settings = ScheduleSettings(
            scanInterval: .seconds(900),
            watchedScanInterval: .seconds(3_600),
            listInterval: .seconds(36_000),
            deleteDelay: .seconds(60)
        )
        var schedule = FolderSchedule(settings, now: Self.start, draw: { 0.5 })
        var watched = RunSummary()
        watched.isWatched = true
        let first = try #require(plan(schedule.next(at: at(0), changes: nil, canReact: false)))
        schedule.cycleBegan(first)
        schedule.cycleEnded(watched, at: at(0))
        #expect(schedule.next(at: at(1), changes: nil, canReact: true) == .wait(until: at(3_600)))
        schedule.reactionBegan()
        schedule.reactionEnded(watched, at: at(100))
        #expect(schedule.next(at: at(101), changes: nil, canReact: true) == .wait(until: at(3_600)))
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(), at: at(200))
        #expect(schedule.next(at: at(201), changes: nil, canReact: true) == .wait(until: at(1_100)))
    }

    @Test func `a change that has settled is reacted to, beside a running cycle`() throws {
        var schedule = try settled()
        #expect(schedule.next(at: at(20), changes: at(21), canReact: true) == .wait(until: at(21)))
        #expect(schedule.next(at: at(21), changes: at(21), canReact: true) == .react)
        schedule.reactionBegan()
        #expect(schedule.next(at: at(21), changes: at(21), canReact: true) == .wait(until: at(910)), "one at a time")
        let scan = try #require(plan(schedule.next(at: at(910), changes: at(21), canReact: true)))
        schedule.cycleBegan(scan)
        schedule.reactionEnded(RunSummary(), at: at(911))
        #expect(schedule.next(at: at(912), changes: at(912), canReact: true) == .react)
    }

    @Test func `nothing is reacted to before both sides were looked at`() {
        var schedule = schedule()
        guard let first = plan(schedule.next(at: at(0), changes: at(0), canReact: false)) else { return }
        schedule.cycleBegan(first)
        #expect(schedule.next(at: at(1), changes: at(0), canReact: false) == .wait(until: nil))
    }

    @Test func `deletes are held for their delay, and then judged together`() throws {
        var schedule = try settled()
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(held: 1, entries: 1_000), at: at(100))
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(held: 5, entries: 1_000), at: at(130))
        #expect(schedule.next(at: at(131), changes: nil, canReact: true) == .wait(until: at(160)), "since the first")
        let judged = try #require(plan(schedule.next(at: at(160), changes: nil, canReact: true)))
        #expect(judged.deletes && !judged.scans && !judged.lists)
        schedule.cycleBegan(judged)
        schedule.cycleEnded(RunSummary(), at: at(161))
        #expect(schedule.next(at: at(162), changes: nil, canReact: true) == .wait(until: at(910)))
    }

    @Test func `a cycle within the delay holds the deletes too`() throws {
        var schedule = try settled()
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(held: 1), at: at(900))
        let scan = try #require(plan(schedule.next(at: at(910), changes: nil, canReact: true)))
        #expect(scan.scans && !scan.deletes)
        schedule.cycleBegan(scan)
        schedule.cycleEnded(RunSummary(held: 1), at: at(911))
        #expect(schedule.next(at: at(912), changes: nil, canReact: true) == .wait(until: at(960)))
    }

    @Test func `what a gate stopped is judged anew when something has changed`() throws {
        var gated = RunSummary()
        gated.isGated = true
        var schedule = try settled(gated)
        #expect(schedule.next(at: at(20), changes: nil, canReact: true) == .wait(until: at(910)))
        for second in [Int64(100), 130] {
            schedule.reactionBegan()
            schedule.reactionEnded(RunSummary(), at: at(second))
        }
        #expect(schedule.next(at: at(131), changes: nil, canReact: true) == .wait(until: at(160)))
        let judged = try #require(plan(schedule.next(at: at(160), changes: nil, canReact: true)))
        #expect(judged.deletes && !judged.scans && !judged.lists)
        schedule.cycleBegan(judged)
        schedule.cycleEnded(RunSummary(), at: at(161))
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(), at: at(200))
        #expect(schedule.next(at: at(201), changes: nil, canReact: true) == .wait(until: at(910)))
    }

    @Test func `deletes that are seen while others are judged are not forgotten`() throws {
        var schedule = try settled()
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(held: 1), at: at(100))
        let judged = try #require(plan(schedule.next(at: at(160), changes: nil, canReact: true)))
        schedule.cycleBegan(judged)
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(held: 1), at: at(161))
        schedule.cycleEnded(RunSummary(), at: at(162))
        #expect(schedule.next(at: at(163), changes: nil, canReact: true) == .wait(until: at(221)))
    }

    @Test(arguments: [(101, 1_000, true), (100, 1_000, false), (101, 200_000, false), (5_000, 1_000_000, true)])
    func `many deletes are judged by a listing, few by a look at each`(held: Int64, entries: Int64, lists: Bool) throws
    {
        var schedule = try settled()
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(held: held, entries: entries), at: at(100))
        let judged = try #require(plan(schedule.next(at: at(160), changes: nil, canReact: true)))
        #expect(judged.lists == lists)
    }

    @Test func `what failed as a whole is tried again, ever less often, and stays due`() throws {
        var schedule = schedule()
        var now: Int64 = 0
        var waits: [Int64] = []
        for _ in 0..<7 {
            let cycle = try #require(plan(schedule.next(at: at(now), changes: nil, canReact: false)))
            #expect(cycle.scans && cycle.lists)
            schedule.cycleBegan(cycle)
            schedule.cycleEnded(RunSummary(failure: .unreachable), at: at(now))
            guard case .wait(let until?) = schedule.next(at: at(now), changes: nil, canReact: false) else { return }
            waits.append(until.since(at(now)).components.seconds)
            now = now + (waits.last ?? 0)
        }
        #expect(waits == [1, 2, 4, 8, 15, 15, 15])
    }

    @Test func `refused keys are tried more rarely than a network that is away`() {
        var schedule = schedule()
        var now: Int64 = 0
        for _ in 0..<12 {
            guard let plan = plan(schedule.next(at: at(now), changes: nil, canReact: false)) else { break }
            schedule.cycleBegan(plan)
            schedule.cycleEnded(RunSummary(failure: .credentialsRefused), at: at(now))
            guard case .wait(let until?) = schedule.next(at: at(now), changes: nil, canReact: false) else { break }
            now = until.since(Self.start).components.seconds
        }
        schedule.resume()
        guard let plan = plan(schedule.next(at: at(now - 1), changes: nil, canReact: false)) else {
            Issue.record("resume lets it try at once")
            return
        }
        schedule.cycleBegan(plan)
        schedule.cycleEnded(RunSummary(failure: .credentialsRefused), at: at(now))
        #expect(schedule.next(at: at(now), changes: nil, canReact: false) == .wait(until: at(now + 300)))
    }

    @Test func `an entry that failed is tried again at its time`() throws {
        var schedule = try settled(RunSummary(nextAttempt: at(70)))
        #expect(schedule.next(at: at(11), changes: nil, canReact: true) == .wait(until: at(70)))
        let retry = try #require(plan(schedule.next(at: at(70), changes: nil, canReact: true)))
        #expect(!retry.scans && !retry.lists && !retry.isImpatient)
    }

    @Test func `what comes up while a cycle scans is due after it`() throws {
        var schedule = try settled()
        let scan = try #require(plan(schedule.next(at: at(910), changes: nil, canReact: true)))
        schedule.cycleBegan(scan)
        schedule.everythingChanged(at: at(920))
        schedule.cycleEnded(RunSummary(), at: at(930))
        #expect(plan(schedule.next(at: at(931), changes: nil, canReact: true))?.scans == true)
    }

    @Test func `an attempt whose time is past does not make it spin`() throws {
        var schedule = try settled(RunSummary(nextAttempt: at(-100)))
        #expect(schedule.next(at: at(11), changes: nil, canReact: true) == .wait(until: at(40)))
        var stopped = try settled(RunSummary(stoppedAt: .local, nextAttempt: at(-100)))
        guard case .wait(let until?) = stopped.next(at: at(11), changes: nil, canReact: true) else {
            Issue.record("a cycle was begun")
            return
        }
        #expect(until == at(40), "when the gate is looked at again")
    }

    @Test func `a wanted sync that fails stays wanted, and held deletes stay held`() throws {
        var schedule = try settled()
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(held: 1), at: at(20))
        schedule.syncWanted()
        let cycle = try #require(plan(schedule.next(at: at(21), changes: nil, canReact: true)))
        schedule.cycleBegan(cycle)
        schedule.cycleEnded(RunSummary(failure: .unreachable), at: at(22))
        let again = try #require(plan(schedule.next(at: at(30), changes: nil, canReact: true)))
        #expect(again.scans && again.lists && again.isImpatient)
    }

    @Test func `a reaction that succeeds says nothing of cycles that fail`() throws {
        var schedule = try settled(RunSummary(failure: .refused))
        var now: Int64 = 12
        for _ in 0..<3 {
            schedule.reactionBegan()
            schedule.reactionEnded(RunSummary(), at: at(now))
            let cycle = try #require(plan(schedule.next(at: at(now), changes: nil, canReact: true)))
            schedule.cycleBegan(cycle)
            schedule.cycleEnded(RunSummary(failure: .refused), at: at(now))
            guard case .wait(let until?) = schedule.next(at: at(now), changes: nil, canReact: true) else { return }
            now = until.since(Self.start).components.seconds
        }
        #expect(now == 12 + 2 + 4 + 8)
    }

    @Test func `a gate that stops everything stops reactions, and is looked at again soon`() throws {
        var schedule = try settled(RunSummary(stoppedAt: .local))
        #expect(schedule.next(at: at(11), changes: at(5), canReact: true) == .wait(until: at(40)))
        let again = try #require(plan(schedule.next(at: at(40), changes: at(5), canReact: true)))
        #expect(again.scans && !again.lists, "nothing is asked of the service")
        schedule.cycleBegan(again)
        schedule.cycleEnded(RunSummary(), at: at(41))
        #expect(schedule.next(at: at(42), changes: at(5), canReact: true) == .react)
    }

    @Test func `an emptied bucket is listed again soon, and nothing is walked for it`() throws {
        var schedule = try settled(RunSummary(stoppedAt: .remote))
        #expect(schedule.next(at: at(11), changes: at(5), canReact: true) == .wait(until: at(40)))
        let again = try #require(plan(schedule.next(at: at(40), changes: at(5), canReact: true)))
        #expect(again.lists && !again.scans)
    }

    @Test func `a reaction that a gate stopped asks for a cycle`() throws {
        var schedule = try settled()
        schedule.reactionBegan()
        schedule.reactionEnded(RunSummary(stoppedAt: .local), at: at(20))
        let cycle = try #require(plan(schedule.next(at: at(20), changes: at(20), canReact: true)))
        #expect(cycle.scans)
    }

    @Test func `a paused folder does nothing, and what was due then is due after`() throws {
        var schedule = try settled()
        schedule.pause()
        #expect(schedule.next(at: at(5_000), changes: at(20), canReact: true) == .wait(until: nil))
        schedule.resume()
        let cycle = try #require(plan(schedule.next(at: at(5_000), changes: nil, canReact: true)))
        #expect(cycle.scans && cycle.lists)
    }

    @Test func `a wanted sync looks at both sides at once, whatever failed before`() throws {
        var schedule = try settled(RunSummary(failure: .credentialsRefused))
        schedule.syncWanted()
        let cycle = try #require(plan(schedule.next(at: at(10), changes: nil, canReact: true)))
        #expect(cycle.scans && cycle.lists && cycle.isImpatient)
    }

    @Test func `an approval is acted on at once`() throws {
        var schedule = try settled()
        schedule.approved(at: at(20))
        let cycle = try #require(plan(schedule.next(at: at(20), changes: nil, canReact: true)))
        #expect(cycle.deletes && !cycle.scans)
    }

    @Test func `a clock that is put back makes nothing wait for long`() throws {
        var schedule = try settled()
        let cycle = plan(schedule.next(at: at(-100_000), changes: nil, canReact: true))
        #expect(cycle?.scans == true && cycle?.lists == true)
    }
}
