internal import Foundation
internal import GRDB

/// A walk or a listing under way.
struct Observation {
    let folder: Int64
    let side: Side
    let scope: EntryScope
    var seen = BitSet()
}

/// One side's columns of `entry`, and the statements on them.
struct SideColumns {
    let names: [String]
    /// Says that the side is present.
    let presence: String
    let touched: String

    init(_ side: Side) {
        switch side {
        case .local:
            names = ["local_inode", "local_size", "local_modified", "local_changed", "local_mode"]
            touched = "local_touched"
        case .remote:
            names = ["remote_etag", "remote_size"]
            touched = "remote_touched"
        }
        presence = names[0]
    }

    /// The rows from a path on.
    var rows: String {
        "SELECT id, path, \(touched), \(names.joined(separator: ", ")) FROM entry "
            + "WHERE folder = ? AND path >= ? ORDER BY path"
    }

    var update: String {
        let values = names.map { "\($0) = ?" }.joined(separator: ", ")
        return "UPDATE entry SET \(values), differs = 0, attention = 1, attempts = 0, next_attempt = NULL, "
            + "\(touched) = ? WHERE id = ?"
    }

    var insert: String {
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        return "INSERT INTO entry (\(names.joined(separator: ", ")), \(touched), attention, folder, path) "
            + "VALUES (\(marks), ?, 1, ?, ?)"
    }
}

/// How observations enter the index: only what differs from the rows is written.
extension SQLiteIndex {
    public func beginObservation(_ folder: Int64, of side: Side, within scope: EntryScope) -> Sequence {
        let number = nextNumber()
        observations[number] = Observation(folder: folder, side: side, scope: scope)
        return number
    }

    public func abandonObservation(_ number: Sequence) {
        observations[number] = nil
    }

    public func observe(_ number: Sequence, local page: [LocalObservation]) throws {
        try observe(number, page, path: \.path.bytes) { observation, row in
            try IndexRows.local(row, from: 3) == observation.state
        } values: { observation in
            IndexRows.values(observation.state)
        }
    }

    public func observe(_ number: Sequence, remote page: [RemoteObservation]) throws {
        try observe(number, page, path: \.path.bytes) { observation, row in
            try IndexRows.remote(row, etag: 3) == observation.state
        } values: { observation in
            IndexRows.values(observation.state)
        }
    }

    /// Compares a page with the rows, in whatever order it comes.
    private func observe<Item>(
        _ number: Sequence,
        _ page: [Item],
        path: (Item) -> [UInt8],
        isEqual: (Item, Row) throws -> Bool,
        values: (Item) -> [(any DatabaseValueConvertible)?]
    ) throws {
        guard var observation = observations[number] else { throw IndexError(message: "an observation has ended") }
        let columns = SideColumns(observation.side)
        var changes: [(row: Int64?, item: Item)] = []
        try read { database in
            var finder = RowFinder(try database.cachedStatement(sql: columns.rows), folder: observation.folder)
            for item in page { try note(item, try finder.row(at: path(item))) }
        }
        func note(_ item: Item, _ row: Row?) throws {
            guard let row else {
                changes.append((nil, item))
                return
            }
            let id = try IndexRows.id(row, 0)
            observation.seen.insert(id)
            let touched: Int64 = try row.decode(atIndex: 2)
            // Such a row would be passed by for ever.
            guard touched <= sequence else { throw IndexDamage("an entry bears a number that was never given out") }
            if touched < number.value, try !isEqual(item, row) { changes.append((id, item)) }
        }
        if !changes.isEmpty {
            let inserted = try write { database in
                try keep(number, database)
                return try Self.write(
                    changes,
                    number,
                    observation.folder,
                    columns,
                    database,
                    path: path,
                    values: values
                )
            }
            for id in inserted { observation.seen.insert(id) }
        }
        observations[number] = observation
    }

    /// - Returns: the ids of new rows.
    private static func write<Item>(
        _ changes: [(row: Int64?, item: Item)],
        _ number: Sequence,
        _ folder: Int64,
        _ columns: SideColumns,
        _ database: Database,
        path: (Item) -> [UInt8],
        values: (Item) -> [(any DatabaseValueConvertible)?]
    ) throws -> [Int64] {
        let update = try database.cachedStatement(sql: columns.update)
        let insert = try database.cachedStatement(sql: columns.insert)
        var inserted: [Int64] = []
        for change in changes {
            let own = values(change.item)
            if let row = change.row {
                try update.execute(arguments: StatementArguments(own + [number.value, row]))
            } else {
                let key = IndexRows.blob(path(change.item))
                try insert.execute(arguments: StatementArguments(own + [number.value, folder, key]))
                inserted.append(database.lastInsertedRowID)
            }
        }
        return inserted
    }

    // MARK: Samples

    public func someNames(_ folder: Int64, count: Int) throws -> [[UInt8]] {
        try read { database in
            let ends = "SELECT (SELECT min(id) FROM entry), (SELECT max(id) FROM entry)"
            let bounds = try Row.fetchOne(database.cachedStatement(sql: ends))
            guard let bounds, let first: Int64 = bounds[0], let last: Int64 = bounds[1] else { return [] }
            // The first that there is in each step, so that all together look at each row once at most.
            let step = max(1, (last - first) / Int64(max(1, count)) + 1)
            // By id and no other way, or each step looks through the whole folder.
            let sql = """
                SELECT path FROM entry NOT INDEXED WHERE id >= ?1 AND id < ?1 + ?2 AND folder = ?3 AND remote_etag IS NOT NULL
                ORDER BY id LIMIT 1
                """
            let statement = try database.cachedStatement(sql: sql)
            return try stride(from: first, through: last, by: Int64.Stride(step)).compactMap { id in
                try Row.fetchOne(statement, arguments: [id, step, folder]).map { try IndexRows.path($0, 0).bytes }
            }
        }
    }
}

/// Finds the rows of paths that mostly come in the order of the rows: it goes on from one row to the next, and looks anew where
/// the wanted one is far, or lies behind.
private struct RowFinder {
    private let statement: Statement
    private let folder: Int64
    private var cursor: RowCursor?
    private var row: Row?
    /// What was looked for last.
    private var position: [UInt8] = []

    /// Rows that are passed by before it pays to look anew.
    private static let maximumSteps = 16

    init(_ statement: Statement, folder: Int64) {
        self.statement = statement
        self.folder = folder
    }

    /// Valid until the next call; nil where the index has no row for `path`.
    mutating func row(at path: [UInt8]) throws -> Row? {
        if cursor == nil || bytesPrecede(path, position) { try seek(path) }
        position = path
        var steps = 0
        while let row {
            let order = try Self.order(row, path)
            if order >= 0 { return order == 0 ? row : nil }
            if steps == Self.maximumSteps {
                try seek(path)
            } else {
                self.row = try cursor?.next()
            }
            steps += 1
        }
        return nil
    }

    private mutating func seek(_ path: [UInt8]) throws {
        cursor = try Row.fetchCursor(statement, arguments: [folder, IndexRows.blob(path)])
        row = try cursor?.next()
    }

    /// How the path in a row sorts against `path`: negative for before it, zero for equal.
    private static func order(_ row: Row, _ path: [UInt8]) throws -> Int {
        try row.withUnsafeData(atIndex: 1) { data in
            guard let data else { return -1 }
            return data.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return -1 }
                let order = Int(memcmp(start, path, min(bytes.count, path.count)))
                return order != 0 ? order : bytes.count - path.count
            }
        }
    }
}
