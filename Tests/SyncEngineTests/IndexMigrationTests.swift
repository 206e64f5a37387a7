import Foundation
import GRDB
import TestSupport
import Testing

@testable import SyncEngine

/// A newer schema is refused, an older one is brought up to date, and whatever stops that leaves one of the two.
struct IndexMigrationTests {
    private struct Stop: Error {}

    /// The migrations as they are, and one more.
    private func migrator(_ body: @escaping @Sendable (Database) throws -> Void = { _ in }) -> DatabaseMigrator {
        var migrator = IndexSchema.migrator
        migrator.registerMigration("next") { database in
            try database.execute(
                sql: "ALTER TABLE entry ADD COLUMN later TEXT; CREATE TABLE extra (id INTEGER PRIMARY KEY)"
            )
            try body(database)
        }
        return migrator
    }

    /// Twelve files in sync, and the index closed.
    private func settled(_ direction: Direction = .up) async throws -> DiskWorld {
        let world = try DiskWorld(direction: direction)
        for number in 0..<12 { world.lead("file \(number)", "content of \(number)") }
        try await world.run()
        #expect(try await world.run().record.requests == ["LIST": 1])
        return world
    }

    private func expectWhole(_ world: DiskWorld) async throws {
        let report = try await world.run()
        #expect(report.record.result == .inSync && report.warnings.isEmpty)
        #expect(report.record.requests == ["LIST": 1], "it knows all that it knew")
        #expect(report.counts.entries == 12)
    }

    // MARK: Versions

    @Test(arguments: [Direction.up, .down])
    func `an index of version 1 is brought up to date, and knows all that it knew`(direction: Direction) async throws {
        let world = try await settled(direction)
        let etags = world.world.objects.mapValues { FakeObjectStore.digest(Array($0.utf8)) }
        try world.directory.restore([:])
        let pair = "5:/root11:http://test6:bucket0:\(direction.rawValue.utf8.count):\(direction.rawValue)"
        try IndexVersion1.create(at: world.directory.database) { database in
            let bytes = etags.reduce(0) { $0 + (world.world.objects[$1.key]?.utf8.count ?? 0) }
            try database.execute(
                sql: """
                    INSERT INTO folder (name, pair, policy, base_count, base_bytes)
                    VALUES ('test', CAST(? AS BLOB), 'deletes=true conflict=newest exclude=', 12, ?)
                    """,
                arguments: [pair, bytes]
            )
            for (name, digest) in etags {
                guard let state = world.world.fileSystem.status(ofText: name)?.state else { continue }
                let local = [
                    Int64(bitPattern: state.inode), state.size, state.modified.nanoseconds, state.changed.nanoseconds,
                    Int64(state.mode),
                ]
                let (columns, marks) = ("inode size modified changed mode".split(separator: " "), "?, ?, ?, ?, ?")
                let names = { (side: String) in columns.map { "\(side)_\($0)" }.joined(separator: ", ") }
                try database.execute(
                    sql: """
                        INSERT INTO entry (folder, path, \(names("base")), \(names("local")), base_etag, remote_etag,
                        base_remote_size, remote_size, digest, attention)
                        VALUES (1, CAST(? AS BLOB), \(marks), \(marks), ?, ?, ?, ?, ?, 0)
                        """,
                    arguments: [name] + StatementArguments(local + local)
                        + [digest.hexadecimal, digest.hexadecimal, state.size, state.size, Data(digest.bytes)]
                )
            }
        }
        try await expectWhole(world)
        let index = try SQLiteIndex(path: world.directory.database)
        #expect(try await index.check()?.what == nil)
    }

