internal import GRDB

/// Directories at which something is mounted, and what was seen of what the index holds beneath them.
extension SQLiteIndex {
    public func trace(_ number: Sequence, beneath directory: RelativePath) throws -> SubtreeTrace {
        guard let observation = observations[number] else { throw IndexError(message: "an observation has ended") }
        return try read { database in
            let sql = "SELECT id, base_inode IS NOT NULL FROM entry WHERE folder = ? AND path > ? AND path < ?"
            let range = PathRange(beneath: directory, after: nil)
            let statement = try database.cachedStatement(sql: sql)
            let rows = try Row.fetchCursor(
                statement,
                arguments: StatementArguments([observation.folder] + range.arguments)
            )
            var trace = SubtreeTrace()
            while !trace.sawBase, let row = try rows.next() {
                let hasBase: Bool = try row.decode(atIndex: 1)
                let isSeen = observation.seen.contains(try IndexRows.id(row, 0))
                if hasBase { trace.holdsBase = true }
                if isSeen { trace.sawAny = true }
                if hasBase && isSeen { trace.sawBase = true }
            }
            return trace
        }
    }

    public func mountPoints(_ folder: Int64) throws -> Set<RelativePath> {
        try read { database in
            let sql = "SELECT path FROM mount_point WHERE folder = ?"
            let rows = try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [folder])
            return Set(try rows.map { try IndexRows.path($0, 0) })
        }
    }

    public func setMountPoints(
        _ folder: Int64,
        noting new: Set<RelativePath>,
        forgetting old: Set<RelativePath>
    ) throws {
        guard !new.isEmpty || !old.isEmpty else { return }
        try write { database in
            for path in new {
                let sql = "INSERT OR IGNORE INTO mount_point VALUES (?, ?)"
                try database.cachedStatement(sql: sql).execute(arguments: [folder, IndexRows.blob(path.bytes)])
            }
            for path in old {
                let sql = "DELETE FROM mount_point WHERE folder = ? AND path = ?"
                try database.cachedStatement(sql: sql).execute(arguments: [folder, IndexRows.blob(path.bytes)])
            }
        }
    }
}
