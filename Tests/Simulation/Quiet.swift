import SyncEngine
import TestSupport

/// Histories in which nothing goes wrong and everybody waits for the cycle to end: then it is known to the byte what must come
/// of it.
extension Simulation {
    private static let quietRounds = 5

    /// - Returns: what is wrong; nil if nothing is.
    func playQuietly() -> String? {
        let machine = machines[0]
        machine.fate.meet(Fate.Plan())
        var base: [[UInt8]: [UInt8]] = [:]
        for _ in 0..<Self.quietRounds {
            for _ in 0..<Int.random(in: 0...5, using: &generator) { randomEdit() }
            if let name = scenario.names.randomElement(using: &generator) { machine.disk.touch(Array(name.utf8)) }
            pass(seconds: 1...100)
            let merge = Merge(base: base, local: machine.files, remote: store.contents)
            let sent = store.bytesUp
            var report = run { await machine.cycle() }
            if report.halt != nil {
                run { await machine.approve() }
                report = run { await machine.cycle() }
            }
            base = machine.files
            let problems = report.problems.map(\.problem.message)
            if report.record.result != .inSync { return "not in sync: \(report.record.result) \(problems)" }
            if base != store.contents { return "the sides differ after one cycle: \(problems)" }
            if let complaint = merge.complaint(base) { return complaint }
            if store.bytesUp - sent > merge.bytesUp { return "\(store.bytesUp - sent) bytes sent for \(merge.bytesUp)" }
        }
        return calm()
    }
}

/// What three trees come to, written down without a look at how the engine decides it.
struct Merge {
    /// What must stand under a name, whichever it is of these; nothing for a name that must be gone.
    private var allowed: [[UInt8]: Set<[UInt8]>] = [:]
    /// What must be kept under a name of its own, if not under the old one.
    private var conflicts: [[UInt8]: Set<[UInt8]>] = [:]
    /// What it takes to tell the bucket, at most.
    private(set) var bytesUp: Int64 = 0

    init(base: [[UInt8]: [UInt8]], local: [[UInt8]: [UInt8]], remote: [[UInt8]: [UInt8]]) {
        for name in Set(base.keys).union(local.keys).union(remote.keys) {
            let (old, here, there) = (base[name], local[name], remote[name])
            if let here, here != old, here != there {
                let loser = there == old ? nil : there
                bytesUp += Int64(here.count + (loser?.count ?? 0))
            }
            if here == there || there == old {
                allowed[name] = Set([here].compactMap { $0 })
            } else if here == old {
                allowed[name] = Set([there].compactMap { $0 })
            } else {
                // An edit wins over a delete; of two edits one gets another name.
                allowed[name] = Set([here, there].compactMap { $0 })
                if let here, let there { conflicts[name] = [here, there] }
            }
        }
    }

    /// What is wrong with the tree that came of it; nil if nothing is.
    func complaint(_ tree: [[UInt8]: [UInt8]]) -> String? {
        for (name, contents) in allowed {
            let isRight = tree[name].map(contents.contains) ?? contents.isEmpty
            if !isRight { return "\(String(decoding: name, as: UTF8.self)) is not what it must be" }
        }
        let extra = tree.filter { allowed[$0.key] == nil }
        let losers = conflicts.map { name, contents in contents.subtracting([tree[name] ?? []]) }
        let wanted = losers.reduce(into: Set<[UInt8]>()) { $0.formUnion($1) }
        return Set(extra.values) == wanted && extra.count == wanted.count
            ? nil : "conflict copies: \(extra.count) of \(wanted.count)"
    }
}
