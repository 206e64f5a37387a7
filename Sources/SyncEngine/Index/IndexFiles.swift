import Glibc

/// The files of one index: the database, what SQLite puts beside it, and what syncd does. Whoever uses them holds the
/// state directory's lock.
struct IndexFiles: Sendable {
    /// `…/index.db`
    let database: String
    /// `…/index`
    private let stem: String

    /// Damaged indexes that are kept; older ones go.
    private static let maximumKept = 3
    /// What SQLite appends to a database's name, the database itself first.
    private static let suffixes = ["", "-wal", "-shm", "-journal"]

    init(database: String) {
        self.database = database
        stem = database.hasSuffix(".db") ? String(database.dropLast(3)) : database
    }

    // MARK: The marker of an open index

    /// There from before the first write until the index was closed in order.
    var marker: String { "\(stem).open" }
    /// The index as it was before the last change of its schema.
    var backup: String { "\(stem).before-upgrade.db" }

    /// True if the last process did not close the index: its end was a crash, a kill, a power cut or an error.
    var wereLeftOpen: Bool { Self.exists(marker) || Self.size(database + "-wal") > 0 }

    /// True if SQLite's log is there and its database is not: what is in the log was meant for another one.
    var areOrphaned: Bool { Self.size(database) == 0 && Self.size(database + "-wal") > 0 }

    /// Leaves the marker, so that no power cut can take it back.
    func mark() throws(IndexError) {
        let descriptor = open(marker, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("\(marker) cannot be written", errno) }
        close(descriptor)
        try syncDirectory()
    }

    /// Takes the marker away. Where a power cut brings it back, the next start looks at the index once too often.
    func unmark() { unlink(marker) }

    /// Makes sure that the database is there for its owner alone before SQLite opens it: names of files are nobody
    /// else's business, and SQLite gives the files that it puts beside it the same mode.
    func create() throws(IndexError) {
        let descriptor = open(database, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("it cannot be opened", errno) }
        fchmod(descriptor, 0o600)
        close(descriptor)
    }

    // MARK: Moving a damaged index aside

    /// Renames the database and what SQLite put beside it, never over anything.
    /// - Returns: the database's new path.
    func moveAside(at time: UnixTime) throws(IndexError) -> String {
        let first = "\(stem).damaged-\(CalendarTime(time).basic)"
        var target = "\(first).db"
        var version = 1
        while Self.suffixes.contains(where: { Self.exists(target + $0) }) {
            version += 1
            target = "\(first)~\(version).db"
        }
        for suffix in Self.suffixes where Self.exists(database + suffix) {
            guard rename(database + suffix, target + suffix) == 0 else {
                throw Self.failure("\(database): it is damaged, and cannot be moved to \(target)\(suffix)", errno)
            }
        }
        try syncDirectory()
        removeOldest(but: target)
        return target
    }

    /// Removes the oldest by name, but not the one at `newest`. What cannot be removed is in nobody's way.
    private func removeOldest(but newest: String) {
        let beginning = "\(Self.name(of: stem)).damaged-"
        let kept = Set(
            Self.names(in: directory).filter { $0.hasPrefix(beginning) }.compactMap { name in
                Self.suffixes.first { name.hasSuffix(".db" + $0) }.map { String(name.dropLast($0.utf8.count)) }
            }
        )
        let others = kept.subtracting([Self.name(of: newest)])
        for name in others.sorted().dropLast(Self.maximumKept - 1) {
            for suffix in Self.suffixes { unlink("\(directory)/\(name)\(suffix)") }
        }
    }

    // MARK: A copy before the schema changes

    /// Where the copy is written until it is whole.
    var unfinishedBackup: String { backup + ".tmp" }

    func removeUnfinishedBackup() {
        for suffix in Self.suffixes { unlink(unfinishedBackup + suffix) }
    }

    /// Puts a whole copy in the place of the one before.
    func keepBackup() throws(IndexError) {
        let descriptor = open(unfinishedBackup, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw Self.failure("\(unfinishedBackup) cannot be opened", errno) }
        let isDurable = fchmod(descriptor, 0o600) == 0 && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isDurable, rename(unfinishedBackup, backup) == 0 else {
            throw Self.failure("\(backup) cannot be written", isDurable ? errno : code)
        }
        try syncDirectory()
    }

    // MARK: System calls

    private var directory: String {
        guard let slash = database.lastIndex(of: "/") else { return "." }
        return slash == database.startIndex ? "/" : String(database[..<slash])
    }

    private func syncDirectory() throws(IndexError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("\(directory) cannot be opened", errno) }
        defer { close(descriptor) }
        // Some network file systems have no such thing for directories.
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == EOPNOTSUPP else {
            throw Self.failure("\(directory) cannot be made durable", errno)
        }
    }

    private static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// In bytes; 0 where there is no such file.
    private static func size(_ path: String) -> Int {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_size : 0
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        return names
    }

    private static func failure(_ what: String, _ code: CInt) -> IndexError {
        let advice = code == ENOSPC || code == EDQUOT ? ": make room and run again" : ""
        return IndexError(message: "\(what): \(String(cString: strerror(code)))\(advice)")
    }
}
