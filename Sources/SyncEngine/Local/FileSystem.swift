/// What `fstat` and `lstat` say of one name.
public struct FileStatus: Hashable, Sendable {
    /// What a name stands for.
    public enum Kind: Sendable {
        case file
        case directory
        case symbolicLink
        /// A FIFO, socket or device.
        case special
    }

    public var kind: Kind
    /// The device that holds it: a directory on another device than its parent is a mount point.
    public var device: UInt64
    /// True for a directory at which something is mounted, be it a part of the same device; false where nobody can tell.
    public var isMountPoint: Bool
    /// For a file, all of it; for other kinds the size and times are the kernel's and mean nothing to syncd.
    public var state: LocalState

    public init(kind: Kind, device: UInt64, isMountPoint: Bool = false, state: LocalState) {
        self.kind = kind
        self.device = device
        self.isMountPoint = isMountPoint
        self.state = state
    }
}

/// One name in a directory.
public struct DirectoryEntry: Sendable {
    /// One segment: no `/`, no NUL, never `.` or `..`.
    public var name: [UInt8]
    /// Nil where `lstat` failed for another reason than that the name had gone meanwhile.
    public var status: FileStatus?

    public init(name: [UInt8], status: FileStatus?) {
        self.name = name
        self.status = status
    }
}

/// What tells one root from another.
public struct RootIdentity: Hashable, Sendable {
    /// The id in the extended attribute `user.syncd.root`, hexadecimal; nil where there is none or none can be.
    public var id: String?
    /// `f_fsid` of the file system.
    public var fileSystemID: UInt64
    public var inode: UInt64

    public init(id: String?, fileSystemID: UInt64, inode: UInt64) {
        self.id = id
        self.fileSystemID = fileSystemID
        self.inode = inode
    }
}

/// An open regular file. It is closed when its last reference goes.
public protocol OpenFile: AnyObject, Sendable {
    /// For the transport, which reads and writes at offsets on threads of its own; -1 in simulation.
    var descriptor: CInt { get }
    /// `fstat`.
    func status() throws(FileSystemError) -> FileStatus
    /// Reads up to `buffer.count` bytes at `offset`; 0 at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileSystemError) -> Int
    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileSystemError)
    /// Makes the file `size` bytes long and reserves the space, where the file system can.
    /// - Throws: `.noSpace` where there is not so much.
    func preallocate(_ size: Int64) throws(FileSystemError)
    /// Sets permission bits and modification time; set-user-id, set-group-id and sticky bits are never set.
    func setAttributes(mode: UInt16, modified: UnixTime) throws(FileSystemError)
    /// `fsync`. After an error the content is lost: discard the file, never try again.
    func synchronize() throws(FileSystemError)
}

/// The file system below one root: one function per operation that the engine needs, each blocking, none following a
/// symbolic link or leaving the root. The seam where simulations and faults enter.
public protocol FileSystem: Sendable {
    /// - Throws: `.notFound` where the root is missing; syncd never creates one.
    func rootIdentity() throws(FileSystemError) -> RootIdentity
    /// Writes `user.syncd.root` where there is none. Does nothing where the file system holds no such attributes.
    func writeRootID(_ id: String) throws(FileSystemError)

    /// All names in a directory (nil: the root), in no order, without `.` and `..`, and the device it lies on.
    func readDirectory(_ path: RelativePath?) throws(FileSystemError) -> (device: UInt64, entries: [DirectoryEntry])
    /// `lstat` beneath the root.
    func status(_ path: RelativePath) throws(FileSystemError) -> FileStatus
    /// Opens a regular file for reading, never blocking on a FIFO. - Throws: `.notRegular` for any other kind.
    func open(_ path: RelativePath) throws(FileSystemError) -> any OpenFile

    /// Opens a regular file for reading and writing: a temporary one of ours that a crash left.
    /// - Throws: `.notRegular` for any other kind.
    func openForWriting(_ path: RelativePath) throws(FileSystemError) -> any OpenFile
    /// Bytes that can still be written to the file system of the root.
    func freeSpace() throws(FileSystemError) -> Int64

    /// Creates an empty file named `name` (a single segment), mode 0600, in `directory`, which must exist.
    func createFile(named name: [UInt8], in directory: RelativePath?) throws(FileSystemError) -> any OpenFile
    /// Creates `path` and what is missing above it. - Throws: `.notDirectory` where a file is in the way.
    func makeDirectories(_ path: RelativePath) throws(FileSystemError)
    /// Renames, never replacing. - Throws: `.exists` where `target` is there.
    func rename(_ path: RelativePath, to target: RelativePath) throws(FileSystemError)
    /// Exchanges two names in one step. - Throws: `.unsupported` where the file system cannot.
    func exchange(_ path: RelativePath, with other: RelativePath) throws(FileSystemError)
    /// Makes a second name for a file, never replacing.
    func link(_ path: RelativePath, to target: RelativePath) throws(FileSystemError)
    /// Renames, replacing what is there: for file systems that cannot exchange, after the old file was linked aside.
    func replace(_ path: RelativePath, onto target: RelativePath) throws(FileSystemError)
    /// `unlink`. - Throws: `.isDirectory` for a directory.
    func removeFile(_ path: RelativePath) throws(FileSystemError)
    /// - Throws: `.notEmpty` where it holds anything.
    func removeDirectory(_ path: RelativePath) throws(FileSystemError)

    /// `fsync` of a directory (nil: the root).
    func synchronizeDirectory(_ path: RelativePath?) throws(FileSystemError)
    /// `syncfs` of the file system that holds the root: all that was written there is durable after it.
    func synchronizeAll() throws(FileSystemError)
}

/// A failed operation on the file system.
public struct FileSystemError: Error, Hashable, Sendable {
    /// What callers branch on.
    public enum Code: String, Sendable {
        case notFound, exists, notDirectory, isDirectory, notEmpty, notRegular, symbolicLink, accessDenied
        case noSpace, tooManyOpenFiles, readOnly, crossDevice, nameTooLong, unsupported, inputOutput, stale, other
    }

    public var code: Code
    /// The system call, by its name in the manual.
    public var operation: String
    /// What it was done to, below the root; empty for the root itself.
    public var path: [UInt8]
    public var errno: CInt

    public init(code: Code, operation: String, path: [UInt8], errno: CInt) {
        self.code = code
        self.operation = operation
        self.path = path
        self.errno = errno
    }
}
