/// Says which final states are allowed, from nothing but what users did: it knows no base, no decision and no engine.
///
/// Contents are unique, so that a content is a version.
struct Oracle {
    /// What users wrote and no user, seeing it, replaced or deleted.
    private(set) var alive: Set<[UInt8]> = []
    /// Whatever users wrote. Nothing else may ever stand under a user's name, no piece and no mixture.
    private(set) var written: Set<[UInt8]> = []

    /// A user who saw `old` under a name wrote `new` there; nil for nothing.
    mutating func note(replacing old: [UInt8]?, by new: [UInt8]?) {
        if let old { alive.remove(old) }
        if let new {
            alive.insert(new)
            written.insert(new)
        }
    }

    /// The disk of one place forgot what its users had written and nobody had synchronised: `before` stood there, `after` does, and
    /// `elsewhere` what others hold. Only what came from there is lost with it.
    mutating func forget(before: Set<[UInt8]>, after: Set<[UInt8]>, elsewhere: Set<[UInt8]>) {
        alive.subtract(before.subtracting(after).subtracting(elsewhere))
    }

    /// What no user wrote.
    func strange(in side: [[UInt8]: [UInt8]]) -> [[UInt8]] { side.filter { !written.contains($0.value) }.map(\.key) }

    /// What is wrong with the end; nil if nothing is. `sides` are the trees that must be equal, the leading one first. What
    /// stands under the names in `problems` may differ. `kept` is what lies in the trash.
    func complaint(
        _ sides: [[[UInt8]: [UInt8]]],
        problems: Set<[UInt8]>,
        kept: Set<[UInt8]>
    ) -> String? {
        for side in sides {
            let strange = strange(in: side)
            if !strange.isEmpty { return "nobody wrote what stands under \(text(strange))" }
        }
        for (first, second) in zip(sides, sides.dropFirst()) {
            let different = Set(first.keys).union(second.keys).filter { first[$0] != second[$0] }.subtracting(problems)
            if !different.isEmpty { return "the sides differ in \(text(Array(different)))" }
        }
        let held = sides.reduce(into: kept) { $0.formUnion($1.values) }
        let lost = alive.subtracting(held)
        return lost.isEmpty ? nil : "lost: \(text(Array(lost)))"
    }

    private func text(_ names: [[UInt8]]) -> String {
        names.map { String(decoding: $0, as: UTF8.self) }.sorted().joined(separator: ", ")
    }
}
