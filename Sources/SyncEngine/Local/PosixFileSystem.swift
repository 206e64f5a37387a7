import CLinux
import Glibc
import Synchronization

/// The machine's file system below one root, reached through a descriptor of that root: no path of a folder can lead
/// out of it, and no symbolic link in it is followed.
public final class PosixFileSystem: FileSystem {
    private let rootPath: [UInt8]
    /// Opened anew by each ``rootIdentity()``, so that a root that was mounted meanwhile is the one worked on.
    private let root: RootDescriptor
    /// False where openat2(2) is missing or forbidden: then paths are walked segment by segment.
    private let usesOpenat2: Bool

    /// `root` is an absolute path, without NUL. A symbolic link in it is the operator's wish and is followed.
    /// `usesOpenat2` is nil to find out whether the kernel has it.
    public init(root path: [UInt8], usesOpenat2: Bool? = nil) {
        rootPath = path
        root = RootDescriptor()
        self.usesOpenat2 = usesOpenat2 ?? Self.hasOpenat2()
    }

    private static func hasOpenat2() -> Bool {
        let descriptor = clinux_openat2(AT_FDCWD, "/", UInt64(clinux_o_path | O_CLOEXEC), 0, 0)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }

    // MARK: The root

    public func rootIdentity() throws(FileSystemError) -> RootIdentity {
        let descriptor = try systemCall("open", []) {
            withPath(rootPath) { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        }
        var raw = stat()
        var system = statfs()
        do {
            _ = try systemCall("fstat", []) { fstat(descriptor, &raw) }
            _ = try systemCall("fstatfs", []) { fstatfs(descriptor, &system) }
        } catch {
            close(descriptor)
            throw error
        }
        let low = UInt32(bitPattern: system.f_fsid.__val.0)
        let high = UInt32(bitPattern: system.f_fsid.__val.1)
        let identity = RootIdentity(
            id: readRootID(descriptor),
            fileSystemID: UInt64(high) << 32 | UInt64(low),
            inode: UInt64(raw.st_ino)
        )
        root.replace(with: descriptor, device: UInt64(raw.st_dev), inode: UInt64(raw.st_ino))
        return identity
    }

    private static let rootAttribute = "user.syncd.root"
    /// Bytes of an id that are read: ours have 32.
    private static let maximumIDLength = 128

    private func readRootID(_ descriptor: CInt) -> String? {
        var value = [UInt8](repeating: 0, count: Self.maximumIDLength)
        let count = clinux_fgetxattr(descriptor, Self.rootAttribute, &value, value.count)
        guard count > 0 else { return nil }
        return String(validating: value[..<count], as: UTF8.self)
    }

    public func writeRootID(_ id: String) throws(FileSystemError) {
        let descriptor = try rootDescriptor()
        let bytes = Array(id.utf8)
        do {
            _ = try systemCall("fsetxattr", []) {
                clinux_create_xattr(descriptor, Self.rootAttribute, bytes, bytes.count)
            }
        } catch {
            // A root that can hold no attribute, or is not ours to write to, is known by file system and inode.
            switch error.code {
            case .exists, .unsupported, .accessDenied, .readOnly, .noSpace: return
            case .notFound, .notDirectory, .isDirectory, .notEmpty, .notRegular, .symbolicLink, .tooManyOpenFiles,
                .crossDevice, .nameTooLong, .inputOutput, .stale, .other:
                throw error
            }
        }
    }

    /// Takes the lock of the directory that is the root now, for as long as this value lives or until ``unlockRoot()``;
    /// that of one which was the root before is given up. - Returns: false if another process holds it.
    public func lockRoot() throws(FileSystemError) -> Bool {
        try root.lock { () throws(FileSystemError) in
            try systemCall("open", []) { withPath(rootPath) { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
        }
    }

    /// Gives the lock up at once, whoever still holds this value.
    public func unlockRoot() { root.unlock() }

    func rootDescriptor() throws(FileSystemError) -> CInt {
        if let descriptor = root.current { return descriptor }
        _ = try rootIdentity()
        guard let descriptor = root.current else {
            throw FileSystemError(errno: ENOENT, operation: "open", path: [])
        }
        return descriptor
    }

    // MARK: Opening beneath the root

    /// Opens `path` (nil: the root) beneath the root; the caller closes.
    func openBeneath(_ path: RelativePath?, flags: CInt, mode: mode_t = 0) throws(FileSystemError) -> CInt {
        let start = try rootDescriptor()
        guard let path else {
            return try systemCall("openat", []) { openat(start, ".", flags | O_CLOEXEC) }
        }
        guard usesOpenat2 else { return try walkTo(path, from: start, flags: flags, mode: mode) }
        return try systemCall("openat2", path.bytes) {
            withPath(path.bytes) {
                clinux_openat2(start, $0, UInt64(flags | O_CLOEXEC), UInt64(mode), clinux_resolve_beneath)
            }
        }
    }

    /// The same, one segment at a time, none of them a link.
    private func walkTo(
        _ path: RelativePath,
        from start: CInt,
        flags: CInt,
        mode: mode_t
    ) throws(FileSystemError) -> CInt {
        var directory = try systemCall("openat", path.bytes) {
            openat(start, ".", clinux_o_path | O_DIRECTORY | O_CLOEXEC)
        }
        defer { close(directory) }
        let segments = path.bytes.split(separator: UInt8(ascii: "/"))
        for segment in segments.dropLast() {
            let next = try systemCall("openat", path.bytes) {
                withPath(Array(segment)) { openat(directory, $0, clinux_o_path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            }
            close(directory)
            directory = next
        }
        return try systemCall("openat", path.bytes) {
            withPath(Array(path.name)) { openat(directory, $0, flags | O_NOFOLLOW | O_CLOEXEC, mode) }
        }
    }

    /// Runs `body` with a descriptor of the directory that holds `path`, and the name in it.
    func withParent<Value>(
        of path: RelativePath,
        _ body: (CInt, [UInt8]) throws(FileSystemError) -> Value
    ) throws(FileSystemError) -> Value {
        guard let parent = path.parent else { return try body(try rootDescriptor(), path.bytes) }
        let directory = try openBeneath(parent, flags: clinux_o_path | O_DIRECTORY)
        defer { close(directory) }
        return try body(directory, Array(path.name))
    }
}

/// The root's descriptor, replaced as a whole. A descriptor that was replaced stays open for those who still use it:
/// there is one more for each cycle that found another root, and only then.
private final class RootDescriptor: Sendable {
    private let state = Mutex(State())

    private struct State {
        var current: CInt?
        var identity: (device: UInt64, inode: UInt64)?
        var retired: [CInt] = []
        var lock: CInt?
    }

    var current: CInt? { state.withLock { $0.current } }

    /// Locks the directory that `open` opens, unless it is locked by this value already.
    /// - Returns: false if another process holds it.
    func lock(_ open: () throws(FileSystemError) -> CInt) throws(FileSystemError) -> Bool {
        try state.withLock { state throws(FileSystemError) in
            let descriptor = try open()
            if let known = state.lock, Self.isSame(known, descriptor) {
                close(descriptor)
                return true
            }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let code = errno
                close(descriptor)
                if code == EWOULDBLOCK { return false }
                throw FileSystemError(errno: code, operation: "flock", path: [])
            }
            if let old = state.lock { close(old) }
            state.lock = descriptor
            return true
        }
    }

    private static func isSame(_ first: CInt, _ second: CInt) -> Bool {
        var one = stat()
        var other = stat()
        guard fstat(first, &one) == 0, fstat(second, &other) == 0 else { return false }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }

    func unlock() {
        state.withLock { state in
            if let lock = state.lock { close(lock) }
            state.lock = nil
        }
    }

    /// Takes over `descriptor`; keeps the old one if both are the same directory.
    func replace(with descriptor: CInt, device: UInt64, inode: UInt64) {
        let identity = (device: device, inode: inode)
        state.withLock { state in
            if let known = state.identity, known == identity, state.current != nil {
                close(descriptor)
                return
            }
            if let old = state.current { state.retired.append(old) }
            state.current = descriptor
            state.identity = identity
        }
    }

    deinit {
        state.withLock { state in
            for descriptor in state.retired { close(descriptor) }
            if let current = state.current { close(current) }
            if let lock = state.lock { close(lock) }
        }
    }
}
