public import SyncEngine
import Synchronization

/// A file system in memory, with the rules of the real one and a hook before every operation.
public final class FakeFileSystem: FileSystem, @unchecked Sendable {
    // @unchecked: `tree` is touched only while `lock` is held; `before` is set by a test before it runs the engine.
    private let lock = Mutex(())
    private var tree: FakeTree
    private let clock: any EngineClock
    private let trace: Trace?
    /// How fine its times are, in nanoseconds, at least 1: what lies between two ticks gets the time of the first.
    public let granularity: Int64
    /// Called before each operation with its name and path; what it throws is the operation's error.
    public var before: ((_ operation: String, _ path: [UInt8]) throws(FileSystemError) -> Void)?

    /// `forgets` is true where a power cut is to be played: then what is not synchronised is kept apart.
    public init(clock: any EngineClock, trace: Trace? = nil, granularity: Int64 = 1, forgets: Bool = false) {
        self.clock = clock
        self.trace = trace
        self.granularity = granularity
        tree = FakeTree(at: clock.now())
        tree.journal.isKept = forgets
    }

    private var time: UnixTime {
        let now = clock.now().nanoseconds
        return UnixTime(nanoseconds: now / granularity * granularity)
    }

    private func perform<Value>(
        _ operation: String,
        _ path: RelativePath?,
        _ body: (inout FakeTree, UnixTime) throws(FileSystemError) -> Value
    ) throws(FileSystemError) -> Value {
        trace?.note(operation, path?.bytes ?? [])
        try before?(operation, path?.bytes ?? [])
        let result: Result<Value, FileSystemError> = lock.withLock { _ in
            do throws(FileSystemError) {
                return .success(try body(&tree, time))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    // MARK: For tests

    /// Looks at or changes the tree as another process would: no hook, no trace. Contents are durable at once, names when the
    /// engine or the kernel synchronises them.
    func edit<Value>(_ body: (inout FakeTree, UnixTime) throws -> Value) rethrows -> Value {
        try lock.withLock { _ in try body(&tree, time) }
    }

    // MARK: FileSystem

    public func rootIdentity() throws(FileSystemError) -> RootIdentity {
        try perform("rootIdentity", nil) { tree, _ throws(FileSystemError) in
            let root = try tree.find(nil, "open")
            return RootIdentity(id: tree.rootID, fileSystemID: root.device, inode: root.inode)
        }
    }

    public func writeRootID(_ id: String) throws(FileSystemError) {
        try perform("writeRootID", nil) { tree, _ throws(FileSystemError) in tree.rootID = tree.rootID ?? id }
    }

    public func readDirectory(
        _ path: RelativePath?
    ) throws(FileSystemError) -> (device: UInt64, entries: [DirectoryEntry]) {
        try perform("readDirectory", path) { tree, _ throws(FileSystemError) in
            let node = try tree.find(path, "open")
            guard let children = node.children else { throw FakeTree.error(.notDirectory, "open", path) }
            let entries = children.map { DirectoryEntry(name: $0.key, status: $0.value.status) }
            return (node.device, entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }.reversed())
        }
    }

    public func status(_ path: RelativePath) throws(FileSystemError) -> FileStatus {
        try perform("status", path) { tree, _ throws(FileSystemError) in try tree.find(path, "fstatat").status }
    }

    public func open(_ path: RelativePath) throws(FileSystemError) -> any OpenFile {
        try perform("open", path) { tree, _ throws(FileSystemError) in
            let node = try tree.find(path, "open")
            switch node.kind {
            case .file: return FakeFile(node, self, path)
            case .symbolicLink: throw FakeTree.error(.symbolicLink, "open", path)
            case .directory, .special: throw FakeTree.error(.notRegular, "open", path)
            }
        }
    }

    public func openForWriting(_ path: RelativePath) throws(FileSystemError) -> any OpenFile { try open(path) }

    public func freeSpace() throws(FileSystemError) -> Int64 {
        try perform("freeSpace", nil) { tree, _ throws(FileSystemError) in tree.isFull ? 0 : 1 << 40 }
    }

    public func createFile(
        named name: [UInt8],
        in directory: RelativePath?
    ) throws(FileSystemError) -> any OpenFile {
        let path = RelativePath(unchecked: name, in: directory)
        return try perform("createFile", path) { tree, time throws(FileSystemError) in
            let node = tree.makeNode(.file([]), mode: 0o600, at: time)
            try tree.link(node, at: path, "open")
            return FakeFile(node, self, path)
        }
    }

    public func makeDirectories(_ path: RelativePath) throws(FileSystemError) {
        if let parent = path.parent { try makeDirectories(parent) }
        try perform("makeDirectories", path) { tree, time throws(FileSystemError) in
            let parent = try tree.parent(path, "mkdir")
            let children = parent.children ?? [:]
            switch tree.known(Array(path.name), in: children).flatMap({ children[$0] })?.kind {
            case .directory: return
            case .symbolicLink: throw FakeTree.error(.symbolicLink, "mkdir", path)
            case .file, .special: throw FakeTree.error(.notDirectory, "mkdir", path)
            case nil: try tree.link(tree.makeNode(.directory([:]), mode: 0o755, at: time), at: path, "mkdir")
            }
        }
    }

    public func rename(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        try perform("rename", path) { tree, time throws(FileSystemError) in
            let node = try tree.find(path, "rename")
            let directory = try tree.parent(target, "rename")
            guard tree.known(Array(target.name), in: directory.children ?? [:]) == nil else {
                throw FakeTree.error(.exists, "rename", target)
            }
            try tree.name([(node, target), (nil, path)], "rename")
            node.changed = time
        }
    }

    public func exchange(_ path: RelativePath, with other: RelativePath) throws(FileSystemError) {
        try perform("exchange", path) { tree, time throws(FileSystemError) in
            let (one, two) = (try tree.find(path, "exchange"), try tree.find(other, "exchange"))
            try tree.name([(two, path), (one, other)], "exchange")
            (one.changed, two.changed) = (time, time)
        }
    }

    public func link(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        try perform("link", path) { tree, time throws(FileSystemError) in
            let node = try tree.find(path, "link")
            try tree.link(node, at: target, "link")
            node.changed = time
        }
    }

    public func replace(_ path: RelativePath, onto target: RelativePath) throws(FileSystemError) {
        try perform("replace", path) { tree, time throws(FileSystemError) in
            let node = try tree.find(path, "rename")
            try tree.name([(node, target), (nil, path)], "rename")
            node.changed = time
        }
    }

    public func removeFile(_ path: RelativePath) throws(FileSystemError) {
        try perform("removeFile", path) { tree, _ throws(FileSystemError) in
            guard try tree.find(path, "unlink").children == nil else {
                throw FakeTree.error(.isDirectory, "unlink", path)
            }
            try tree.unlink(path, "unlink")
        }
    }

    public func removeDirectory(_ path: RelativePath) throws(FileSystemError) {
        try perform("removeDirectory", path) { tree, _ throws(FileSystemError) in
            guard let children = try tree.find(path, "rmdir").children else {
                throw FakeTree.error(.notDirectory, "rmdir", path)
            }
            guard children.isEmpty else { throw FakeTree.error(.notEmpty, "rmdir", path) }
            try tree.unlink(path, "rmdir")
        }
    }

    public func synchronizeDirectory(_ path: RelativePath?) throws(FileSystemError) {
        try perform("synchronizeDirectory", path) { tree, _ throws(FileSystemError) in
            tree.journal.commit(try tree.find(path, "fsync"))
        }
    }

    public func synchronizeAll() throws(FileSystemError) {
        try perform("synchronizeAll", nil) { tree, _ throws(FileSystemError) in tree.commitAll() }
    }

    /// An open file of a ``FakeFileSystem``: it stays with its inode whatever becomes of the name.
    private final class FakeFile: OpenFile, @unchecked Sendable {
        // @unchecked: the node is touched only while the file system's lock is held.
        private let node: FakeNode
        private let system: FakeFileSystem
        private let path: RelativePath

        init(_ node: FakeNode, _ system: FakeFileSystem, _ path: RelativePath) {
            self.node = node
            self.system = system
            self.path = path
        }

        var descriptor: CInt { -1 }

        func status() throws(FileSystemError) -> FileStatus {
            try system.perform("fstat", path) { _, _ throws(FileSystemError) in node.status }
        }

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileSystemError) -> Int {
            try system.perform("read", path) { _, _ throws(FileSystemError) in
                let rest = (node.content ?? []).dropFirst(Int(offset)).prefix(buffer.count)
                buffer.copyBytes(from: rest)
                return rest.count
            }
        }

        func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileSystemError) {
            try system.perform("write", path) { tree, time throws(FileSystemError) in
                if tree.isFull { throw FakeTree.error(.noSpace, "pwrite", path) }
                var content = node.content ?? []
                let end = Int(offset) + bytes.count
                if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
                content.replaceSubrange(Int(offset)..<end, with: bytes)
                node.kind = .file(content)
                (node.modified, node.changed) = (time, time)
            }
        }

        func preallocate(_ size: Int64) throws(FileSystemError) {
            try system.perform("preallocate", path) { tree, time throws(FileSystemError) in
                if tree.isFull { throw FakeTree.error(.noSpace, "fallocate", path) }
                let content = node.content ?? []
                node.kind = .file(content + [UInt8](repeating: 0, count: max(0, Int(size) - content.count)))
                (node.modified, node.changed) = (time, time)
            }
        }

        func setAttributes(mode: UInt16, modified: UnixTime) throws(FileSystemError) {
            try system.perform("setAttributes", path) { _, time throws(FileSystemError) in
                (node.mode, node.modified, node.changed) = (mode & 0o777, modified, time)
            }
        }

        func synchronize() throws(FileSystemError) {
            try system.perform("fsync", path) { _, _ throws(FileSystemError) in node.makeDurable() }
        }
    }
}
