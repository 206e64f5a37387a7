import Glibc
import SyncEngine
import Text

/// A file or directory that a command names, with the directory that it works in.
struct LocalPlace: Hashable, Sendable {
    /// Absolute, without symbolic links.
    var directory: [UInt8]
    /// The file in it; nil for the directory itself.
    var name: RelativePath?

    /// A file, which need not be there, or what a link to one leads to; where the path is a directory, a file called
    /// `fallback` in it, if there is a fallback.
    init(file path: String, orInDirectory fallback: ArraySlice<UInt8>?) throws(UsageError) {
        switch Self.kind(of: path) {
        case S_IFDIR?:
            guard let fallback else {
                let hint = "name a file, or say --recursive for all below"
                throw UsageError(message: "\(printable(path)) is a directory: \(hint)")
            }
            directory = try Self.absolute(path)
            name = try Self.name(Array(fallback), shown: escaped(Array(fallback)))
        case S_IFREG?:
            let resolved = try String(decoding: Self.absolute(path), as: UTF8.self)
            (directory, name) = try Self.halves(of: resolved, shown: path)
        case nil: (directory, name) = try Self.halves(of: path, shown: path)
        case _?:
            let hint = "- stands for standard input or output"
            throw UsageError(message: "\(printable(path)) is no regular file: \(hint)")
        }
    }

    /// The directory that a file lies in, and its name there.
    private static func halves(of path: String, shown: String) throws(UsageError) -> ([UInt8], RelativePath) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
        let last = path[(slash.map { path.index(after: $0) } ?? path.startIndex)...]
        return (try absolute(parent), try name(Array(last.utf8), shown: printable(shown)))
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
        guard Self.kind(of: path) == S_IFDIR else { throw UsageError(message: "\(printable(path)) is no directory") }
        name = nil
    }

    /// Of what links lead to; nil where nothing is there.
    private static func kind(of path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func absolute(_ path: String) throws(UsageError) -> [UInt8] {
        guard let resolved = realpath(path, nil) else {
            throw UsageError(message: "\(printable(path)): \(reason(errno))")
        }
        defer { free(resolved) }
        return UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
    }

    private static func name(_ bytes: [UInt8], shown: String) throws(UsageError) -> RelativePath {
        do throws(InvalidPath) {
            return try RelativePath(bytes)
        } catch {
            let hint = error == .reserved ? "names that begin with .syncd are syncd's own" : "it is no file's name"
            throw UsageError(message: "\"\(shown)\": \(hint)")
        }
    }
}