    @Test func `a newer index is refused and left byte for byte, also after a crash`() async throws {
        for wasLeftOpen in [false, true] {
            let world = try await settled()
            do { _ = try SQLiteIndex(path: world.directory.database, migrator: migrator()) }
            if wasLeftOpen { try world.directory.write("index.open", []) }
            let files = try world.directory.snapshot()
            let error = #expect(throws: IndexError.self) {
                try IndexKeeper(path: world.directory.database, clock: world.world.clock)
            }
            #expect(error?.code == .newerVersion)
            #expect(error?.message.contains("newer version of syncd: use that version, or move the file away") == true)
            #expect(try world.directory.snapshot() == files)
        }
    }

    @Test func `opening and closing an index of this version changes no byte of it`() async throws {
        let world = try await settled()
        let files = try world.directory.snapshot()
        do { _ = try SQLiteIndex(path: world.directory.database) }
        #expect(try world.directory.snapshot() == files)
    }

    // MARK: What stops a migration

    @Test func `a migration that fails leaves the old schema, and the next start tries again`() async throws {
        let world = try await settled()
        #expect(throws: IndexError.self) {
            try SQLiteIndex(path: world.directory.database, migrator: migrator { _ in throw Stop() })
        }
        try await expectWhole(world)
        let index = try SQLiteIndex(path: world.directory.database, migrator: migrator())
        #expect(try await index.counts(1).entries == 12)
    }

    @Test func `a kill in the middle of a migration leaves the old schema`() async throws {
        let world = try await settled()
        let directory = world.directory
        let half = migrator { database in
            // With next to no cache, so that the log holds half of the change.
            try database.execute(sql: "PRAGMA cache_size = 1; UPDATE entry SET later = hex(randomblob(3000))")
            try directory.write("killed-db", try directory.read("index.db"))
            try directory.write("killed-wal", try directory.read("index.db-wal"))
            throw Stop()
        }
        #expect(throws: IndexError.self) { try SQLiteIndex(path: directory.database, migrator: half) }
        let killed = [
            "index.db": try directory.read("killed-db"), "index.db-wal": try directory.read("killed-wal"),
            "index.open": [],
        ]
        #expect(killed["index.db-wal"]?.count ?? 0 > 12 * 6_000, "the change was on its way to the disk")
        try directory.restore(killed)
        try await expectWhole(world)
        try directory.restore(killed)
        let index = try SQLiteIndex(path: directory.database, migrator: migrator())
        #expect(try await index.counts(1).entries == 12)
    }

    @Test func `a kill right after a migration leaves the new schema`() async throws {
        let world = try await settled()
        do {
            let index = try SQLiteIndex(path: world.directory.database, migrator: migrator())
            let killed = try world.directory.snapshot()
            #expect(killed["index.open"] != nil && killed["index.db-wal"]?.isEmpty == false)
            await index.close()
            try world.directory.restore(killed)
        }
        let index = try SQLiteIndex(path: world.directory.database, migrator: migrator())
        #expect(try await index.counts(1).entries == 12)
    }

    @Test func `a migration that finds no room is taken back, and goes on when there is some`() async throws {
        let world = try await settled()
        let full = migrator { database in
            try database.execute(sql: "PRAGMA max_page_count = 1; UPDATE entry SET later = hex(randomblob(3000))")
        }
        let error = #expect(throws: IndexError.self) { try SQLiteIndex(path: world.directory.database, migrator: full) }
        #expect(error?.code == .unusable)
        #expect(error?.message.contains("no space left on its disk: make room and run again") == true)
        let index = try SQLiteIndex(path: world.directory.database, migrator: migrator())
        #expect(try await index.counts(1).entries == 12)
    }

    // MARK: The copy

    @Test func `the index as it was before is kept, one copy of it, and the older version goes on from there`()
        async throws
    {
        let world = try await settled()
        try world.directory.write("index.before-upgrade.db", Array("of an earlier upgrade".utf8))
        try world.directory.write("index.before-upgrade.db.tmp", Array("half a copy".utf8))
        do { _ = try SQLiteIndex(path: world.directory.database, migrator: migrator()) }
        #expect(world.directory.names == ["index.before-upgrade.db", "index.db"])
        let copy = try world.directory.read("index.before-upgrade.db")
        do { _ = try SQLiteIndex(path: world.directory.database, migrator: migrator()) }
        #expect(try world.directory.read("index.before-upgrade.db") == copy, "no upgrade, no copy")
        try world.directory.restore(["index.db": copy])
        try await expectWhole(world)
    }

    @Test func `without a copy there is no migration`() async throws {
        let world = try await settled()
        try FileManager.default.createDirectory(
            atPath: world.directory.file("index.before-upgrade.db.tmp"),
            withIntermediateDirectories: false
        )
        let error = #expect(throws: IndexError.self) {
            try SQLiteIndex(path: world.directory.database, migrator: migrator())
        }
        #expect(error?.code == .unusable)
        #expect(!world.directory.names.contains("index.before-upgrade.db"))
        try await expectWhole(world)
    }
}
