internal import Foundation
internal import GRDB

/// Problems that belong to no entry, deletes that were done, approvals, and past cycles.
extension SQLiteIndex {
    // MARK: Problems

    public func setProblems(
        _ folder: Int64,
        of side: Side,
        within scope: EntryScope,
        _ problems: [Problem],
        at time: UnixTime
    ) throws {
        let known = try knownProblems(folder, of: side, within: scope)
        guard known.map(\.known.problem) != problems else { return }
        let since = Dictionary(
            known.map { (Problem.Identity($0.known.problem), $0.known.since) },
            uniquingKeysWith: min
        )
        try write { database in
            let delete = try database.cachedStatement(sql: "DELETE FROM problem WHERE id = ?")
            for row in known { try delete.execute(arguments: [row.id]) }
            let insert = try database.cachedStatement(
                sql: "INSERT INTO problem (folder, path, side, kind, message, since) VALUES (?, ?, ?, ?, ?, ?)"
            )
            for problem in problems {
                let first = since[Problem.Identity(problem)] ?? time
                try insert.execute(arguments: [
                    folder, IndexRows.blob(problem.path), side.rawValue, problem.kind.rawValue, problem.message,
                    first.nanoseconds,
                ])
            }
        }
    }

    private func knownProblems(
        _ folder: Int64,
        of side: Side,
        within scope: EntryScope
    ) throws -> [(id: Int64, known: KnownProblem)] {
        let condition = "WHERE folder = ?1 AND side = ?2 AND entry IS NULL"
        let own: [any DatabaseValueConvertible] = [folder, side.rawValue]
        return try read { database in
            switch scope {
            case .whole: return try Self.problems("\(condition) ORDER BY id", own, database)
            case .paths(let paths):
                let sql = "\(condition) AND (path = ?3 OR (path > ?4 AND path < ?5)) ORDER BY id"
                return try paths.flatMap { path in
                    let range = PathRange(beneath: path, after: nil)
                    return try Self.problems(sql, own + [IndexRows.blob(path.bytes)] + range.arguments, database)
                }
            }
        }
    }

    public func problems(_ folder: Int64, limit: Int) throws -> [KnownProblem] {
        let condition = "WHERE folder = ? ORDER BY path, id LIMIT ?"
        return try read { try Self.problems(condition, [folder, limit], $0).map(\.known) }
    }

    /// What keeps an entry from being synced; nil where nothing does.
    static func problem(of entry: Int64, _ database: Database) throws -> KnownProblem? {
        try problems("WHERE entry = ?", [entry], database).first?.known
    }

