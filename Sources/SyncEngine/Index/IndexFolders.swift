internal import Foundation
internal import GRDB

/// The folders' own rows: which pair they are, which root was adopted, and the gates' memory.
extension SQLiteIndex {
    public func open(_ folder: Folder) throws -> FolderMemory {
        try write { database in
            let pair = folder.pairFingerprint
            let policy = folder.policyFingerprint
            let sql = "SELECT id, pair, policy FROM folder WHERE name = ?"
            if let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [folder.name]) {
                let id: Int64 = try row.decode(atIndex: 0)
                if try IndexRows.bytes(row, 1) == pair {
                    if try row.decode(String.self, atIndex: 2) != policy { try Self.setPolicy(id, policy, database) }
                    return try Self.memory(id, database)
                }
                // Another pair under an old name: what is known of the old one says nothing about it.
                try database.cachedStatement(sql: "DELETE FROM folder WHERE id = ?").execute(arguments: [id])
            }
            try database.cachedStatement(sql: "INSERT INTO folder (name, pair, policy) VALUES (?, ?, ?)").execute(
                arguments: [folder.name, IndexRows.blob(pair), policy]
            )
            return try Self.memory(database.lastInsertedRowID, database)
        }
    }

    public func memory(of folder: Folder) throws -> FolderMemory? {
        try read { database in
            let sql = "SELECT id FROM folder WHERE name = ? AND pair = ?"
            let arguments: StatementArguments = [folder.name, IndexRows.blob(folder.pairFingerprint)]
            return try Int64.fetchOne(database.cachedStatement(sql: sql), arguments: arguments).map {
                try Self.memory($0, database)
            }
        }
    }

    public func forget(_ folder: Int64) throws {
        try write { try $0.cachedStatement(sql: "DELETE FROM folder WHERE id = ?").execute(arguments: [folder]) }
    }

    private static func setPolicy(_ folder: Int64, _ policy: String, _ database: Database) throws {
        try database.cachedStatement(sql: "UPDATE folder SET policy = ? WHERE id = ?").execute(arguments: [
            policy, folder,
        ])
        try database.cachedStatement(
            sql: "UPDATE entry SET attention = 1, next_attempt = NULL WHERE folder = ? AND attention = 0"
        ).execute(arguments: [folder]
        )
    }

    private static func memory(_ folder: Int64, _ database: Database) throws -> FolderMemory {
        let sql = """
            SELECT root_id, root_file_system, root_inode, gate_base_count, gate_since, gate_halted, base_count, base_bytes,
            paused, capabilities_at
            FROM folder WHERE id = ?
            """
        guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [folder]) else {
            throw IndexDamage("a folder's row is gone")
        }
        var memory = FolderMemory(
            id: folder,
            root: nil,
            gate: nil,
            baseCount: try IndexRows.count(row, 6),
            baseBytes: try row.decode(atIndex: 7),
            isPaused: try row.decode(atIndex: 8)
        )
        if let fileSystem: Int64 = try row.decode(atIndex: 1), let inode: Int64 = try row.decode(atIndex: 2) {
            memory.root = RootIdentity(
                id: try row.decode(atIndex: 0),
                fileSystemID: UInt64(bitPattern: fileSystem),
                inode: UInt64(bitPattern: inode)
            )
        }
        if !row.hasNull(atIndex: 3) {
            memory.gate = GateMemory(
                baseCount: try IndexRows.count(row, 3),
                since: try IndexRows.time(row, 4),
                isHalted: try row.decode(atIndex: 5)
            )
        }
        if !row.hasNull(atIndex: 9) {
            memory.capabilities = KnownCapabilities(
                verdicts: try capabilities(folder, database),
                triedAt: try IndexRows.time(row, 9)
            )
        }
        return memory
    }

    /// A feature or a verdict that this version does not know is left out.
    private static func capabilities(_ folder: Int64, _ database: Database) throws -> Capabilities {
        var capabilities = Capabilities()
        let sql = "SELECT feature, verdict FROM capability WHERE folder = ?"
        for row in try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [folder]) {
            let (feature, verdict): (String, String) = (try row.decode(atIndex: 0), try row.decode(atIndex: 1))
            guard let feature = Capabilities.Feature(rawValue: feature),
                let verdict = Capabilities.Verdict(rawValue: verdict)
            else { continue }
            capabilities[feature] = verdict
        }
        return capabilities
    }

    public func setCapabilities(_ folder: Int64, _ known: KnownCapabilities) throws {
        try write { database in
            try database.cachedStatement(sql: "UPDATE folder SET capabilities_at = ? WHERE id = ?").execute(arguments: [
                known.triedAt.nanoseconds, folder,
            ]
            )
            try database.cachedStatement(sql: "DELETE FROM capability WHERE folder = ?").execute(arguments: [folder])
            for feature in Capabilities.Feature.allCases where known.verdicts[feature] != .unknown {
                try database.cachedStatement(sql: "INSERT INTO capability VALUES (?, ?, ?)").execute(arguments: [
                    folder, feature.rawValue, known.verdicts[feature].rawValue,
                ]
                )
            }
        }
    }

    public func setRoot(_ folder: Int64, _ root: RootIdentity) throws {
        try write { database in
            try database.cachedStatement(
                sql: "UPDATE folder SET root_id = ?, root_file_system = ?, root_inode = ? WHERE id = ?"
            ).execute(arguments: [root.id, Int64(bitPattern: root.fileSystemID), Int64(bitPattern: root.inode), folder]
            )
        }
    }

    public func setGate(_ folder: Int64, _ gate: GateMemory?) throws {
        try write { database in
            try database.cachedStatement(
                sql: "UPDATE folder SET gate_base_count = ?, gate_since = ?, gate_halted = ? WHERE id = ?"
            ).execute(arguments: [gate?.baseCount, gate?.since.nanoseconds, gate?.isHalted, folder]
            )
        }
    }

    public func setPaused(_ folder: Int64, _ isPaused: Bool) throws {
        try write { database in
            try database.cachedStatement(sql: "UPDATE folder SET paused = ? WHERE id = ?").execute(arguments: [
                isPaused, folder,
            ])
        }
    }

    /// Adds to the numbers that `status` and the gates read, which counting anew would make dear.
    static func addToBase(_ folder: Int64, count: Int64, bytes: Int64, _ database: Database) throws {
        guard count != 0 || bytes != 0 else { return }
        let statement = try database.cachedStatement(
            sql: "UPDATE folder SET base_count = base_count + ?, base_bytes = base_bytes + ? WHERE id = ?"
        )
        try statement.execute(arguments: [count, bytes, folder])
    }
}

extension Folder {
    /// What makes this pair: the bytes of each part with its length before it, so that no two pairs run together.
    fileprivate var pairFingerprint: [UInt8] {
        let parts = [
            root, Array(endpoint.utf8), Array(bucket.utf8), prefix, Array(policy.direction.rawValue.utf8),
        ]
        return parts.flatMap { part in Array("\(part.count):".utf8) + part }
    }

    /// What decisions on entries depend on, beside the entries themselves.
    fileprivate var policyFingerprint: String {
        let patterns = exclude.map { "\($0.utf8.count):\($0)" }.joined()
        return "deletes=\(policy.deletes) conflict=\(conflict.rawValue) exclude=\(patterns)"
    }
}
