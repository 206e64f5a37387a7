import GRDB
import TestSupport
import Testing

@testable import SyncEngine

/// Values that no syncd writes, in a database that SQLite finds nothing wrong with: none of them stops the process, and
/// none of them is acted on.
struct IndexValuesTests {
    private static let statements = [
        "UPDATE counter SET sequence = 9223372036854775807",
        "UPDATE counter SET sequence = -1",
        "DELETE FROM counter",
        "UPDATE entry SET local_touched = 1 << 60 WHERE id = 5",
        "UPDATE entry SET remote_touched = 1 << 60 WHERE id = 5",
        "UPDATE entry SET local_inode = NULL, local_size = NULL, local_touched = 1 << 60 WHERE id = 5",
        "UPDATE entry SET id = -5 WHERE id = 5",
        "UPDATE entry SET path = x'610062', attention = 1 WHERE id = 5",
        "UPDATE entry SET path = x'2e2e2f78', attention = 1 WHERE id = 5",
        "UPDATE entry SET digest = x'00', attention = 1 WHERE id = 5",
        "UPDATE entry SET base_size = -9223372036854775808, attention = 1 WHERE id IN (5, 6, 7)",
        "UPDATE entry SET local_size = -1 WHERE id = 5",
        "UPDATE folder SET base_count = -1",
        "UPDATE folder SET base_count = 9223372036854775807",
        "UPDATE folder SET gate_base_count = 1, gate_since = -9223372036854775808, gate_halted = 0",
        "UPDATE folder SET gate_base_count = 9223372036854775807, gate_since = 0, gate_halted = 1",
        "INSERT INTO deleted (folder, time, count) VALUES (1, 9223372036854775807, 9223372036854775807)",
        """
        INSERT INTO deleted (folder, time, count) VALUES
        (1, 9223372036854775807, 9223372036854775807), (1, 9223372036854775807, 9223372036854775807)
        """,
        "DROP TABLE problem",
        "ALTER TABLE entry RENAME COLUMN racy TO rbcy",
        "UPDATE grdb_migrations SET identifier = 'q' WHERE identifier = '1'",
        "DELETE FROM grdb_migrations WHERE identifier = '1'",
        "DELETE FROM grdb_migrations",
    ]

    @Test(arguments: statements, [Direction.up, .down])
    func `what cannot be is moved aside in the same run`(statement: String, direction: Direction) async throws {
        let world = try await damaged(by: statement, direction)
        let report = try await world.run()
        #expect(report.failure == nil && report.warnings.count == 1, "\(statement)")
        try await expectHealed(world)
    }

    /// What may be, although it is not so: it heals by looking.
    @Test(
        arguments: [
            "UPDATE entry SET id = 9223372036854775807 WHERE id = 5",
            "UPDATE entry SET id = 1 << 60 WHERE id = 5",
            "UPDATE entry SET base_etag = 'x', remote_etag = 'y', local_inode = 9, base_modified = 7",
            "UPDATE entry SET base_inode = NULL, base_size = NULL, base_etag = NULL",
            "DELETE FROM entry WHERE id > 3",
            "UPDATE folder SET name = 'other'",
            "UPDATE folder SET pair = x'00'",
            "DROP INDEX entry_attention",
        ],
        [Direction.up, .down]
    )
    func `what is wrong and could be right heals`(statement: String, direction: Direction) async throws {
        let world = try await damaged(by: statement, direction)
        let report = try await world.run()
        #expect(report.failure == nil, "\(statement)")
        try await expectHealed(world)
    }

    @Test(arguments: [
        "UPDATE download_job SET temporary = CAST('file 3' AS BLOB)",
        "UPDATE download_job SET temporary = CAST('other/.syncd.0123456789abcdef.tmp' AS BLOB)",
        "UPDATE download_job SET path = CAST('../file 5' AS BLOB)",
        "UPDATE upload_job SET part_size = 0",
        "UPDATE upload_job SET started_at = -9223372036854775808",
    ])
    func `a transfer that cannot have been begun is not gone on with`(statement: String) async throws {
        let world = try await settled(.down)
        do {
            let index = try SQLiteIndex(path: world.directory.database)
            let folder = try await index.open(world.world.folder).id
            let path = RelativePath(unchecked: Array("file 5".utf8), in: nil)
            let temporary = RelativePath(unchecked: Array(".syncd.0123456789abcdef.tmp".utf8), in: nil)
            let remote = RemoteState(etag: ETag("e"), size: 10)
            _ = try await index.begin(
                folder,
                DownloadJob(path: path, remote: remote, partSize: 5, temporary: temporary)
            )
            guard let local = try await index.entry(folder, at: path)?.local else { throw IndexDamage("no entry") }
            let now = world.world.clock.now()
            _ = try await index.begin(
                folder,
                UploadJob(path: path, local: local, partSize: 5, startedAt: now, stamp: now)
            )
        }
        try await damage(world, by: statement)
        let report = try await world.run()
        #expect(report.failure == nil && report.warnings.count == 1)
        try await expectHealed(world)
    }

    /// Twelve files in sync, with a stranger on the following side.
    private func settled(_ direction: Direction) async throws -> DiskWorld {
        let world = try DiskWorld(direction: direction)
        for number in 0..<12 { world.lead("file \(number)", "content of \(number)") }
        try await world.run()
        world.intrude("stranger", "precious")
        try await world.run()
        return world
    }

    /// Runs the statement, as no syncd would.
    private func damage(_ world: DiskWorld, by statement: String) async throws {
        let database = try DatabaseQueue(path: world.directory.database)
        try await database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; \(statement)")
        }
        try database.close()
    }

    private func damaged(by statement: String, _ direction: Direction) async throws -> DiskWorld {
        let world = try await settled(direction)
        try await damage(world, by: statement)
        return world
    }

    private func expectHealed(_ world: DiskWorld) async throws {
        world.lead("file 3", "edited")
        world.lead("new", "new")
        try await world.run()
        #expect(world.leading.merging(["stranger": "precious"]) { $1 } == world.following)
        let last = try await world.run()
        #expect(last.halt?.reason == .foreign(count: 1))
        #expect(last.record.requests == ["LIST": 1])
        #expect(last.warnings.isEmpty)
    }

    @Test(arguments: [Direction.up, .down])
    func `the whole look finds nothing wrong with what syncd wrote`(direction: Direction) async throws {
        let world = try DiskWorld(direction: direction)
        for round in 0..<4 {
            for number in 0..<12 where (number + round) % 3 > 0 { world.lead("file \(number)", "round \(round)") }
            for number in 0..<12 where (number + round) % 5 == 0 { world.stopLeading("file \(number)") }
            try await world.run()
            world.world.folder.exclude = round == 2 ? ["file 1*"] : []
            let index = try SQLiteIndex(path: world.directory.database)
            #expect(try await index.check()?.what == nil)
        }
    }
}
