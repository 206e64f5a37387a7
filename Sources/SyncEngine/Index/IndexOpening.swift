internal import GRDB

/// From the index's files to a connection that can be relied on.
struct IndexOpening {
    let files: IndexFiles
    let migrator: DatabaseMigrator
    let observer: (any SeamObserver)?

    /// How the tables stand to those of this version.
    private enum Age {
        case empty, older, current, newer
    }

    /// - Throws: ``IndexError``. Where a newer version wrote the files, they are left as they are.
    func open() throws(IndexError) -> DatabaseQueue {
        if files.areOrphaned {
            throw .damaged(files.database, IndexDamage("there is a -wal file, and nothing that it belongs to"))
        }
        let wereLeftOpen = files.wereLeftOpen
        do {
            try files.create()
            let queue = try DatabaseQueue(path: files.database, configuration: Self.configuration)
            let age = try queue.read(age)
            if age == .newer { throw IndexError.newerVersion }
            // From here on the file may be written to.
            try files.mark()
            try queue.inDatabase(Self.setUp)
            if wereLeftOpen, age != .empty { try queue.read { try IndexCheck.run($0, migrator) } }
            if age == .older { try backUp(queue) }
            try migrate(queue)
            _ = try queue.read(IndexCheck.sequence)
            return queue
        } catch {
            switch DamageVerdict(error) {
            case .damaged(let damage): throw .damaged(files.database, damage)
            // In a file that can be opened and written to, statements that are constant fail by what is in it.
            case .doubtful: throw .damaged(files.database, IndexDamage((error as? DatabaseError)?.words ?? "\(error)"))
            case .sound: throw IndexError(files.database, error)
            }
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { database in
            // Before the first access in WAL mode: then there is no shared memory that another process could join.
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            // A page that makes no sense is told as soon as it is read.
            try database.execute(sql: "PRAGMA cell_size_check = ON")
        }
        return configuration
    }

    /// Done here and not by GRDB, which writes to the file at every start in this mode, and relaxes `synchronous`.
    private static func setUp(_ database: Database) throws {
        guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
            throw IndexError(message: "SQLite refuses journal_mode = WAL")
        }
        // With less a power cut could take back what was committed.
        try database.execute(sql: "PRAGMA synchronous = FULL")
        guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
            throw IndexError(message: "SQLite refuses synchronous = FULL")
        }
    }

    private func age(_ database: Database) throws -> Age {
        let applied = try migrator.appliedIdentifiers(database)
        let known = migrator.migrations
        if applied.isEmpty {
            let sql = "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE '%grdb_migrations%'"
            guard try Int.fetchOne(database, sql: sql) == 0 else { throw IndexDamage("its tables are not syncd's") }
            return .empty
        }
        if applied.isSuperset(of: known) { return applied.count == known.count ? .current : .newer }
        // Each version applies all that came before it, in order.
        guard applied == Set(known.prefix(applied.count)) else { throw IndexDamage("its version makes no sense") }
        return .older
    }

    private func migrate(_ queue: DatabaseQueue) throws {
        guard let observer else { return try migrator.migrate(queue) }
        try observer.around(SeamCall("migrate", [], isEffect: true)) { try migrator.migrate(queue) }
    }

    /// Copies the whole index before its schema changes: the older version of syncd can go on from the copy.
    private func backUp(_ queue: DatabaseQueue) throws {
        files.removeUnfinishedBackup()
        do {
            try queue.vacuum(into: files.unfinishedBackup)
            try files.keepBackup()
        } catch {
            files.removeUnfinishedBackup()
            throw error
        }
    }
}
