internal import Foundation
internal import GRDB

/// A walk or a listing under way.
struct Observation {
    let folder: Int64
    let side: Side
    let scope: EntryScope
    var seen = BitSet()
    /// The last path that any page held, while pages come in order.
    var last: [UInt8] = []
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

    var range: String {
        "SELECT id, path, \(touched), \(names.joined(separator: ", ")) FROM entry "
            + "WHERE folder = ? AND path >= ? AND path <= ? ORDER BY path"
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

    /// Compares a page with the rows. A page that goes on where the last one ended is merged with the rows between its
    /// first and its last path; any other is looked up row by row, since a merge could read the same rows every time.
    private func observe<Item>(
        _ number: Sequence,
        _ page: [Item],
        path: (Item) -> [UInt8],
        isEqual: (Item, Row) throws -> Bool,
        values: (Item) -> [(any DatabaseValueConvertible)?]
    ) throws {
        guard var observation = observations[number] else { throw IndexError(message: "an observation has ended") }
        guard let last = page.last else { return }
        let isOrdered = Self.isOrdered(page, after: observation.last, path: path)
        let columns = SideColumns(observation.side)
        var changes: [(row: Int64?, item: Item)] = []
        try read { database in
            let statement = try database.cachedStatement(sql: columns.range)
            if isOrdered {
                let bounds = (IndexRows.blob(path(page[0])), IndexRows.blob(path(last)))
                let rows = try Row.fetchCursor(statement, arguments: [observation.folder, bounds.0, bounds.1])
                var row = try rows.next()
                for item in page {
                    let key = path(item)
                    var order = try row.map { try Self.order($0, key) }
                    while let before = order, before < 0 {
                        row = try rows.next()
                        order = try row.map { try Self.order($0, key) }
                    }
                    try note(item, order == 0 ? row : nil)
                }
            } else {
                for item in page {
                    let key = IndexRows.blob(path(item))
                    let rows = try Row.fetchCursor(statement, arguments: [observation.folder, key, key])
                    try note(item, try rows.next())
                }
            }
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
        if isOrdered { observation.last = path(last) }
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

    private static func isOrdered<Item>(_ page: [Item], after last: [UInt8], path: (Item) -> [UInt8]) -> Bool {
        var previous = last
        for item in page {
            let next = path(item)
            guard bytesPrecede(previous, next) else { return false }
            previous = next
        }
        return true
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
