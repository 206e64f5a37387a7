internal import GRDB

/// What a complete observation did not see, and what follows from that.
extension SQLiteIndex {
    public func completeObservation(_ number: Sequence, unseen: Unseen) throws {
        guard let observation = observations.removeValue(forKey: number) else {
            throw IndexError(message: "an observation has ended")
        }
        let judge = UnseenJudge(observation: observation, number: number, unseen: unseen)
        switch observation.scope {
        case .whole:
            var last = Int64.min
            while let page = try unseenRows(judge, after: last) {
                last = page.last
                try conclude(page.rows, judge)
            }
        case .paths(let paths):
            for path in paths { try concludeBeneath(path, judge) }
        }
    }

    public func hasUnseen(_ number: Sequence) throws -> Bool {
        guard let observation = observations[number] else { throw IndexError(message: "an observation has ended") }
        let nothingUnknown = Unseen(unknown: [], isExcluded: { _ in false })
        let judge = UnseenJudge(observation: observation, number: number, unseen: nothingUnknown)
        var last = Int64.min
        while let page = try unseenRows(judge, after: last) {
            guard page.rows.isEmpty else { return true }
            last = page.last
        }
        return false
    }

    /// An observation that ended, and how its unseen rows are judged.
    private struct UnseenJudge {
        let observation: Observation
        let number: Sequence
        let columns: SideColumns
        let unknown: UnknownPaths
        let isExcluded: @Sendable (RelativePath) -> Bool
        let keepsExcluded: Bool

        init(observation: Observation, number: Sequence, unseen: Unseen) {
            self.observation = observation
            self.number = number
            columns = SideColumns(observation.side)
            unknown = UnknownPaths(unseen.unknown)
            isExcluded = unseen.isExcluded
            keepsExcluded = unseen.keepsExcluded
        }

        /// Condition on rows that an observation says something of: younger ones are none of its business.
        var condition: String {
            "folder = ?1 AND \(columns.presence) IS NOT NULL AND (\(columns.touched) < ?2 OR \(columns.touched) > ?3)"
        }
    }

    /// Marks absent what was not seen, and drops what is excluded.
    private func conclude(_ rows: [(Int64, RelativePath)], _ judge: UnseenJudge) throws {
        var absent: [Int64] = []
        var excluded: [Int64] = []
        for (id, path) in rows where !judge.unknown.covers(path) {
            guard judge.isExcluded(path) else {
                absent.append(id)
                continue
            }
            if !judge.keepsExcluded { excluded.append(id) }
        }
        guard !absent.isEmpty || !excluded.isEmpty else { return }
        try write { database in
            try keep(judge.number, database)
            let nulls = judge.columns.names.map { _ in DatabaseValue.null as any DatabaseValueConvertible }
            let update = try database.cachedStatement(sql: judge.columns.update)
            for id in absent { try update.execute(arguments: StatementArguments(nulls + [judge.number.value, id])) }
            for id in excluded { try Self.remove(id, of: judge.observation.folder, database) }
        }
    }

    // MARK: Of a whole side

    /// Ids that are looked through between two transactions.
    private static let unseenPageSize: Int64 = 100_000

    /// The rows that are present on the side and were not seen, among the next ids after `last`; nil after the last.
    private func unseenRows(
        _ judge: UnseenJudge,
        after last: Int64
    ) throws -> (rows: [(Int64, RelativePath)], last: Int64)? {
        try read { database in
            // From one id that exists to the next page: the ids may have gaps of any size.
            guard
                let first = try Int64.fetchOne(
                    database.cachedStatement(sql: "SELECT min(id) FROM entry WHERE id > ?"),
                    arguments: [last]
                )
            else { return nil }
            let end = first > Int64.max - Self.unseenPageSize ? Int64.max : first + Self.unseenPageSize
            let sql = """
                SELECT id, path, \(judge.columns.touched) FROM entry NOT INDEXED
                WHERE id >= ?4 AND id <= ?5 AND \(judge.condition)
                """
            return (try unseen(sql, [first, end], judge, database), end)
        }
    }

    // MARK: Of a path

    /// Rows that are looked through between two transactions.
    private static let subtreePageSize = 10_000

    private func concludeBeneath(_ root: RelativePath, _ judge: UnseenJudge) throws {
        let select = "SELECT id, path, \(judge.columns.touched) FROM entry WHERE \(judge.condition)"
        let own = try read { try unseen("\(select) AND path = ?4", [IndexRows.blob(root.bytes)], judge, $0, all: true) }
        try conclude(own.filter { !judge.observation.seen.contains($0.0) }, judge)
        var last: RelativePath?
        while true {
            let range = PathRange(beneath: root, after: last)
            let sql = "\(select) AND path > ?4 AND path < ?5 ORDER BY path LIMIT \(Self.subtreePageSize)"
            let page = try read { try unseen(sql, range.arguments, judge, $0, all: true) }
            try conclude(page.filter { !judge.observation.seen.contains($0.0) }, judge)
            guard page.count == Self.subtreePageSize else { return }
            last = page.last?.1
        }
    }

    /// Rows of `sql`, whose arguments from the fourth on are `arguments`; `all`: also those that were seen.
    private func unseen(
        _ sql: String,
        _ arguments: [any DatabaseValueConvertible],
        _ judge: UnseenJudge,
        _ database: Database,
        all: Bool = false
    ) throws -> [(Int64, RelativePath)] {
        let own: [any DatabaseValueConvertible] = [judge.observation.folder, judge.number.value, sequence]
        let statement = try database.cachedStatement(sql: sql)
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(own + arguments))
        var rows: [(Int64, RelativePath)] = []
        while let row = try cursor.next() {
            let id = try IndexRows.id(row, 0)
            guard try row.decode(Int64.self, atIndex: 2) < judge.number.value else {
                throw IndexDamage("an entry bears a number that was never given out")
            }
            if all || !judge.observation.seen.contains(id) { rows.append((id, try IndexRows.path(row, 1))) }
        }
        return rows
    }
}

/// What lies beneath a path, or the rest of that after one of them, as bounds on the column `path`, neither included.
/// The path itself is not part of it: other paths may lie between, as `a-` between `a` and `a/b`.
struct PathRange {
    /// Two blobs: the lower bound, and the upper.
    let arguments: [any DatabaseValueConvertible]

    init(beneath root: RelativePath, after last: RelativePath?) {
        let slash = UInt8(ascii: "/")
        let lower = last.map(\.bytes) ?? root.bytes + [slash]
        arguments = [IndexRows.blob(lower), IndexRows.blob(root.bytes + [slash + 1])]
    }
}
