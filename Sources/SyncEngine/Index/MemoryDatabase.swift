internal import GRDB

/// A database in memory for one index after another, so that a million short simulations need not make a million schemas.
package final class MemoryDatabase: Sendable {
    let queue: DatabaseQueue

    package init() throws {
        queue = try DatabaseQueue()
        try IndexSchema.migrator.migrate(queue)
    }

    /// As it was when it was made. No other index may use it any more.
    func empty() throws {
        try queue.write { database in
            let tables = try String.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT name FROM sqlite_master
                        WHERE type = 'table' AND name NOT IN ('counter', 'grdb_migrations')
                        """
                )
            )
            for table in tables { try database.cachedStatement(sql: "DELETE FROM \"\(table)\"").execute() }
            try database.cachedStatement(sql: "UPDATE counter SET sequence = 0").execute()
        }
    }
}
