import SyncEngine

/// One inode of a ``FakeFileSystem``.
final class FakeNode {
    enum Kind {
        case file([UInt8])
        case directory([[UInt8]: FakeNode])
        case symbolicLink
        case special
    }

    var kind: Kind
    let inode: UInt64
    var mode: UInt16
    var device: UInt64 = 1
    var modified: UnixTime
    var changed: UnixTime
    /// What a power cut leaves of it; see ``FakeJournal``.
    var durable = Durable()

    init(_ kind: Kind, inode: UInt64, mode: UInt16, at time: UnixTime) {
        self.kind = kind
        self.inode = inode
        self.mode = mode
        modified = time
        changed = time
    }

    var children: [[UInt8]: FakeNode]? {
        if case .directory(let children) = kind { return children }
        return nil
    }

    var content: [UInt8]? {
        if case .file(let content) = kind { return content }
        return nil
    }

    var status: FileStatus {
        let statusKind: FileStatus.Kind
        switch kind {
        case .file: statusKind = .file
        case .directory: statusKind = .directory
        case .symbolicLink: statusKind = .symbolicLink
        case .special: statusKind = .special
        }
        let size = Int64(content?.count ?? 0)
        let state = LocalState(inode: inode, size: size, modified: modified, changed: changed, mode: mode)
        return FileStatus(kind: statusKind, device: device, state: state)
    }
}

/// The tree and its rules: what each operation of a file system does to names and inodes.
struct FakeTree {
    var root: FakeNode?
    var rootID: String?
    private var nextInode: UInt64 = 100
    /// True while no content can be written.
    var isFull = false
    /// What is not durable yet.
    var journal = FakeJournal()
    /// Which names are one.
    var folding = FakeFolding.none

    init(at time: UnixTime) {
        root = FakeNode(.directory([:]), inode: 2, mode: 0o755, at: time)
    }

    mutating func makeNode(_ kind: FakeNode.Kind, mode: UInt16, at time: UnixTime) -> FakeNode {
        nextInode += 1
        return FakeNode(kind, inode: nextInode, mode: mode, at: time)
    }

    /// - Throws: `.notFound`, `.notDirectory` or `.symbolicLink`, as a walk that follows no link meets them.
    func find(_ path: RelativePath?, _ operation: String) throws(FileSystemError) -> FakeNode {
        guard var node = root else { throw Self.error(.notFound, operation, path) }
        for segment in Self.segments(path) {
            switch node.kind {
            case .directory(let children):
                guard let name = known(segment, in: children), let child = children[name] else {
                    throw Self.error(.notFound, operation, path)
                }
                node = child
            case .symbolicLink: throw Self.error(.symbolicLink, operation, path)
            case .file, .special: throw Self.error(.notDirectory, operation, path)
            }
        }
        return node
    }

    /// The directory that holds `path`.
    func parent(_ path: RelativePath, _ operation: String) throws(FileSystemError) -> FakeNode {
        let parent = try find(path.parent, operation)
        switch parent.kind {
        case .directory: return parent
        case .symbolicLink: throw Self.error(.symbolicLink, operation, path)
        case .file, .special: throw Self.error(.notDirectory, operation, path)
        }
    }

    mutating func link(_ node: FakeNode, at path: RelativePath, _ operation: String) throws(FileSystemError) {
        let directory = try parent(path, operation)
        guard known(Array(path.name), in: directory.children ?? [:]) == nil else {
            throw Self.error(.exists, operation, path)
        }
        try name([(node, path)], operation)
    }

    mutating func unlink(_ path: RelativePath, _ operation: String) throws(FileSystemError) {
        _ = try find(path, operation)
        try name([(nil, path)], operation)
    }

    /// Names nodes anew, all in one step, whatever the names stood for; nil for no node. A name that is there and stays keeps its
    /// spelling.
    mutating func name(_ nodes: [(FakeNode?, RelativePath)], _ operation: String) throws(FileSystemError) {
        var steps: [FakeJournal.Step] = []
        for (node, path) in nodes.filter({ $0.0 == nil }) + nodes.filter({ $0.0 != nil }) {
            let directory = try parent(path, operation)
            var children = directory.children ?? [:]
            for step in steps where step.directory === directory && step.node == nil { children[step.name] = nil }
            let name = known(Array(path.name), in: children) ?? kept(Array(path.name))
            steps.append(FakeJournal.Step(directory: directory, name: name, node: node))
        }
        journal.apply(steps)
    }

    /// All files, by path.
    func files(beneath node: FakeNode? = nil, path: [UInt8] = []) -> [[UInt8]: FakeNode] {
        guard let node = node ?? root, let children = node.children else { return [:] }
        var files: [[UInt8]: FakeNode] = [:]
        for (name, child) in children {
            let own = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
            if child.content != nil { files[own] = child }
            files.merge(self.files(beneath: child, path: own)) { first, _ in first }
        }
        return files
    }

    private static func segments(_ path: RelativePath?) -> [[UInt8]] {
        (path?.bytes ?? []).split(separator: UInt8(ascii: "/")).map(Array.init)
    }

    static func error(
        _ code: FileSystemError.Code,
        _ operation: String,
        _ path: RelativePath?
    ) -> FileSystemError {
        FileSystemError(code: code, operation: operation, path: path?.bytes ?? [], errno: 0)
    }
}
