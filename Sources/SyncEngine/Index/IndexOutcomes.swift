internal import Foundation
internal import GRDB

/// How the ends of changes enter the index.
extension SQLiteIndex {
    public func record(_ folder: Int64, _ outcomes: [Outcome], at time: UnixTime) throws {
        guard !outcomes.isEmpty else { return }
        let number = nextNumber()
        try write { database in
            try keep(number, database)
            var writer = OutcomeWriter(database: database, folder: folder, number: number, time: time)
            writer.hasProblems =
                try Int.fetchOne(
                    database,
                    sql: "SELECT 1 FROM problem WHERE folder = ? AND entry IS NOT NULL LIMIT 1",
                    arguments: [folder]
                ) != nil
            writer.hasJobs =
                try Int.fetchOne(
                    database,
                    sql: """
                        SELECT 1 WHERE EXISTS (SELECT 1 FROM upload_job WHERE folder = ?1)
                        OR EXISTS (SELECT 1 FROM download_job WHERE folder = ?1)
                        """,
                    arguments: [folder]
                ) != nil
            for outcome in outcomes { try writer.write(outcome) }
            try Self.addToBase(folder, count: writer.baseCount, bytes: writer.baseBytes, database)
        }
    }

    /// Deletes a row, and takes it off the folder's numbers.
    static func remove(_ entry: Int64, of folder: Int64, _ database: Database) throws {
        if let size = try OutcomeWriter.baseSize(of: entry, database) {
            try addToBase(folder, count: -1, bytes: 0 &- size, database)
        }
        try database.cachedStatement(sql: "DELETE FROM entry WHERE id = ?").execute(arguments: [entry])
    }
}

/// Writes the outcomes of one transaction.
private struct OutcomeWriter {
    let database: Database
    let folder: Int64
    let number: Sequence
    let time: UnixTime
    /// False as long as no entry of the folder has a problem, so that clearing them can be spared.
    var hasProblems = false
    /// False as long as no transfer of many steps was begun, likewise.
    var hasJobs = false
    /// What to add to the folder's numbers.
    var baseCount: Int64 = 0
    var baseBytes: Int64 = 0

    mutating func write(_ outcome: Outcome) throws {
        switch outcome {
        case .agreed(let entry, let base, let isRacy, let endedJob):
            try agree(entry, base, isRacy: isRacy)
            if hasJobs, let endedJob { try end(endedJob, of: entry.id) }
            try clearProblem(entry.id)
        case .removed(let entry):
            guard try isCurrent(entry) else { return }
            if let size = try Self.baseSize(of: entry.id, database) {
                baseCount -= 1
                baseBytes &-= size
            }
            try execute("DELETE FROM entry WHERE id = ?", [entry.id])
        case .compared(let entry):
            guard try isCurrent(entry) else { return }
            try execute("UPDATE entry SET differs = 1, attention = 1 WHERE id = ?", [entry.id])
            try clearProblem(entry.id)
        case .confirmed(let entry):
            guard try isCurrent(entry) else { return }
            try execute("UPDATE entry SET racy = 0, attention = 1 WHERE id = ?", [entry.id])
        case .left(let entry):
            guard try isCurrent(entry) else { return }
            try execute("UPDATE entry SET attention = 0 WHERE id = ?", [entry.id])
            try clearProblem(entry.id)
        case .observedLocal(let entry, let state):
            guard try isCurrent(entry) else { return }
            try observe(entry.id, Self.observeLocal, IndexRows.values(state))
        case .observedRemote(let entry, let state):
            try observe(entry.id, Self.observeRemote, IndexRows.values(state))
        case .failed(let entry, let problem):
            try note(problem, of: entry.id)
        }
    }

    /// False where the local side was seen anew since the entry was read.
    private func isCurrent(_ entry: EntryVersion) throws -> Bool {
        let statement = try database.cachedStatement(sql: "SELECT 1 FROM entry WHERE id = ? AND local_touched = ?")
        return try Int.fetchOne(statement, arguments: [entry.id, entry.localTouched]) != nil
    }

