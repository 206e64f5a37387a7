import CLinux
import Glibc

extension PosixFileSystem {
    public func readDirectory(
        _ path: RelativePath?
    ) throws(FileSystemError) -> (device: UInt64, entries: [DirectoryEntry]) {
        let bytes = path?.bytes ?? []
        let descriptor = try openBeneath(path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        guard let stream = fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw FileSystemError(errno: code, operation: "fdopendir", path: bytes)
        }
        defer { closedir(stream) }
        var own = stat()
        _ = try systemCall("fstat", bytes) { fstat(descriptor, &own) }
        var entries: [DirectoryEntry] = []
        while let name = try Self.nextName(stream, bytes) {
            let status = Self.status(name, in: descriptor)
            if status != nil || errno != ENOENT {
                entries.append(DirectoryEntry(name: Array(name.dropLast()), status: status))
            }
        }
        return (UInt64(own.st_dev), entries)
    }

    /// `lstat` of `name`, which ends in NUL, in a directory; nil where it failed, with errno set.
    private static func status(_ name: [UInt8], in directory: CInt) -> FileStatus? {
        name.withUnsafeBufferPointer { buffer in
            buffer.baseAddress?.withMemoryRebound(to: CChar.self, capacity: buffer.count) { start in
                var raw = stat()
                guard fstatat(directory, start, &raw, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
                return FileStatus(raw, of: start, in: directory)
            }
        }
    }

    /// The next name with its final NUL, `.` and `..` left out; nil at the end.
    private static func nextName(_ stream: OpaquePointer, _ path: [UInt8]) throws(FileSystemError) -> [UInt8]? {
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno == 0 { return nil }
                throw FileSystemError(errno: errno, operation: "readdir", path: path)
            }
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else {
                preconditionFailure("dirent has a name")
            }
            let start = UnsafeRawPointer(entry) + offset
            let length = strlen(start.assumingMemoryBound(to: CChar.self))
            let name = [UInt8](UnsafeRawBufferPointer(start: start, count: length + 1))
            if name == [46, 0] || name == [46, 46, 0] { continue }
            return name
        }
    }

    public func status(_ path: RelativePath) throws(FileSystemError) -> FileStatus {
        try withParent(of: path) { (directory, name) throws(FileSystemError) in
            var raw = stat()
            _ = try systemCall("fstatat", path.bytes) {
                withPath(name) { fstatat(directory, $0, &raw, AT_SYMLINK_NOFOLLOW) }
            }
            return withPath(name) { FileStatus(raw, of: $0, in: directory) }
        }
    }

    public func open(_ path: RelativePath) throws(FileSystemError) -> any OpenFile {
        try openRegular(path, access: O_RDONLY)
    }

    public func openForWriting(_ path: RelativePath) throws(FileSystemError) -> any OpenFile {
        do {
            return try openRegular(path, access: O_RDWR)
        } catch {
            guard error.code == .accessDenied else { throw error }
            // An object that may not be written to has set the mode already: it is our file all the same.
            let file = try openRegular(path, access: O_RDONLY)
            _ = try systemCall("fchmod", path.bytes) { fchmod(file.descriptor, 0o600) }
            return try openRegular(path, access: O_RDWR)
        }
    }

    private func openRegular(_ path: RelativePath, access: CInt) throws(FileSystemError) -> any OpenFile {
        // O_NONBLOCK, or the opening of a FIFO waits for a writer that may never come.
        let descriptor = try openBeneath(path, flags: access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        let file = PosixFile(descriptor: descriptor, path: path.bytes)
        guard try file.status().kind == .file else {
            throw FileSystemError(code: .notRegular, operation: "open", path: path.bytes, errno: EINVAL)
        }
        return file
    }

    public func freeSpace() throws(FileSystemError) -> Int64 {
        let descriptor = try rootDescriptor()
        var system = statvfs()
        _ = try systemCall("fstatvfs", []) { fstatvfs(descriptor, &system) }
        return Int64(
            clamping: UInt64(system.f_bavail).multipliedReportingOverflow(by: UInt64(system.f_frsize)).partialValue
        )
    }

    public func createFile(
        named name: [UInt8],
        in directory: RelativePath?
    ) throws(FileSystemError) -> any OpenFile {
        let path = RelativePath(unchecked: name, in: directory)
        let descriptor = try openBeneath(path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        return PosixFile(descriptor: descriptor, path: path.bytes)
    }

    public func makeDirectories(_ path: RelativePath) throws(FileSystemError) {
        do {
            try makeDirectory(path)
        } catch {
            guard error.code == .notFound, let parent = path.parent else { throw error }
            try makeDirectories(parent)
            try makeDirectory(path)
        }
    }

    /// Creates one directory; one that is there already is no error.
    private func makeDirectory(_ path: RelativePath) throws(FileSystemError) {
        do {
            try withParent(of: path) { (directory, name) throws(FileSystemError) in
                // What is syncd's own holds what others were not to see where it came from.
                let mode: mode_t = path.bytes.starts(with: RelativePath.reservedPrefix) ? 0o700 : 0o777
                _ = try systemCall("mkdirat", path.bytes) { withPath(name) { mkdirat(directory, $0, mode) } }
            }
        } catch {
            guard error.code == .exists else { throw error }
            guard try status(path).kind == .directory else {
                throw FileSystemError(errno: ENOTDIR, operation: "mkdirat", path: path.bytes)
            }
        }
    }

    public func rename(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        do {
            try rename(path, to: target, flags: clinux_rename_noreplace)
        } catch {
            guard error.code == .unsupported else { throw error }
            try renameInSteps(path, to: target)
        }
    }

    /// Renames where the file system knows no flags (NFS), never replacing; what somebody renames onto `path` meanwhile is
    /// moved, or stays. `meanwhile` is what happens between two steps.
    func renameInSteps(
        _ path: RelativePath,
        to target: RelativePath,
        meanwhile: () -> Void = {}
    ) throws(FileSystemError) {
        guard target.bytes.starts(with: RelativePath.reservedPrefix) else {
            // A second name never replaces; then the first one goes, while it is still one of the same file.
            try link(path, to: target)
            meanwhile()
            if try status(path).state.inode == status(target).state.inode { try removeFile(path) }
            return
        }
        // Among what is syncd's own nobody else takes names: an empty file holds this one until it is replaced in one step.
        close(try openBeneath(target, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600))
        let placeholder = try status(target).state.inode
        meanwhile()
        do {
            try rename(path, to: target, flags: 0)
        } catch {
            // A network may lose the answer to a step that was taken: what bears the name tells.
            guard try status(target).state.inode == placeholder else { return }
            try? removeFile(target)
            throw error
        }
    }

    public func exchange(_ path: RelativePath, with other: RelativePath) throws(FileSystemError) {
        try rename(path, to: other, flags: clinux_rename_exchange)
    }

    public func replace(_ path: RelativePath, onto target: RelativePath) throws(FileSystemError) {
        try rename(path, to: target, flags: 0)
    }

    private func rename(_ path: RelativePath, to target: RelativePath, flags: UInt32) throws(FileSystemError) {
        try withParent(of: path) { (from, name) throws(FileSystemError) in
            try withParent(of: target) { (to, newName) throws(FileSystemError) in
                _ = try systemCall("renameat2", target.bytes) {
                    withPath(name) { old in withPath(newName) { clinux_renameat2(from, old, to, $0, flags) } }
                }
            }
        }
    }

    public func link(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        try withParent(of: path) { (from, name) throws(FileSystemError) in
            try withParent(of: target) { (to, newName) throws(FileSystemError) in
                _ = try systemCall("linkat", target.bytes) {
                    withPath(name) { old in withPath(newName) { linkat(from, old, to, $0, 0) } }
                }
            }
        }
    }

    public func removeFile(_ path: RelativePath) throws(FileSystemError) {
        try remove(path, flags: 0)
    }

    public func removeDirectory(_ path: RelativePath) throws(FileSystemError) {
        try remove(path, flags: AT_REMOVEDIR)
    }

    private func remove(_ path: RelativePath, flags: CInt) throws(FileSystemError) {
        try withParent(of: path) { (directory, name) throws(FileSystemError) in
            _ = try systemCall("unlinkat", path.bytes) { withPath(name) { unlinkat(directory, $0, flags) } }
        }
    }

    public func synchronizeDirectory(_ path: RelativePath?) throws(FileSystemError) {
        let descriptor = try openBeneath(path, flags: O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        _ = try systemCall("fsync", path?.bytes ?? []) { fsync(descriptor) }
    }

    public func synchronizeAll() throws(FileSystemError) {
        let descriptor = try rootDescriptor()
        _ = try systemCall("syncfs", []) { clinux_syncfs(descriptor) }
    }
}
