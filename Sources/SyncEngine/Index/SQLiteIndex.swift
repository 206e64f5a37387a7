internal import GRDB
import Glibc

/// The index in one SQLite database, with one connection. Its functions block: run it on threads of the engine's own.
///
/// Only the process that syncs may open the file: SQLite before 3.51.3 can corrupt a WAL database that two connections
/// share (sqlite.org, "WAL-reset bug", read 2026-11-22). The connection holds the file's lock as long as it is open.
public actor SQLiteIndex: Index {
    let queue: DatabaseQueue
    /// What errors call the database.
    private let name: String
    /// The last number given out; on disk stands the largest that a row bears.
    private var sequence: Int64
    var observations: [Sequence: Observation] = [:]
    /// Is told of every commit.
    private let observer: (any SeamObserver)?

    /// Opens the database, creating it if it is missing.
    /// - Parameters:
    ///   - path: the file; nil for a database in memory.
    ///   - observer: for tests of crashes; nil where nobody looks on.
    /// - Throws: ``IndexError`` if it cannot be opened, is no database of syncd's, or was written by a newer version.
    public init(path: String?, observer: (any SeamObserver)? = nil) throws(IndexError) {
        name = path ?? "the index in memory"
        self.observer = observer
        do {
            queue = try Self.open(path, observer)
            sequence = try queue.read { try Int64.fetchOne($0, sql: "SELECT sequence FROM counter") ?? 0 }
        } catch {
            throw IndexError(path ?? "the index in memory", error)
        }
    }

    private static func open(_ path: String?, _ observer: (any SeamObserver)?) throws -> DatabaseQueue {
        guard let path else {
            let queue = try DatabaseQueue()
            try IndexSchema.migrator.migrate(queue)
            return queue
        }
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { database in
            // Before the first access in WAL mode: then there is no shared memory that another process could join.
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        }
        try create(path)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let migrator = IndexSchema.migrator
        guard try queue.read(migrator.hasBeenSuperseded) == false else { throw IndexError.newerVersion }
        let migrate = { try migrator.migrate(queue) }
        if let observer {
            try observer.around(SeamCall("migrate", [], isEffect: true), failed: { $0 as any Error }, migrate)
        } else {
            try migrate()
        }
        try queue.inDatabase { database in
            // GRDB sets NORMAL when it sets WAL up: a power cut could then take back what was committed.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let mode = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            guard mode == 2 else { throw IndexError(message: "SQLite refuses synchronous = FULL") }
        }
        return queue
    }

    /// Makes sure that the file is there for its owner alone before SQLite opens it: names of files are nobody else's
    /// business, and SQLite gives the files that it puts beside it the same mode.
    private static func create(_ path: String) throws {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw IndexError(message: "it cannot be opened: \(String(cString: strerror(errno)))")
        }
        fchmod(descriptor, 0o600)
        close(descriptor)
    }

    // MARK: Transactions

    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            guard let observer else { return try queue.write(body) }
            let call = SeamCall("commit", [], isEffect: true)
            return try observer.around(call, failed: { $0 as any Error }) { () throws(any Error) in
                try queue.write(body)
            }
        } catch {
            throw IndexError(name, error)
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try queue.read(body)
        } catch {
            throw IndexError(name, error)
        }
    }

    /// The next number: larger than all before it.
    func nextNumber() -> Sequence {
        sequence += 1
        return Sequence(value: sequence)
    }

    /// Notes on disk that rows may bear `number` from now on.
    func keep(_ number: Sequence, _ database: Database) throws {
        let statement = try database.cachedStatement(
            sql: "UPDATE counter SET sequence = ?1 WHERE sequence < ?1"
        )
        try statement.execute(arguments: [number.value])
    }

    // MARK: Reading entries

    public func attention(_ folder: Int64, after path: RelativePath?, limit: Int) throws -> [Entry] {
        let sql = """
            SELECT \(IndexRows.entryColumns) FROM entry
            WHERE folder = ? AND attention = 1 AND path > ? ORDER BY path LIMIT ?
            """
        return try entries(sql, [folder, IndexRows.blob(path?.bytes ?? []), limit])
    }

    public func entry(_ folder: Int64, at path: RelativePath) throws -> Entry? {
        let sql = "SELECT \(IndexRows.entryColumns) FROM entry WHERE folder = ? AND path = ?"
        return try entries(sql, [folder, IndexRows.blob(path.bytes)]).first
    }

    public func entries(_ folder: Int64, at paths: [RelativePath]) throws -> [Entry?] {
        let sql = "SELECT \(IndexRows.entryColumns) FROM entry WHERE folder = ? AND path = ?"
        return try read { database in
            let statement = try database.cachedStatement(sql: sql)
            return try paths.map { path in
                let rows = try Row.fetchCursor(statement, arguments: [folder, IndexRows.blob(path.bytes)])
                // The row is read from the cursor, and empty when that has gone.
                return try withExtendedLifetime(rows) { try rows.next().map { try IndexRows.entry($0) } }
            }
        }
    }

    public func agreed(_ folder: Int64, after path: RelativePath?, limit: Int) throws -> [Entry] {
        let sql = """
            SELECT \(IndexRows.entryColumns) FROM entry
            WHERE folder = ? AND base_inode IS NOT NULL AND path > ? ORDER BY path LIMIT ?
            """
        return try entries(sql, [folder, IndexRows.blob(path?.bytes ?? []), limit])
    }

    public func firstEntry(_ folder: Int64, beneath directory: RelativePath) throws -> Entry? {
        let sql = """
            SELECT \(IndexRows.entryColumns) FROM entry
            WHERE folder = ? AND path > ? AND path < ? AND (local_inode IS NOT NULL OR remote_etag IS NOT NULL)
            ORDER BY path LIMIT 1
            """
        let slash = UInt8(ascii: "/")
        let first = IndexRows.blob(directory.bytes + [slash])
        let end = IndexRows.blob(directory.bytes + [slash + 1])
        return try entries(sql, [folder, first, end]).first
    }

    private func entries(_ sql: String, _ arguments: StatementArguments) throws -> [Entry] {
        try read { database in
            let rows = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: arguments)
            var entries: [Entry] = []
            while let row = try rows.next() { entries.append(try IndexRows.entry(row)) }
            return entries
        }
    }

    public func counts(_ folder: Int64) throws -> FolderCounts {
        try read { database in
            let sql = """
                SELECT base_count, base_bytes, (SELECT count(*) FROM entry WHERE folder = ?1 AND attention = 1)
                FROM folder WHERE id = ?1
                """
            guard let row = try Row.fetchOne(database, sql: sql, arguments: [folder]) else {
                return FolderCounts(entries: 0, bytes: 0, attention: 0)
            }
            return FolderCounts(entries: row[0], bytes: row[1], attention: row[2])
        }
    }
}

extension IndexError {
    static let newerVersion = IndexError(
        message: "it was written by a newer version of syncd: use that version, or move the file away "
            + "(a new index is built by comparing both sides, and nothing that is equal is transferred)"
    )

    /// What an error of GRDB or SQLite means to the operator.
    init(_ name: String, _ error: any Error) {
        switch error {
        case let error as IndexError:
            message = "\(name): \(error.message)"
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
            message = "\(name): no space left on its disk: make room and run again"
        case let error as DatabaseError where error.resultCode == .SQLITE_BUSY:
            message = "\(name): another process has it open: stop that process"
        case let error as DatabaseError
        where error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT:
            message =
                "\(name): it is damaged or no database of syncd's: move it away and run again "
                + "(a new index is built by comparing both sides, and nothing that is equal is transferred)"
        case let error as DatabaseError:
            message = "\(name): \(error.message ?? error.resultCode.description)"
        default:
            message = "\(name): \(error)"
        }
    }
}
