import SyncEngine
import TestSupport

/// Where a user's hand is.
enum Place: Hashable {
    case machine(Int)
    case bucket
}

/// What users do to files and objects, as the oracle is told of it.
extension Simulation {
    /// The places where a user may write at this moment; `duringCycle` is true where the engine may be in the middle of
    /// something.
    private func places(duringCycle: Bool) -> [Place] {
        let machines = machines.indices.map(Place.machine)
        switch scenario.direction {
        case .up: return machines
        // What is edited on the side that follows goes to the trash.
        case .down: return [.bucket] + machines
        // Between a look and an unconditional write nothing is safe in the bucket.
        case .both: return duringCycle && !scenario.isGuarded ? machines : machines + [.bucket]
        }
    }

    func randomEdit(duringCycle: Bool = false) {
        guard let place = places(duringCycle: duringCycle).randomElement(using: &generator),
            let name = scenario.names.randomElement(using: &generator)
        else { return }
        switch Int.random(in: 0..<9, using: &generator) {
        case 0, 1: delete(name, at: place)
        case 3: touch(name, at: place)
        case 2: if let other = scenario.names.randomElement(using: &generator) { rename(name, to: other, at: place) }
        default: edit(name, at: place)
        }
    }

    /// The content of a name; nil for none.
    private func content(_ name: String, at place: Place) -> [UInt8]? {
        switch place {
        case .machine: contents(at: place)[spelled(name, at: place)]
        case .bucket: contents(at: place)[key(name)]
        }
    }

    /// Changes what a file or an object looks like, and nothing of what it holds.
    private func touch(_ name: String, at place: Place) {
        switch place {
        case .machine(let number): machines[number].disk.touch(Array(name.utf8))
        case .bucket:
            // Where ETags say nothing, the same bytes written again are another version to everybody.
            let isSeen = scenario.isQuiet && (scenario.makesOpaqueTags || scenario.isLarge)
            guard !isSeen, let content = content(name, at: place) else { return }
            journal.note("\(place) writes \(name) again")
            write(name, content, at: place)
        }
    }

    /// The name by which a disk knows what is asked for by `name`.
    private func spelled(_ name: String, at place: Place) -> [UInt8] {
        let names = contents(at: place).keys
        let own = Array(name.utf8)
        guard scenario.foldsNames, !names.contains(own) else { return own }
        // Composed and decomposed letters are the same to a `String`.
        let twin = names.first { String(decoding: $0, as: UTF8.self).lowercased() == name.lowercased() }
        return twin ?? own
    }

    private func contents(at place: Place) -> [[UInt8]: [UInt8]] {
        switch place {
        case .machine(let number): machines[number].files
        case .bucket: store.contents
        }
    }

    /// What a user's tool comes to at a service that takes a backslash for a slash.
    private func key(_ name: String) -> [UInt8] {
        Array((scenario.foldsBackslashes ? name.replacing("\\", with: "/") : name).utf8)
    }

    func edit(_ name: String, at place: Place) {
        clear(name, at: place)
        edits += 1
        let new = Array("\(name) edit \(edits)".utf8)
        oracle.note(replacing: content(name, at: place), by: new)
        journal.note("\(place) writes \(name): edit \(edits)")
        write(name, new, at: place)
    }

    /// Removes what cannot stand beside a name: what is beneath it, conflict copies among it, and what is a file above it.
    private func clear(_ name: String, at place: Place) {
        let folds = scenario.foldsNames && place != .bucket
        let own = folds ? name.lowercased() : name
        let present = contents(at: place).keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
        for other in present {
            let known = folds ? other.lowercased() : other
            if known.hasPrefix(own + "/") || own.hasPrefix(known + "/") { delete(other, at: place) }
        }
    }

    private func write(_ name: String, _ content: [UInt8]?, at place: Place) {
        switch (place, content) {
        case (.machine(let number), let content?):
            // A file that is written to in place while its parts are sent, within one tick of a coarse clock, goes up mixed, since
            // nothing tells; and goes up again. Here users replace it.
            if scenario.isLarge, scenario.granularity > 1 { machines[number].disk.remove(Array(name.utf8)) }
            machines[number].disk.write(Array(name.utf8), content)
        case (.machine(let number), nil): machines[number].disk.remove(Array(name.utf8))
        case (.bucket, _):
            // Some tools tell when a file was changed, others do not.
            let modified = Bool.random(using: &generator) ? clock.now() : nil
            store.set(key(name), content, modified: modified)
        }
    }

    func delete(_ name: String, at place: Place) {
        guard let old = content(name, at: place) else { return }
        oracle.note(replacing: old, by: nil)
        journal.note("\(place) deletes \(name)")
        write(name, nil, at: place)
    }

    /// Gives a content another name: by a rename on a disk, by a copy and a delete in the bucket.
    private func rename(_ name: String, to other: String, at place: Place) {
        guard name != other, let content = content(name, at: place) else { return }
        guard !name.hasPrefix(other + "/"), !other.hasPrefix(name + "/") else { return }
        if scenario.foldsNames, place != .bucket, name.lowercased() == other.lowercased() { return }
        clear(other, at: place)
        if let replaced = self.content(other, at: place) { oracle.note(replacing: replaced, by: nil) }
        journal.note("\(place) renames \(name) to \(other)")
        switch place {
        case .machine(let number): machines[number].disk.move(Array(name.utf8), to: Array(other.utf8))
        case .bucket:
            store.set(key(other), content, modified: clock.now())
            if key(other) != key(name) { store.set(key(name), nil) }
        }
    }
}
