/// Which directory of a tree each watch stands for. Watches are numbers that the kernel gives and never gives again.
struct WatchTable {
    private struct Node {
        /// Nil for the root.
        var parent: Int32?
        var name: [UInt8]
        var children: [[UInt8]: Int32] = [:]
        /// The walk that read it last.
        var walk: Int
    }

    private var nodes: [Int32: Node] = [:]
    private var root: Int32?
    private var walk = 0

    /// Directories that are watched.
    var count: Int { nodes.count }

    /// The watch of the directory at `path` (nil: the root); nil where it is not watched.
    func watch(at path: RelativePath?) -> Int32? {
        guard let path else { return root }
        var current = root
        for segment in path.bytes.split(separator: UInt8(ascii: "/")) {
            current = current.flatMap { nodes[$0]?.children[Array(segment)] }
        }
        return current
    }

    /// Where the directory of a watch lies: `.some(nil)` is the root; nil if the watch is not known any more.
    func directory(of watch: Int32) -> RelativePath?? {
        var names: [[UInt8]] = []
        var current = watch
        while let node = nodes[current] {
            guard let parent = node.parent else {
                guard !names.isEmpty else { return .some(nil) }
                return RelativePath(trusted: Array(names.reversed().joined(separator: [UInt8(ascii: "/")])))
            }
            names.append(node.name)
            current = parent
        }
        return nil
    }

    /// Notes that `watch` stands for the directory at `path`, wherever it lay before.
    /// - Returns: watches that stand for nothing any more, to be removed; nil if the directory above is not watched.
    mutating func add(_ watch: Int32, at path: RelativePath?) -> [Int32]? {
        guard let path else {
            let stale = root.map { $0 == watch ? [] : drop($0) } ?? []
            root = watch
            nodes[watch, default: Node(parent: nil, name: [], walk: walk)].walk = walk
            return stale
        }
        guard let parent = self.watch(at: path.parent) else { return nil }
        let name = Array(path.name)
        var stale: [Int32] = []
        if let other = nodes[parent]?.children[name], other != watch { stale = drop(other) }
        if let node = nodes[watch], node.parent != parent || node.name != name {
            // The directory was moved: what lay in it is found anew by the walk that comes to it.
            stale += drop(watch).filter { $0 != watch }
        }
        nodes[watch, default: Node(parent: parent, name: name, walk: walk)].walk = walk
        nodes[parent]?.children[name] = watch
        return stale
    }

    /// Forgets the directory at `path` and all beneath it. - Returns: their watches, to be removed.
    mutating func remove(at path: RelativePath) -> [Int32] {
        watch(at: path).map { drop($0) } ?? []
    }

    /// The kernel has dropped this watch. - Returns: those beneath its directory, to be removed.
    mutating func forget(_ watch: Int32) -> [Int32] {
        drop(watch).filter { $0 != watch }
    }

    /// A walk over the whole tree begins.
    mutating func beginWalk() {
        walk += 1
    }

    /// The walk has come to its end. - Returns: watches of directories that it did not read, to be removed.
    mutating func endWalk() -> [Int32] {
        let missed = nodes.filter { $0.value.walk != walk }.map(\.key)
        return missed.flatMap { drop($0) }
    }

    /// Takes a node and all beneath it out. - Returns: their watches.
    private mutating func drop(_ watch: Int32) -> [Int32] {
        guard let node = nodes[watch] else { return [] }
        if let parent = node.parent {
            nodes[parent]?.children[node.name] = nil
        } else {
            root = nil
        }
        var dropped: [Int32] = []
        var rest = [watch]
        while let next = rest.popLast() {
            guard let node = nodes.removeValue(forKey: next) else { continue }
            dropped.append(next)
            rest += node.children.values
        }
        return dropped
    }
}
