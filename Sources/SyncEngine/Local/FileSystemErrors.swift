import CLinux
import Glibc

extension FileSystemError {
    /// The error of a failed system call.
    public init(errno: CInt, operation: String, path: [UInt8]) {
        self.init(code: Code(errno: errno), operation: operation, path: path, errno: errno)
    }

    /// The kernel's words for it.
    public var reason: String { String(cString: strerror(errno)) }
}

extension FileSystemError.Code {
    init(errno: CInt) {
        switch errno {
        case ENOENT: self = .notFound
        case EEXIST: self = .exists
        case ENOTDIR: self = .notDirectory
        case EISDIR: self = .isDirectory
        case ENOTEMPTY: self = .notEmpty
        case ELOOP: self = .symbolicLink
        case EACCES, EPERM: self = .accessDenied
        case ENOSPC, EDQUOT, EFBIG: self = .noSpace
        case EMFILE, ENFILE: self = .tooManyOpenFiles
        case EROFS: self = .readOnly
        case EXDEV: self = .crossDevice
        case ENAMETOOLONG: self = .nameTooLong
        case EINVAL, ENOSYS, EOPNOTSUPP: self = .unsupported
        case EIO: self = .inputOutput
        case ESTALE: self = .stale
        default: self = .other
        }
    }
}

/// Calls until it is not interrupted by a signal. - Throws: what errno says when the call returns -1.
func systemCall<Value: SignedInteger>(
    _ operation: String,
    _ path: [UInt8],
    _ call: () -> Value
) throws(FileSystemError) -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let code = errno
        if code != EINTR { throw FileSystemError(errno: code, operation: operation, path: path) }
    }
}

/// Hands `bytes` to `body` as a C string. - Precondition: they hold no NUL.
func withPath<Value>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Value) -> Value {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
        for (index, byte) in bytes.enumerated() { buffer.initializeElement(at: index, to: CChar(bitPattern: byte)) }
        buffer.initializeElement(at: bytes.count, to: 0)
        guard let start = buffer.baseAddress else { preconditionFailure("a buffer of one element or more") }
        return body(UnsafePointer(start))
    }
}

extension FileStatus {
    /// What `raw` says of `name` in `directory`.
    init(_ raw: stat, of name: UnsafePointer<CChar>, in directory: CInt) {
        self.init(raw)
        if kind == .directory { isMountPoint = clinux_is_mount_root(directory, name) != 0 }
    }

    init(_ raw: stat) {
        switch raw.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .symbolicLink
        default: kind = .special
        }
        device = UInt64(raw.st_dev)
        isMountPoint = false
        state = LocalState(
            inode: UInt64(raw.st_ino),
            size: Int64(raw.st_size),
            modified: UnixTime(seconds: Int64(raw.st_mtim.tv_sec), nanoseconds: Int64(raw.st_mtim.tv_nsec)),
            changed: UnixTime(seconds: Int64(raw.st_ctim.tv_sec), nanoseconds: Int64(raw.st_ctim.tv_nsec)),
            mode: UInt16(raw.st_mode & 0o7777)
        )
    }
}
