internal import GRDB

/// The index in one SQLite database, with one connection. Its functions block: run it on threads of the engine's own.
///
/// Only the process that syncs may open the file: SQLite before 3.51.3 can corrupt a WAL database that two connections
/// share (sqlite.org, "WAL-reset bug", read 2026-11-22). The connection holds the file's lock as long as it is open.
public actor SQLiteIndex: Index {
    let queue: DatabaseQueue
    /// Whether the database goes with this index.
    private let ownsQueue: Bool
    /// Nil for a database in memory.
    private let files: IndexFiles?
    private let migrator: DatabaseMigrator
    /// What errors call the database.
    private let name: String
    /// The last number given out; on disk stands the largest that a row bears.
    private(set) var sequence: Int64
    var observations: [Sequence: Observation] = [:]
    /// False once anything went wrong: then the next start is to look at the whole database.
    private var isSound = true
    private var isClosed = false
    /// What was found to be damaged; nil where nothing was.
    private(set) var damage: String?
    /// Is told of every commit.
    private let observer: (any SeamObserver)?

    /// Opens the database, creating it if it is missing.
    /// - Parameters:
    ///   - path: the file; nil for a database in memory.
    ///   - observer: for tests of crashes; nil where nobody looks on.
    /// - Throws: ``IndexError`` if it cannot be opened, is no database of syncd's, was written by a newer version or,
    ///   after an end that was no orderly one, is not sound.
    public init(path: String?, observer: (any SeamObserver)? = nil) throws(IndexError) {
        try self.init(path: path, migrator: IndexSchema.migrator, observer: observer)
    }

    /// The same with migrations of the caller's.
    init(path: String?, migrator: DatabaseMigrator, observer: (any SeamObserver)? = nil) throws(IndexError) {
        self.migrator = migrator
        self.observer = observer
        name = path ?? "the index in memory"
        ownsQueue = true
        files = path.map { IndexFiles(database: $0) }
        do {
            if let files {
                queue = try IndexOpening(files: files, migrator: migrator, observer: observer).open()
            } else {
                queue = try DatabaseQueue()
                try migrator.migrate(queue)
            }
            sequence = try queue.read(IndexCheck.sequence)
        } catch let error as IndexError {
            throw error
        } catch let damage as IndexDamage {
            throw .damaged(path ?? name, damage)
        } catch {
            throw IndexError(name, error)
        }
    }

    /// An empty index in a database that outlives it.
    /// - Throws: ``IndexError`` if it cannot be emptied.
    package init(in database: MemoryDatabase, observer: (any SeamObserver)? = nil) throws(IndexError) {
        migrator = IndexSchema.migrator
        self.observer = observer
        name = "the index in memory"
        ownsQueue = false
        files = nil
        queue = database.queue
        sequence = 0
        do {
            try database.empty()
        } catch {
            throw IndexError(name, error)
        }
    }

    /// The index was closed in order where nothing went wrong and SQLite has put its log away.
    deinit {
        if ownsQueue { Self.close(queue, files, isSound: isSound) }
    }

    /// Closes the index: whoever asks anything of it from now on gets an error.
    func close() {
        if ownsQueue { Self.close(queue, files, isSound: isSound) }
        isClosed = true
        // The files may be another index's by the time this one goes.
        isSound = false
    }

    private static func close(_ queue: DatabaseQueue, _ files: IndexFiles?, isSound: Bool) {
        do {
            try queue.close()
            if isSound { files?.unmark() }
        } catch {
            // The marker stays, and with it the next start's look at the whole database.
        }
    }

    // MARK: Transactions

    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            try checkOpen()
            guard let observer else { return try queue.write(body) }
            return try observer.around(SeamCall("commit", [], isEffect: true)) { try queue.write(body) }
        } catch {
            throw failure(error)
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            try checkOpen()
            // No other connection writes, and this actor's calls come one after the other: there is nothing to isolate. (GRDB's
            // `read` sets a pragma before and after, and SQLite then prepares every statement anew.)
            return try queue.unsafeRead(body)
        } catch {
            throw failure(error)
        }
    }

    /// GRDB does not look whether its connection is closed, and stops the process.
    private func checkOpen() throws {
        if isClosed { throw IndexError(message: "it was closed") }
    }

    private func failure(_ error: any Error) -> IndexError {
        isSound = false
        switch DamageVerdict(error) {
        case .damaged(let damage): return damaged(damage)
        case .doubtful: return (try? check()).flatMap { $0 }.map(damaged) ?? IndexError(name, error)
        case .sound: return IndexError(name, error)
        }
    }

    private func damaged(_ damage: IndexDamage) -> IndexError {
        self.damage = damage.what
        return .damaged(name, damage)
    }

    /// Looks at the whole database. - Returns: what is damaged; nil where it is sound.
    func check() throws -> IndexDamage? {
        do {
            try checkOpen()
            try queue.read { try IndexCheck.run($0, migrator) }
            return nil
        } catch {
            switch DamageVerdict(error) {
            case .damaged(let damage): return damage
            case .doubtful: return IndexDamage("\(error)")
            case .sound: throw error
            }
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

    public func attention(
        _ folder: Int64,
        beneath root: RelativePath?,
        after path: RelativePath?,
        dueBy time: UnixTime?,
        limit: Int
    ) throws -> [Entry] {
        let select = """
            SELECT \(IndexRows.entryColumns) FROM entry
            WHERE folder = ?1 AND attention = 1 AND (next_attempt IS NULL OR next_attempt <= ?2)
            """
        let own: [any DatabaseValueConvertible] = [folder, time?.nanoseconds ?? Int64.max, limit]
        guard let root else {
            let arguments = own + [IndexRows.blob(path?.bytes ?? [])]
            return try entries("\(select) AND path > ?4 ORDER BY path LIMIT ?3", StatementArguments(arguments))
        }
        var found: [Entry] = []
        if path == nil {
            let arguments = own + [IndexRows.blob(root.bytes)]
            found = try entries("\(select) AND path = ?4 LIMIT ?3", StatementArguments(arguments))
        }
        let after = path == root ? nil : path
        let arguments = own + PathRange(beneath: root, after: after).arguments
        let sql = "\(select) AND path > ?4 AND path < ?5 ORDER BY path LIMIT ?3"
        return Array((found + (try entries(sql, StatementArguments(arguments)))).prefix(limit))
    }

    public func nextAttempt(_ folder: Int64) throws -> UnixTime? {
        try read { database in
            // An entry that failed has a problem: there are few, and the table of entries is large.
            let sql = """
                SELECT min(next_attempt) FROM problem JOIN entry ON entry.id = problem.entry
                WHERE problem.folder = ? AND attention = 1
                """
            let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [folder])
            return try row.flatMap { $0.hasNull(atIndex: 0) ? nil : try IndexRows.time($0, 0) }
        }
    }

    public func holdsAny(_ folder: Int64, on side: Side) throws -> Bool {
        let column =
            switch side {
            case .local: "local_inode"
            case .remote: "remote_etag"
            }
        let sql = "SELECT 1 FROM entry WHERE folder = ? AND \(column) IS NOT NULL LIMIT 1"
        return try read { try Int.fetchOne($0.cachedStatement(sql: sql), arguments: [folder]) != nil }
    }

    public func entry(_ folder: Int64, at path: RelativePath) throws -> Entry? {
        let sql = "SELECT \(IndexRows.entryColumns) FROM entry WHERE folder = ? AND path = ?"
        return try entries(sql, [folder, IndexRows.blob(path.bytes)]).first
    }

    public func notes(_ folder: Int64, at path: RelativePath) throws -> EntryNotes? {
        guard let entry = try entry(folder, at: path) else { return nil }
        return try read { database in
            let sql = "SELECT attention, attempts, next_attempt FROM entry WHERE id = ?"
            guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [entry.id]) else {
                return nil
            }
            return EntryNotes(
                entry: entry,
                needsAttention: try row.decode(atIndex: 0),
                attempts: try row.decode(atIndex: 1),
                nextAttempt: row.hasNull(atIndex: 2) ? nil : try IndexRows.time(row, 2),
                problem: try Self.problem(of: entry.id, database)
            )
        }
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
        let range = PathRange(beneath: directory, after: nil)
        return try entries(sql, StatementArguments([folder] + range.arguments)).first
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
            guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [folder]) else {
                return FolderCounts(entries: 0, bytes: 0, attention: 0)
            }
            return FolderCounts(
                entries: try IndexRows.count(row, 0),
                bytes: try row.decode(atIndex: 1),
                attention: try IndexRows.count(row, 2)
            )
        }
    }
}
