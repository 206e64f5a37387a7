import SyncEngine
import TestSupport

/// What must have become of it all, once nothing goes wrong any more.
extension Simulation {
    /// Rounds of cycles after which everything must have come to rest.
    private static let calmRounds = 12

    /// Cycles, and an operator who approves, until all is at rest; and what is wrong then.
    func calm() -> String? {
        for machine in machines { machine.fate.meet(Fate.Plan()) }
        var reports: [CycleReport] = []
        for _ in 0..<Self.calmRounds {
            clock.advance(seconds: 60)
            reports = machines.map { machine in run { await machine.cycle() } }
            if reports.allSatisfy(\.isIdle) { return complaint(reports) }
            for machine in machines { run { await machine.approve() } }
        }
        return "no rest: \(reports.map(\.record.requests)) \(reports.flatMap(\.problems).map(\.problem.message))"
    }

    func run<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
        SimulationExecutor(seed: generator.next()).run(work)
    }

    private func complaint(_ reports: [CycleReport]) -> String? {
        let local = machines.map(\.files)
        let sides = scenario.direction == .down ? [store.contents] + local : local + [store.contents]
        let problems = Set(reports.flatMap(\.problems).map(\.problem.path))
        if let problem = problems.first(where: { !isInherent($0, sides) }) {
            let messages = reports.flatMap(\.problems).map(\.problem.message)
            return "a problem at rest: \(String(decoding: problem, as: UTF8.self)): \(messages)"
        }
        // An edit of the last moment that could not be brought to light because that failed is in the trash; one that a
        // download replaced is there by right.
        let mayBeInTrash = hadFaults || hadDeaths || scenario.direction == .down
        let kept = mayBeInTrash ? Set(machines.flatMap(\.trash)) : []
        if let complaint = oracle.complaint(sides, problems: problems, kept: kept) { return complaint }
        if !hadMeddling, let twice = copiedTwice(sides[0]) { return "two copies of one loser: \(twice)" }
        // What came in ranges waits for the way to be cleared.
        if problems.isEmpty, let left = machines.flatMap(\.temporaryFiles).first {
            return "left behind: \(String(decoding: left, as: UTF8.self))"
        }
        if !hasLostIndex, !store.unfinished.isEmpty { return "unfinished uploads: \(store.unfinished.count)" }
        return nil
    }

    /// A content of one time that has two conflict copies; nil for none. The loser of a conflict has one name, whoever gives it and
    /// however often that is tried.
    private func copiedTwice(_ tree: [[UInt8]: [UInt8]]) -> String? {
        let copies = tree.filter { String(decoding: $0.key, as: UTF8.self).contains(" (conflict ") }
        // All but the digest at its end.
        let twice = Dictionary(grouping: copies.keys) { name in
            (copies[name] ?? []) + (name.lastIndex(of: UInt8(ascii: " ")).map { name[..<$0] } ?? [])
        }.values.first { $0.count > 1 }
        return twice?.map { String(decoding: $0, as: UTF8.self) }.sorted().joined(separator: ", ")
    }

    /// Whether a name cannot be on both sides: one that the store folds, and a file where a directory is on the other side.
    private func isInherent(_ name: [UInt8], _ sides: [[[UInt8]: [UInt8]]]) -> Bool {
        if scenario.foldsBackslashes, name.contains(UInt8(ascii: "\\")) { return true }
        let text = String(decoding: name, as: UTF8.self).lowercased()
        if scenario.foldsNames, sides.contains(where: { hasTwin(of: text, in: $0) }) { return true }
        let slash = UInt8(ascii: "/")
        return sides.contains { side in
            side.keys.contains { $0.starts(with: name + [slash]) || name.starts(with: $0 + [slash]) }
        }
    }
}

/// Whether two names of a tree are one to a disk that folds them, `folded` or a directory above it among them.
private func hasTwin(of folded: String, in tree: [[UInt8]: [UInt8]]) -> Bool {
    let names = tree.keys.map { String(decoding: $0, as: UTF8.self) }
    let parents = Set(names.flatMap { name in name.indices.filter { name[$0] == "/" }.map { String(name[..<$0]) } })
    return (names + parents).filter { folded == $0.lowercased() || folded.hasPrefix($0.lowercased() + "/") }.count > 1
}

extension CycleReport {
    /// True if there was nothing to do but to look; and to try in vain what cannot be done, where there is such a thing.
    fileprivate var isIdle: Bool {
        let looks: Set = problems.isEmpty ? ["LIST"] : ["LIST", "HEAD", "GET", "RANGE"]
        let moved = record.uploaded + record.downloaded + record.deletedLocal + record.deletedRemote
        let isDone = moved == 0 && (pending.isEmpty || !problems.isEmpty)
        return failure == nil && halt == nil && Set(record.requests.keys).isSubset(of: looks) && isDone
    }
}
