import Glibc
import SyncEngine
import Text

/// A file or directory that a command names, with the directory that it works in.
struct LocalPlace: Hashable, Sendable {
    /// Absolute, without symbolic links.
    var directory: [UInt8]
    /// The file in it; nil for the directory itself.
    var name: RelativePath?

    /// A file, which need not be there; where the path is a directory, a file called `fallback` in it.
    init(file path: String, orInDirectory fallback: ArraySlice<UInt8>) throws(UsageError) {
        if Self.isDirectory(path) {
            directory = try Self.absolute(path)
            name = try Self.name(Array(fallback), of: path)
            return
        }
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
        directory = try Self.absolute(parent)
        name = try Self.name(Array(path[(slash.map { path.index(after: $0) } ?? path.startIndex)...].utf8), of: path)
    }

    /// A directory. `make` says that it is made, with those above it, where it is missing.
    init(directory path: String, make: Bool) throws(UsageError) {
        if make {
            var position = path.startIndex
            while position < path.endIndex {
                let slash = path[path.index(after: position)...].firstIndex(of: "/") ?? path.endIndex
                mkdir(String(path[..<slash]), 0o777)
                position = slash
            }
        }
        directory = try Self.absolute(path)
        guard Self.isDirectory(path) else { throw UsageError(message: "\(printable(path)) is no directory") }
        name = nil
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func absolute(_ path: String) throws(UsageError) -> [UInt8] {
        guard let resolved = realpath(path, nil) else {
            throw UsageError(message: "\(printable(path)): \(reason(errno))")
        }
        defer { free(resolved) }
        return UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
    }

    private static func name(_ bytes: [UInt8], of path: String) throws(UsageError) -> RelativePath {
        do throws(InvalidPath) {
            return try RelativePath(bytes)
        } catch {
            let hint = error == .reserved ? "names that begin with .syncd are syncd's own" : "it is no file's name"
            throw UsageError(message: "\"\(printable(path))\": \(hint)")
        }
    }
}