    static func baseSize(of entry: Int64, _ database: Database) throws -> Int64? {
        let statement = try database.cachedStatement(sql: "SELECT base_size FROM entry WHERE id = ?")
        return try Int64.fetchOne(statement, arguments: [entry])
    }

    /// Where the local side was seen anew since, that stays, and wants attention: what was agreed on is older.
    private mutating func agree(_ entry: EntryVersion, _ base: BaseState, isRacy: Bool) throws {
        // Wrapping: a size that damage made must not stop the process; the database refuses what comes of it.
        if let size = try Self.baseSize(of: entry.id, database) {
            baseBytes &+= base.local.size &- size
        } else {
            baseCount += 1
            baseBytes &+= base.local.size
        }
        let local =
            try isCurrent(entry)
            ? """
            local_inode = ?1, local_size = ?2, local_modified = ?3, local_changed = ?4, local_mode = ?5,
            local_touched = ?10, attention = ?9
            """ : "attention = 1"
        let sql = """
            UPDATE entry SET \(local),
            base_inode = ?1, base_size = ?2, base_modified = ?3, base_changed = ?4, base_mode = ?5,
            base_etag = ?6, base_remote_size = ?7, remote_etag = ?6, remote_size = ?7,
            digest = ?8, racy = ?9, differs = 0, remote_touched = ?10,
            digest_part_size = ?11, attempts = 0, next_attempt = NULL
            WHERE id = ?12
            """
        let digest = base.digest.map { IndexRows.blob($0.bytes) }
        let rest: [(any DatabaseValueConvertible)?] = [digest, isRacy, number.value, base.digest?.partSize, entry.id]
        try execute(sql, StatementArguments(IndexRows.values(base.local) + IndexRows.values(base.remote) + rest))
    }

    private func end(_ job: JobKind, of entry: Int64) throws {
        let table =
            switch job {
            case .upload: "upload_job"
            case .download: "download_job"
            }
        let sql = "DELETE FROM \(table) WHERE folder = ? AND path = (SELECT path FROM entry WHERE id = ?)"
        try execute(sql, [folder, entry])
    }

    private static let observeLocal = """
        UPDATE entry SET local_inode = ?, local_size = ?, local_modified = ?, local_changed = ?, local_mode = ?,
        differs = 0, attention = 1, attempts = 0, next_attempt = NULL, local_touched = ? WHERE id = ?
        """
    private static let observeRemote = """
        UPDATE entry SET remote_etag = ?, remote_size = ?,
        differs = 0, attention = 1, attempts = 0, next_attempt = NULL, remote_touched = ? WHERE id = ?
        """

    private func observe(_ entry: Int64, _ sql: String, _ values: [(any DatabaseValueConvertible)?]) throws {
        try execute(sql, StatementArguments(values + [number.value, entry]))
        try clearProblem(entry)
    }

    /// The time of a problem that was there before stays.
    private mutating func note(_ problem: Problem, of entry: Int64) throws {
        hasProblems = true
        let sql = """
            INSERT INTO problem (folder, entry, path, side, kind, message, since) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (entry) DO UPDATE SET side = excluded.side, kind = excluded.kind, message = excluded.message
            """
        try execute(
            sql,
            [
                folder, entry, IndexRows.blob(problem.path), problem.side.rawValue, problem.kind.rawValue,
                problem.message, time.nanoseconds,
            ]
        )
        try delay(entry)
    }

    /// Counts the failure, and puts the next attempt off.
    private func delay(_ entry: Int64) throws {
        let statement = try database.cachedStatement(sql: "SELECT attempts FROM entry WHERE id = ?")
        let failures = (try Int64.fetchOne(statement, arguments: [entry]) ?? 0) &+ 1
        let next = time.nanoseconds &+ RetryDelay.nanoseconds(failures: failures)
        let sql = "UPDATE entry SET attention = 1, attempts = ?, next_attempt = ? WHERE id = ?"
        try execute(sql, [min(failures, Self.maximumAttempts), next, entry])
    }

    /// Failures in a row that are counted; further ones wait no longer.
    private static let maximumAttempts: Int64 = 1_000_000

    private func clearProblem(_ entry: Int64) throws {
        if hasProblems { try execute("DELETE FROM problem WHERE entry = ?", [entry]) }
    }

    private func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
