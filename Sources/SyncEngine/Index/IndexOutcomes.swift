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
                    database.cachedStatement(
                        sql: "SELECT 1 FROM problem WHERE folder = ? AND entry IS NOT NULL LIMIT 1"
                    ),
                    arguments: [folder]
                ) != nil
            writer.hasJobs =
                try Int.fetchOne(
                    database.cachedStatement(
                        sql: """
                            SELECT 1 WHERE EXISTS (SELECT 1 FROM upload_job WHERE folder = ?1)
                            OR EXISTS (SELECT 1 FROM download_job WHERE folder = ?1)
                            """
                    ),
                    arguments: [folder]
                ) != nil
            writer.hasApprovals =
                try Int.fetchOne(
                    database.cachedStatement(sql: "SELECT 1 FROM approval WHERE folder = ? LIMIT 1"),
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
    /// False where nothing was approved, likewise.
    var hasApprovals = false
    /// What to add to the folder's numbers.
    var baseCount: Int64 = 0
    var baseBytes: Int64 = 0

    mutating func write(_ outcome: Outcome) throws {
        switch outcome {
        case .agreed(let entry, let base, let isRacy, let endedJob):
            let row = try row(of: entry) ?? rowAnew(at: entry.path)
            // What no observation has seen yet, a conflict copy, is as it was sent.
            let isNew = entry.id == 0 && row.localTouched == number.value
            let isCurrent = isNew || row.id == entry.id && row.localTouched == entry.localTouched
            try agree(entry, row, base, isRacy: isRacy, takesLocal: isCurrent)
            if hasJobs, let endedJob { try end(endedJob, of: entry.path) }
            try clearProblem(row.id)
        case .sent(let entry, let base):
            // It is being written to: what it is by now may look like what was sent.
            try agree(entry, try row(of: entry) ?? rowAnew(at: entry.path), base, isRacy: true, takesLocal: false)
        case .removed(let entry):
            guard let row = try row(of: entry) else { return }
            if hasApprovals { try endApproval(of: entry.path) }
            try remove(entry, row)
        case .compared(let entry):
            guard try isCurrent(entry, onBothSides: true) else { return }
            try execute("UPDATE entry SET differs = 1, attention = 1 WHERE id = ?", [entry.id])
            try clearProblem(entry.id)
        case .confirmed(let entry, let state):
            guard let row = try row(of: entry), row.localTouched == entry.localTouched, row.baseSize != nil,
                row.baseETag == entry.baseETag?.value
            else { return }
            try execute(Self.confirm, StatementArguments(IndexRows.values(state) + [entry.id]))
        case .left(let entry):
            guard try isCurrent(entry, onBothSides: true) else { return }
            try execute("UPDATE entry SET attention = 0 WHERE id = ?", [entry.id])
            try clearProblem(entry.id)
        case .observedLocal(let entry, let state):
            guard try isCurrent(entry) else { return }
            try observe(entry.id, Self.observeLocal, IndexRows.values(state))
        case .observedRemote(let entry, let state):
            guard try row(of: entry) != nil else { return }
            try observe(entry.id, Self.observeRemote, IndexRows.values(state))
        case .failed(let entry, let problem):
            guard try row(of: entry) != nil else { return }
            try checkPath(of: entry)
            try note(problem, of: entry.id)
        }
    }

    /// What an outcome must know of an entry as it stands now.
    private struct Standing {
        var id: Int64
        /// Nil without a base.
        var baseSize: Int64?
        var localTouched: Int64
        var baseETag: String?
        var remoteTouched: Int64
    }

    /// Nil where the row is gone: a cycle and a reaction run side by side, and the other may have found the path gone on
    /// both sides. Another path may have its number by now.
    private func row(of entry: EntryVersion) throws -> Standing? {
        try standing("id = ? AND folder = ? AND path = ?", [entry.id, folder, IndexRows.blob(entry.path.bytes)])
    }

    /// Of a path that damage made, nothing ever succeeds: what finds rows by their paths knows the right one still.
    private func checkPath(of entry: EntryVersion) throws {
        let found = try standing("folder = ? AND path = ?", [folder, IndexRows.blob(entry.path.bytes)])
        guard found?.id == entry.id else { throw IndexDamage("an entry is not found by its path") }
    }

    private func standing(_ condition: String, _ arguments: StatementArguments) throws -> Standing? {
        let sql = "SELECT id, base_size, local_touched, base_etag, remote_touched FROM entry WHERE \(condition)"
        let statement = try database.cachedStatement(sql: sql)
        return try Row.fetchOne(statement, arguments: arguments).map { row in
            Standing(
                id: try row.decode(atIndex: 0),
                baseSize: try row.decode(atIndex: 1),
                localTouched: try row.decode(atIndex: 2),
                baseETag: try row.decode(atIndex: 3),
                remoteTouched: try row.decode(atIndex: 4)
            )
        }
    }

    /// The row that a path has by now, or a new one: what was transferred is there, and must not be forgotten.
    private func rowAnew(at path: RelativePath) throws -> Standing {
        let key = IndexRows.blob(path.bytes)
        if let row = try standing("folder = ? AND path = ?", [folder, key]) { return row }
        let insert = "INSERT INTO entry (folder, path, attention, local_touched) VALUES (?, ?, 1, ?)"
        try execute(insert, [folder, key, number.value])
        return Standing(id: database.lastInsertedRowID, baseSize: nil, localTouched: number.value, remoteTouched: 0)
    }

    /// False where the local side, or with `onBothSides` either, was seen anew since the entry was read.
    private func isCurrent(_ entry: EntryVersion, onBothSides: Bool = false) throws -> Bool {
        guard let row = try row(of: entry), row.localTouched == entry.localTouched else { return false }
        return !onBothSides || row.remoteTouched == entry.remoteTouched
    }

    static func baseSize(of entry: Int64, _ database: Database) throws -> Int64? {
        let statement = try database.cachedStatement(sql: "SELECT base_size FROM entry WHERE id = ?")
        return try Int64.fetchOne(statement, arguments: [entry])
    }

    /// Where the local side was seen anew since, the row stays: it is the remote side that is gone, unless something
    /// was agreed on since.
    private mutating func remove(_ entry: EntryVersion, _ row: Standing) throws {
        guard row.localTouched == entry.localTouched else {
            guard row.baseETag == entry.baseETag?.value else { return }
            let sql = """
                UPDATE entry SET remote_etag = NULL, remote_size = NULL, differs = 0, attention = 1, remote_touched = ?
                WHERE id = ?
                """
            try execute(sql, [number.value, row.id])
            return
        }
        if let size = row.baseSize {
            baseCount -= 1
            baseBytes &-= size
        }
        try execute("DELETE FROM entry WHERE id = ?", [row.id])
    }

    /// Where the local side was seen anew since, that stays, and wants attention: what was agreed on is older. Where
    /// something else was agreed on since, that holds: a path is worked on by one after the other.
    private mutating func agree(
        _ entry: EntryVersion,
        _ row: Standing,
        _ base: BaseState,
        isRacy: Bool,
        takesLocal: Bool
    ) throws {
        if let newer = row.baseETag, newer != entry.baseETag?.value {
            try execute("UPDATE entry SET attention = 1 WHERE id = ?", [row.id])
            return
        }
        if hasApprovals { try endApproval(of: entry.path) }
        // Wrapping: a size that damage made must not stop the process; the database refuses what comes of it.
        if let size = row.baseSize {
            baseBytes &+= base.local.size &- size
        } else {
            baseCount += 1
            baseBytes &+= base.local.size
        }
        let local =
            takesLocal
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
        let rest: [(any DatabaseValueConvertible)?] = [digest, isRacy, number.value, base.digest?.partSize, row.id]
        try execute(sql, StatementArguments(IndexRows.values(base.local) + IndexRows.values(base.remote) + rest))
    }

    private func end(_ job: EndedJob, of path: RelativePath) throws {
        let place: StatementArguments = [folder, IndexRows.blob(path.bytes)]
        switch job {
        case .upload(let id):
            try execute("DELETE FROM upload_job WHERE folder = ? AND path = ? AND upload_id = ?", place + [id])
        case .download: try execute("DELETE FROM download_job WHERE folder = ? AND path = ?", place)
        }
    }

    /// An approval is of one change, which has been carried out, or is not wanted any more.
    private func endApproval(of path: RelativePath) throws {
        try execute("DELETE FROM approval WHERE folder = ? AND path = ?", [folder, IndexRows.blob(path.bytes)])
    }

    private static let observeLocal = """
        UPDATE entry SET local_inode = ?, local_size = ?, local_modified = ?, local_changed = ?, local_mode = ?,
        differs = 0, attention = 1, attempts = 0, next_attempt = NULL, local_touched = ? WHERE id = ?
        """
    private static let confirm = """
        UPDATE entry SET local_inode = ?1, local_size = ?2, local_modified = ?3, local_changed = ?4, local_mode = ?5,
        base_inode = ?1, base_size = ?2, base_modified = ?3, base_changed = ?4, base_mode = ?5,
        racy = 0, attention = 1 WHERE id = ?6
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
        try delay(entry, problem.kind)
    }

    /// Counts the failure, and puts the next attempt off.
    private func delay(_ entry: Int64, _ kind: Problem.Kind) throws {
        let statement = try database.cachedStatement(sql: "SELECT attempts FROM entry WHERE id = ?")
        let failures = (try Int64.fetchOne(statement, arguments: [entry]) ?? 0) &+ 1
        let next = time.nanoseconds &+ RetryDelay.nanoseconds(failures: failures, kind: kind)
        let sql = "UPDATE entry SET attention = 1, attempts = ?, next_attempt = ? WHERE id = ?"
        try execute(sql, [min(failures, Self.maximumAttempts), next, entry])
    }

    /// Failures in a row that are counted; further ones wait no longer.
    private static let maximumAttempts: Int64 = 1_000_000

    /// What failed before is tried again as if for the first time.
    private func clearProblem(_ entry: Int64) throws {
        guard hasProblems else { return }
        try execute("DELETE FROM problem WHERE entry = ?", [entry])
        let sql = "UPDATE entry SET attempts = 0, next_attempt = NULL WHERE id = ? AND next_attempt IS NOT NULL"
        try execute(sql, [entry])
    }

    private func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