    private static func problems(
        _ condition: String,
        _ arguments: [any DatabaseValueConvertible],
        _ database: Database
    ) throws -> [(id: Int64, known: KnownProblem)] {
        let sql = "SELECT path, side, kind, message, since, id FROM problem \(condition)"
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: sql),
            arguments: StatementArguments(arguments)
        )
        var problems: [(id: Int64, known: KnownProblem)] = []
        while let row = try rows.next() { problems.append((try IndexRows.id(row, 5), try IndexRows.problem(row))) }
        return problems
    }

    // MARK: Deletes done

    public func noteDeletes(_ folder: Int64, count: Int64, at time: UnixTime) throws {
        try write { database in
            let horizon = time.nanoseconds - GateMemory.window
            try database.cachedStatement(sql: "DELETE FROM deleted WHERE folder = ? AND time < ?").execute(arguments: [
                folder, horizon,
            ]
            )
            try database.cachedStatement(sql: "INSERT INTO deleted (folder, time, count) VALUES (?, ?, ?)").execute(
                arguments: [folder, time.nanoseconds, count]
            )
        }
    }

    public func deletes(_ folder: Int64, since time: UnixTime) throws -> Int64 {
        try read { database in
            let sql = "SELECT count FROM deleted WHERE folder = ? AND time >= ?"
            let rows = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: [folder, time.nanoseconds])
            var sum: Int64 = 0
            // A row for each cycle that deleted: a sum in SQL fails where one is damaged, and does not say so.
            while let row = try rows.next() { sum &+= try IndexRows.count(row, 0) }
            return sum
        }
    }

    // MARK: Approvals

    public func clearWaiting(_ folder: Int64) throws {
        try write { try $0.cachedStatement(sql: "DELETE FROM waiting WHERE folder = ?").execute(arguments: [folder]) }
    }

    public func addWaiting(_ folder: Int64, _ changes: [GatedChange]) throws {
        try write { database in
            let insert = try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO waiting (folder, path, action, identity) VALUES (?, ?, ?, ?)"
            )
            for change in changes { try insert.execute(arguments: Self.arguments(folder, change)) }
        }
    }

    public func approveWaiting(_ folder: Int64, until expiry: UnixTime) throws -> [GatedChange.Action: Int64] {
        try write { database in
            let counts = try Row.fetchAll(
                database.cachedStatement(sql: "SELECT action, count(*) FROM waiting WHERE folder = ? GROUP BY action"),
                arguments: [folder]
            )
            try database.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO approval (folder, path, action, identity, expiry)
                    SELECT folder, path, action, identity, ? FROM waiting WHERE folder = ?
                    """
            ).execute(arguments: [expiry.nanoseconds, folder]
            )
            try database.cachedStatement(sql: "DELETE FROM waiting WHERE folder = ?").execute(arguments: [folder])
            var changes: [GatedChange.Action: Int64] = [:]
            for row in counts {
                if let action = GatedChange.Action(rawValue: try row.decode(atIndex: 0)) {
                    changes[action] = try row.decode(atIndex: 1)
                }
            }
            return changes
        }
    }

    public func approved(
        _ folder: Int64,
        among changes: [GatedChange],
        at time: UnixTime
    ) throws -> Set<GatedChange> {
        try read { database in
            let sql = """
                SELECT 1 FROM approval WHERE folder = ? AND path = ? AND action = ? AND identity = ? AND expiry > ?
                """
            let statement = try database.cachedStatement(sql: sql)
            var approved: Set<GatedChange> = []
            for change in changes {
                let arguments = Self.arguments(folder, change) + [time.nanoseconds]
                if try Row.fetchCursor(statement, arguments: arguments).next() != nil { approved.insert(change) }
            }
            return approved
        }
    }

    public func endApprovals(_ folder: Int64, of actions: [GatedChange.Action]) throws {
        let condition = "FROM approval WHERE folder = ? AND action = ?"
        for action in actions {
            let arguments: StatementArguments = [folder, action.rawValue]
            let isThere = try read {
                try Int.fetchOne($0.cachedStatement(sql: "SELECT 1 \(condition) LIMIT 1"), arguments: arguments) != nil
            }
            guard isThere else { continue }
            try write { try $0.cachedStatement(sql: "DELETE \(condition)").execute(arguments: arguments) }
        }
    }

    public func hasApprovals(_ folder: Int64, at time: UnixTime) throws -> Bool {
        let arguments: StatementArguments = [folder, time.nanoseconds]
        let (all, valid) = try read { database in
            (
                try Int.fetchOne(
                    database.cachedStatement(sql: "SELECT 1 FROM approval WHERE folder = ? LIMIT 1"),
                    arguments: [folder]
                ) != nil,
                try Int.fetchOne(
                    database.cachedStatement(sql: "SELECT 1 FROM approval WHERE folder = ? AND expiry > ? LIMIT 1"),
                    arguments: arguments
                ) != nil
            )
        }
        if all, !valid {
            try write {
                try $0.cachedStatement(sql: "DELETE FROM approval WHERE folder = ?").execute(arguments: [folder])
            }
        }
        return valid
    }

    private static func arguments(_ folder: Int64, _ change: GatedChange) -> StatementArguments {
        [folder, IndexRows.blob(change.path.bytes), change.action.rawValue, change.identity]
    }

    // MARK: Cycles

    /// Cycles that are kept for each folder.
    private static let maximumCycles = 1_000

    public func addCycle(_ folder: Int64, _ record: CycleRecord) throws {
        try write { database in
            try database.cachedStatement(
                sql: """
                    INSERT INTO cycle (folder, started_at, finished_at, result, uploaded, downloaded, deleted_local,
                    deleted_remote, bytes_up, bytes_down) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                folder, record.startedAt.nanoseconds, record.finishedAt.nanoseconds, record.result.rawValue,
                record.uploaded, record.downloaded, record.deletedLocal, record.deletedRemote, record.bytesUp,
                record.bytesDown,
            ]
            )
            let cycle = database.lastInsertedRowID
            for (name, count) in record.requests {
                try database.cachedStatement(sql: "INSERT INTO cycle_request (cycle, class, count) VALUES (?, ?, ?)")
                    .execute(arguments: [cycle, name, count]
                    )
            }
            try database.cachedStatement(
                sql: """
                    DELETE FROM cycle WHERE folder = ?1 AND id <= (
                        SELECT id FROM cycle WHERE folder = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
                    """
            ).execute(arguments: [folder, Self.maximumCycles]
            )
        }
    }

    public func lastCycle(_ folder: Int64) throws -> CycleRecord? {
        try read { database in
            let sql = """
                SELECT id, started_at, finished_at, result, uploaded, downloaded, deleted_local, deleted_remote,
                bytes_up, bytes_down FROM cycle WHERE folder = ? ORDER BY id DESC LIMIT 1
                """
            guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [folder]) else {
                return nil
            }
            let requests = try Row.fetchAll(
                database.cachedStatement(sql: "SELECT class, count FROM cycle_request WHERE cycle = ?"),
                arguments: [row[0] as DatabaseValue]
            )
            return CycleRecord(
                startedAt: try IndexRows.time(row, 1),
                finishedAt: try IndexRows.time(row, 2),
                result: CycleRecord.Result(rawValue: try row.decode(atIndex: 3)) ?? .failed,
                uploaded: try row.decode(atIndex: 4),
                downloaded: try row.decode(atIndex: 5),
                deletedLocal: try row.decode(atIndex: 6),
                deletedRemote: try row.decode(atIndex: 7),
                bytesUp: try row.decode(atIndex: 8),
                bytesDown: try row.decode(atIndex: 9),
                requests: Dictionary(
                    try requests.map { (try $0.decode(atIndex: 0), try $0.decode(atIndex: 1)) },
                    uniquingKeysWith: { first, _ in first }
                )
            )
        }
    }
}

extension Problem {
    /// What makes a problem the same as one that was met before, whatever the words of its message.
    fileprivate struct Identity: Hashable {
        var path: [UInt8]
        var kind: Kind

        init(_ problem: Problem) {
            path = problem.path
            kind = problem.kind
        }
    }
}
