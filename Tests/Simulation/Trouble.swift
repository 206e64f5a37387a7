import SyncEngine
import TestSupport

/// What goes wrong while cycles run.
extension Simulation {
    /// A cycle of each machine, with all that can come in its way: at once where the store keeps them apart.
    func trouble() throws {
        editRate = chance(1, in: 2) ? UInt64.random(in: 5...60, using: &generator) : nil
        let scopes = machines.map { drawScopes(mayReact: $0.canReact) }
        for (machine, scopes) in zip(machines, scopes) {
            var plan = drawPlan()
            plan.isAlone = scopes.count == 1
            machine.fate.meet(plan)
        }
        hasMeddled = false
        let before = Sides(local: machines[0].files, remote: store.contents)
        let executor = SimulationExecutor(seed: generator.next())
        let machines = machines
        if scenario.isGuarded {
            executor.run {
                await withTaskGroup(of: Void.self) { group in
                    for (machine, scopes) in zip(machines, scopes) {
                        for scope in scopes { group.addTask { _ = await machine.cycle(scope) } }
                    }
                }
            }
        } else {
            for (machine, scopes) in zip(machines, scopes) {
                for scope in scopes { executor.run { _ = await machine.cycle(scope) } }
            }
        }
        editRate = nil
        complaint = complaint ?? vanished(since: before)
        for machine in machines { try follow(machine) }
    }

    private struct Sides {
        var local: [[UInt8]: [UInt8]]
        var remote: [[UInt8]: [UInt8]]
    }

    /// A name that is on one side, was on the other before the cycle, and is there no more, though no user was at work
    /// meanwhile: nothing that anybody did is a reason for it.
    private func vanished(since before: Sides) -> String? {
        guard machines.count == 1, !hasMeddled else { return nil }
        // Where a file gets no second name, the loser of a conflict takes its own with it; the next cycle fetches the winner.
        let fate = machines[0].fate
        if fate.isDead, fate.failures.contains(where: { $0.name == "link" }) { return nil }
        let after = Sides(local: machines[0].files, remote: store.contents)
        let local = before.local.keys.filter { after.local[$0] == nil && after.remote[$0] != nil }
        let remote = before.remote.keys.filter { after.remote[$0] == nil && after.local[$0] != nil }
        guard let name = local.first ?? remote.first else { return nil }
        return "\(String(decoding: name, as: UTF8.self)) is gone from one side, and nobody deleted it"
    }

    func chance(_ times: Int, in total: Int) -> Bool { Int.random(in: 0..<total, using: &generator) < times }

    private func drawPlan() -> Fate.Plan {
        var plan = Fate.Plan()
        if chance(1, in: 3) { plan.faultRate = UInt64.random(in: 10...80, using: &generator) }
        if chance(1, in: 6) { plan.lossRate = UInt64.random(in: 5...40, using: &generator) }
        if chance(1, in: 3) { plan.death = Int.random(in: 1...60, using: &generator) }
        hadFaults = hadFaults || plan.faultRate != nil || plan.lossRate != nil
        return plan
    }

    /// A cycle, of which some look at a part only; and beside it, in some cases, a reaction to what a watcher saw.
    private func drawScopes(mayReact: Bool) -> [CycleScope] {
        var scope = CycleScope.whole
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: scope.lists = false
        case 1: scope.local = .none
        case 2: scope.deletes = false
        default: break
        }
        guard mayReact, scenario.direction != .down, chance(1, in: 3) else { return [scope] }
        let paths = scenario.names.filter { _ in chance(1, in: 3) }
        return [scope, .reaction(to: paths.map { RelativePath(unchecked: Array($0.utf8), in: nil) })]
    }

    /// What becomes of a machine after its cycle.
    private func follow(_ machine: Machine) throws {
        let isDead = machine.fate.isDead
        complaint = complaint ?? machine.fate.violation ?? strange(on: machine)
        if isDead, chance(1, in: 2) {
            journal.note("the power goes on machine \(machine.number)")
            let before = Set(machine.files.values).union(machine.trash)
            machine.cutPower(using: &generator)
            let others = machines.filter { $0 !== machine }.flatMap(\.files.values) + store.contents.values
            // Upwards, what the index did not come to know is foreign in the bucket, and goes when that is approved.
            let elsewhere = scenario.direction == .up ? [] : Set(others)
            oracle.forget(before: before, after: Set(machine.files.values).union(machine.trash), elsewhere: elsewhere)
            hadDeaths = true
            complaint = complaint ?? strange(on: machine)
        } else if isDead || chance(1, in: 4) {
            machine.restart()
        }
        if chance(1, in: 24) {
            journal.note("machine \(machine.number) loses its index")
            try machine.loseIndex()
            hasLostIndex = true
        }
        if chance(1, in: 3) { machine.disk.synchronizeByItself() }
        if scenario.granularity == 1, chance(1, in: 12) {
            machine.setClock(ahead: Int64.random(in: -90_000...90_000, using: &generator))
        }
    }

    /// Nothing but what users wrote may stand under a user's name, at any time.
    private func strange(on machine: Machine) -> String? {
        let names = oracle.strange(in: machine.files) + oracle.strange(in: store.contents)
        guard let name = names.first else { return nil }
        return "nobody wrote what stands under \(String(decoding: name, as: UTF8.self))"
    }

    /// A user's hand between two steps of a cycle.
    func meddle() {
        guard let rate = editRate, generator.next() % rate == 0 else { return }
        (hadMeddling, hasMeddled) = (true, true)
        randomEdit(duringCycle: true)
    }
}
