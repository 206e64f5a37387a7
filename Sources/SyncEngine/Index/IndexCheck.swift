internal import GRDB

/// A look at the whole database: is it what a syncd of this version can have written?
///
/// It reads every page, so it is done only where something went wrong before: after an end that was no orderly one, and
/// after an error that may come from damage. A million entries cost some three seconds of processor time.
enum IndexCheck {
    /// Larger than any number that counting brings forth, and small enough to count on from.
    static let maximumNumber: Int64 = 1 << 62

    /// - Throws: ``IndexDamage`` for what is wrong, or an error of SQLite.
    static func run(_ database: Database, _ migrator: DatabaseMigrator) throws {
        try checkStructure(database)
        try checkSchema(database, migrator)
        try checkNumbers(database)
    }

    /// `integrity_check`, not the quicker `quick_check`: only the first compares the rows with what finds them, and a
    /// log of another time (a restored copy, a swapped file) shows there first.
    private static func checkStructure(_ database: Database) throws {
        let fault = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)")
        guard fault == "ok" else { throw IndexDamage(oneLine(fault ?? "its check says nothing")) }
        guard try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") == nil else {
            throw IndexDamage("it holds rows of a folder or an entry that is not there")
        }
    }

    /// The tables must be those that the same migrations make of an empty database.
    private static func checkSchema(_ database: Database, _ migrator: DatabaseMigrator) throws {
        guard let last = try migrator.completedMigrations(database).last else { return }
        let model = try DatabaseQueue()
        try migrator.migrate(model, upTo: last)
        guard try statements(database) == model.read(statements) else { throw IndexDamage("its tables are altered") }
    }

    private static func statements(_ database: Database) throws -> [String] {
        let sql = """
            SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_master
            WHERE name <> 'sqlite_stat1' ORDER BY 1
            """
        return try String.fetchAll(database, sql: sql)
    }

    /// What the folders' rows sum up must be what the entries hold, and nothing may bear a number that was never given
    /// out: observations would pass it by for ever.
    private static func checkNumbers(_ database: Database) throws {
        let sequence = try sequence(database)
        let folders = try Row.fetchAll(database, sql: "SELECT id, base_count, base_bytes FROM folder")
        var sums: [Int64: [Int64]] = [:]
        for row in folders {
            sums[try row.decode(atIndex: 0)] = [try row.decode(atIndex: 1), try row.decode(atIndex: 2)]
        }
        let sql = """
            SELECT folder, count(base_inode), coalesce(sum(base_size), 0), min(id), max(local_touched),
            max(remote_touched) FROM entry GROUP BY folder
            """
        let rows = try Row.fetchCursor(database, sql: sql)
        while let row = try rows.next() {
            let sum: [Int64] = [try row.decode(atIndex: 1), try row.decode(atIndex: 2)]
            let known = sums.updateValue([0, 0], forKey: try row.decode(atIndex: 0))
            guard known == sum else { throw IndexDamage("a folder's numbers are not those of its entries") }
            guard try row.decode(Int64.self, atIndex: 3) > 0 else { throw IndexDamage("an entry has an impossible id") }
            guard try max(row.decode(atIndex: 4), row.decode(atIndex: 5)) <= sequence else {
                throw IndexDamage("an entry bears a number that was never given out")
            }
        }
        guard sums.values.allSatisfy({ $0 == [0, 0] }) else {
            throw IndexDamage("a folder counts entries that are not there")
        }
    }

    /// The largest number that a row may bear.
    static func sequence(_ database: Database) throws -> Int64 {
        let numbers = try Int64.fetchAll(database, sql: "SELECT sequence FROM counter LIMIT 2")
        guard numbers.count == 1, (0..<maximumNumber).contains(numbers[0]) else {
            throw IndexDamage("its counter is lost")
        }
        return numbers[0]
    }
}
