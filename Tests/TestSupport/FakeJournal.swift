import SyncEngine

/// What a power cut leaves of an inode: what was last synchronised.
struct Durable {
    var content: [UInt8]?
    var mode: UInt16 = 0
    var modified = UnixTime(seconds: 0)
    var children: [[UInt8]: FakeNode] = [:]
}

extension FakeNode {
    /// `fsync` of a file.
    func makeDurable() {
        guard content != nil else { return }
        (durable.content, durable.mode, durable.modified) = (content, mode, modified)
    }
}

/// The changes of names that no power cut may undo any more, and those that one may: in each directory those that were made
/// last go first, a change of several names is kept or undone as a whole, and no name is kept in a directory that is not. So do
/// file systems that keep a journal.
struct FakeJournal {
    /// One name of a directory that stands for another node than before.
    struct Step {
        let directory: FakeNode
        let name: [UInt8]
        let node: FakeNode?
    }

    /// False: everything is durable at once, and nothing is kept.
    var isKept = false
    /// The oldest first; the steps of one change happen together.
    private var changes: [[Step]] = []

    mutating func apply(_ steps: [Step]) {
        for step in steps {
            var children = step.directory.children ?? [:]
            children[step.name] = step.node
            step.directory.kind = .directory(children)
        }
        if isKept { changes.append(steps) }
    }

    /// `fsync` of a directory: its changes become durable, with all that they presuppose.
    mutating func commit(_ directory: FakeNode) {
        var needed: Set<UInt64> = [directory.inode]
        keep { steps in
            let inodes = steps.map(\.directory.inode)
            let makesNeeded = steps.contains { $0.node.map { needed.contains($0.inode) } ?? false }
            guard makesNeeded || inodes.contains(where: needed.contains) else { return false }
            needed.formUnion(inodes)
            return true
        }
    }

    mutating func commitAll() { keep { _ in true } }

    /// Keeps what `generator` draws, of each directory its first changes, and forgets the rest.
    mutating func cut(using generator: inout SeededGenerator) {
        if Bool.random(using: &generator) {
            let count = Int.random(in: 0...changes.count, using: &generator)
            changes.removeLast(changes.count - count)
            commitAll()
            return
        }
        var lost: Set<UInt64> = []
        let rate = Int.random(in: 1...4, using: &generator)
        var kept: [[Step]] = []
        for steps in changes {
            let inodes = steps.map(\.directory.inode)
            if inodes.contains(where: lost.contains) || Int.random(in: 0..<rate, using: &generator) == 0 {
                lost.formUnion(inodes)
                lost.formUnion(steps.compactMap(\.node?.inode))
            } else {
                kept.append(steps)
            }
        }
        changes = kept
        commitAll()
    }

    /// Goes through the changes from the last to the first, and makes those durable that `isWanted`.
    private mutating func keep(where isWanted: ([Step]) -> Bool) {
        var wanted: [[Step]] = []
        var rest: [[Step]] = []
        for steps in changes.reversed() {
            if isWanted(steps) { wanted.append(steps) } else { rest.append(steps) }
        }
        for step in wanted.reversed().joined() { step.directory.durable.children[step.name] = step.node }
        changes = rest.reversed()
    }
}

extension FakeTree {
    /// `syncfs`.
    mutating func commitAll() {
        journal.commitAll()
        visit { $0.makeDurable() }
    }

    /// Of each file that was not synchronised there is left the old content, the new, a piece of it, or nothing.
    mutating func cutPower(using generator: inout SeededGenerator) {
        journal.cut(using: &generator)
        var random = generator
        visit { node in
            switch node.kind {
            case .directory: node.kind = .directory(node.durable.children)
            case .file(let content): Self.forget(node, content, &random)
            case .symbolicLink, .special: break
            }
        }
        generator = random
    }

    private static func forget(_ node: FakeNode, _ content: [UInt8], _ generator: inout SeededGenerator) {
        let durable = node.durable
        if durable.content == content {
            // Only what `stat` says can be lost.
            if Bool.random(using: &generator) { (node.mode, node.modified) = (durable.mode, durable.modified) }
            return
        }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: break
        case 1: node.kind = .file([UInt8](repeating: 0, count: content.count))
        case 2: node.kind = .file(Array(content.prefix(content.count / 2)))
        default:
            node.kind = .file(durable.content ?? [])
            if durable.content != nil { (node.mode, node.modified) = (durable.mode, durable.modified) }
        }
        node.makeDurable()
    }

    /// Calls `body` for every node, those above first: it may change what is below.
    private func visit(_ body: (FakeNode) -> Void) {
        var rest = [root].compactMap { $0 }
        while let node = rest.popLast() {
            body(node)
            for (_, child) in (node.children ?? [:]).sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                rest.append(child)
            }
        }
    }
}
