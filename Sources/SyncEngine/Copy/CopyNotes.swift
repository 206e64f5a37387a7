import Glibc

/// What a copy must know to go on where it was cut off: an index of its own in a directory of its own.
public struct CopyNotes: Sendable {
    /// The index; one in memory where no directory was to be had.
    public let index: SQLiteIndex
    /// With its lock; nil for an index in memory.
    private let directory: LockedDirectory?

    /// `place` is a directory for all copies, made where it is missing; nil for none. `identity` tells one copy from
    /// another: what is copied, from where, and to where.
    /// - Throws: ``CycleFailure`` where another process works on the same copy.
    public init(in place: String?, identity: [UInt8]) throws(CycleFailure) {
        let hasher = ContentHasher()
        identity.withUnsafeBytes { hasher.update($0) }
        let name = ContentDigest(hasher.finish()).hexadecimal
        if let place { Self.sweep(place) }
        if let place, let made = Self.make("\(place)/\(name)"), let locked = LockedDirectory(made) {
            guard locked.isOurs else {
                throw CycleFailure(code: .busy, message: "another syncd copies the same at this moment")
            }
            if let index = try? SQLiteIndex(path: "\(made)/index.db") {
                self.index = index
                directory = locked
                return
            }
            // Notes that cannot be read are of no use: the copy begins anew.
            locked.empty()
        }
        do {
            index = try SQLiteIndex(path: nil)
            directory = nil
        } catch {
            throw CycleFailure(code: .index, message: error.message)
        }
    }

    /// False if all is forgotten when the process ends.
    public var areKept: Bool { directory != nil }

    /// Closes the index, and forgets it unless a transfer was cut off that the same copy can go on with.
    public func close(_ folder: Folder) async {
        var isNeeded = true
        if let memory = try? await index.memory(of: folder) {
            let uploads = try? await index.uploads(memory.id, after: 0, limit: 1)
            let downloads = try? await index.downloads(memory.id, after: 0, limit: 1)
            isNeeded = uploads?.isEmpty != true || downloads?.isEmpty != true
        }
        await index.close()
        if !isNeeded { directory?.empty() }
    }

    /// Notes that nobody has come back to for so many seconds are forgotten: thirty days.
    private static let patience: time_t = 30 * 86_400

    /// Removes old notes that no process works with.
    private static func sweep(_ place: String) {
        let now = time(nil)
        for name in LockedDirectory.names(in: place) {
            var status = stat()
            let path = "\(place)/\(name)"
            guard stat("\(path)/index.db", &status) == 0, now - status.st_mtim.tv_sec > patience else { continue }
            if let old = LockedDirectory(path), old.isOurs { old.empty() }
        }
    }

    /// Makes a directory and those above it, for this user alone; nil where that cannot be.
    private static func make(_ path: String) -> String? {
        var position = path.startIndex
        while let slash = path[position...].dropFirst().firstIndex(of: "/") {
            mkdir(String(path[..<slash]), 0o700)
            position = slash
        }
        return mkdir(path, 0o700) == 0 || errno == EEXIST ? path : nil
    }
}

/// A directory that only one process at a time works in.
private final class LockedDirectory: Sendable {
    private let path: String
    private let descriptor: CInt
    /// False where another process has it.
    let isOurs: Bool

    /// Nil where it cannot be opened.
    init?(_ path: String) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        isOurs = flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }

    deinit { close(descriptor) }

    /// Removes its files, and itself.
    func empty() {
        for name in Self.names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// What a directory holds; nothing where it cannot be read.
    static func names(in path: String) -> [String] {
        guard let handle = opendir(path) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
