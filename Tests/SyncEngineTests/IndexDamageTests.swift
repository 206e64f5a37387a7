import GRDB
import Synchronization
import TestSupport
import Testing

@testable import SyncEngine

/// A damaged index is found, kept aside, told of, and made anew; the sides are none the worse.
struct IndexDamageTests {
    /// Forty files in sync, so that the tables have more than one page, and a stranger on the following side.
    private func settled(_ direction: Direction = .up) async throws -> DiskWorld {
        let world = try DiskWorld(direction: direction)
        for number in 0..<40 { world.lead("directory \(number % 3)/file \(number)", "content of \(number)") }
        try await world.run()
        world.intrude("stranger", "precious")
        #expect(try await world.run().halt?.reason == .foreign(count: 1))
        #expect(world.directory.names == ["index.db"], "an orderly end leaves the database and no more")
        return world
    }

    private func expectHealed(_ world: DiskWorld, _ report: CycleReport) async throws {
        #expect(report.failure == nil)
        #expect(report.halt?.reason == .foreign(count: 1))
        #expect(report.counts.entries == 40)
        #expect(report.record.uploaded + report.record.downloaded == 0)
        #expect(report.record.deletedLocal + report.record.deletedRemote == 0)
        #expect(world.leading.merging(["stranger": "precious"]) { $1 } == world.following)
        let next = try await world.run()
        #expect(next.record.requests == ["LIST": 1])
        #expect(next.warnings.isEmpty)
    }

    /// Garbage in every page that holds such names.
    private func damagePages(_ world: DiskWorld, holding text: String = "directory ") throws {
        let bytes = try world.directory.read("index.db")
        let pages = stride(from: 0, to: bytes.count, by: 4_096).map { Array(bytes[$0..<$0 + 4_096]) }
        let name = Array(text.utf8)
        let damaged = pages.map { page in
            guard !page.split(separator: name).dropFirst().isEmpty else { return page }
            return page.indices.map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
        }
        #expect(damaged != pages)
        try world.directory.write("index.db", Array(damaged.joined()))
    }

    @Test(
        arguments: [Direction.up, .down],
        ["", "not a database, but a text\n", String(repeating: "garbage ", count: 9_000)]
    )
    func `a file that is no index is kept aside, and a new one built`(direction: Direction, text: String) async throws {
        let world = try await settled(direction)
        try world.directory.write("index.db", Array(text.utf8))
        let report = try await world.run()
        try await expectHealed(world, report)
        #expect(report.warnings.count == (text.isEmpty ? 0 : 1), "an empty file is none to mourn for")
        #expect(
            try world.directory.kept.map { try world.directory.read($0) } == (text.isEmpty ? [] : [Array(text.utf8)])
        )
    }

    @Test func `another program's database is kept whole`() async throws {
        let world = try await settled()
        try world.directory.remove("index.db")
        do {
            let other = try DatabaseQueue(path: world.directory.database)
            try await other.write { try $0.execute(sql: "CREATE TABLE precious (x); INSERT INTO precious VALUES (1)") }
        }
        let bytes = try world.directory.read("index.db")
        let report = try await world.run()
        #expect(report.warnings.first?.contains("not syncd's") == true)
        try await expectHealed(world, report)
        #expect(try world.directory.kept.map { try world.directory.read($0) } == [bytes])
    }

    @Test func `the marker stands while the index is open, and after an error until it was looked at`() async throws {
        let world = try await settled()
        do {
            let index = try SQLiteIndex(path: world.directory.database)
            #expect(world.directory.names.contains("index.open"))
            _ = try await index.counts(1)
        }
        #expect(!world.directory.names.contains("index.open"))
        do {
            let index = try SQLiteIndex(path: world.directory.database)
            let error = await #expect(throws: IndexError.self) {
                try await index.write { try $0.execute(sql: "INSERT INTO nowhere VALUES (1)") }
            }
            #expect(error?.code == .unusable, "it was looked at, and is sound")
        }
        #expect(world.directory.names.contains("index.open"))
        try await world.run()
        #expect(!world.directory.names.contains("index.open"))
    }

    @Test func `after an orderly end nothing is looked at; after any other the whole index is`() async throws {
        let world = try await settled()
        try damagePages(world)
        do {
            let index = try SQLiteIndex(path: world.directory.database)
            #expect(try await index.check() != nil, "it is damaged, and opening it did not look")
        }
        try world.directory.write("index.open", [])
        let error = #expect(throws: IndexError.self) { try SQLiteIndex(path: world.directory.database) }
        #expect(error?.code == .damaged)
        #expect(world.directory.kept.isEmpty, "whoever opens it alone leaves it where it is")
        let report = try await world.run()
        #expect(report.warnings.count == 1)
        #expect(report.record.requests["LIST"] == 1, "found before the cycle began")
        try await expectHealed(world, report)
    }

    @Test(arguments: [Direction.up, .down])
    func `damage that shows in use ends in a new index within the same run`(direction: Direction) async throws {
        let world = try await settled(direction)
        try damagePages(world)
        let report = try await world.run()
        #expect(report.warnings.count == 1)
        #expect(world.directory.kept.count == 1)
        #expect(report.warnings.first?.contains(world.directory.kept[0]) == true)
        try await expectHealed(world, report)
    }

    @Test func `what both runs did is in the report`() async throws {
        let world = try await settled()
        let keeper = try IndexKeeper(path: world.directory.database, clock: world.world.clock)
        let attempts = Mutex(0)
        let time = UnixTime(seconds: 1_800_000_000)
        let report = await keeper.run("test") { _ in
            let attempt = attempts.withLock { count in
                count += 1
                return count
            }
            var record = CycleRecord(startedAt: time, finishedAt: time, result: attempt == 1 ? .failed : .inSync)
            (record.uploaded, record.bytesUp, record.requests) = (1, 10, ["LIST": 1, "PUT": 1])
            let failure = CycleFailure(code: .indexDamaged, message: "damaged")
            return CycleReport(record: record, failure: attempt == 1 ? failure : nil)
        }
        #expect(attempts.withLock(\.self) == 2)
        #expect(report.failure == nil && report.record.result == .inSync)
        #expect(report.record.uploaded == 2 && report.record.bytesUp == 20)
        #expect(report.record.requests == ["LIST": 2, "PUT": 2])
    }

    @Test func `at most three damaged indexes are kept, and none over another`() async throws {
        let world = try await settled()
        try world.directory.write("index.damaged-notes.txt", [1])
        for round in 0..<5 as Range<UInt8> {
            try world.directory.write("index.db", Array("broken".utf8) + [round])
            // Without time passing, so that all would have one name.
            _ = try IndexKeeper(path: world.directory.database, clock: world.world.clock)
            let last = try world.directory.kept.compactMap { try world.directory.read($0).last }.sorted()
            #expect(last == Array(0...round).suffix(3))
        }
        #expect(world.directory.names.contains("index.damaged-notes.txt"), "what is not of the form is not ours")
    }

    @Test func `what cannot be moved aside is left and told`() async throws {
        let world = try await settled()
        // A name for which no longer one can be made.
        let long = world.directory.file(String(repeating: "n", count: 240) + ".db")
        try world.directory.write(String(repeating: "n", count: 240) + ".db", Array("broken".utf8))
        let error = #expect(throws: IndexError.self) { try IndexKeeper(path: long, clock: world.world.clock) }
        #expect(error?.message.hasPrefix("\(long): it is damaged, and cannot be moved to ") == true)
        #expect(try world.directory.read(String(repeating: "n", count: 240) + ".db") == Array("broken".utf8))
    }

    @Test func `an approval that finds the index damaged approves nothing, and says so`() async throws {
        for isInUse in [false, true] {
            let world = try await settled()
            if isInUse {
                try damagePages(world, holding: "stranger")
            } else {
                try world.directory.write("index.db", Array("broken".utf8))
            }
            await #expect {
                try await world.approve()
            } throws: { error in
                (error as? CycleFailure)?.message.contains("Nothing was approved") == true
            }
            #expect(world.directory.kept.count == 1)
            let report = try await world.run()
            #expect(report.warnings.isEmpty)
            try await expectHealed(world, report)
        }
    }

    @Test func `cycles that run at once make one new index between them, and each warns`() async throws {
        let world = try await settled()
        try damagePages(world)
        let keeper = try IndexKeeper(path: world.directory.database, clock: world.world.clock)
        let context = world.world.context
        let reports = await withTaskGroup(of: CycleReport.self) { group in
            for number in 0..<4 {
                group.addTask {
                    await keeper.run("folder \(number)") { index in
                        var own = context
                        own.folder.name = "folder \(number)"
                        own.index = index
                        return await SyncCycle(own).plan(limit: 10)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(reports.map(\.failure?.message) == [nil, nil, nil, nil])
        #expect(reports.map(\.warnings.count) == [1, 1, 1, 1])
        #expect(world.directory.kept.count == 1)
    }

    @Test func `a full disk takes the transaction back, and the next one goes on`() async throws {
        let world = try await settled()
        let index = try SQLiteIndex(path: world.directory.database)
        let folder = try await index.open(world.world.folder).id
        let changes = (0..<2_000).map { number in
            let path = RelativePath(unchecked: Array("x\(number)".utf8), in: nil)
            return GatedChange(path: path, action: .deleteRemote, identity: "\(number)")
        }
        try await index.write { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        await #expect {
            try await index.addWaiting(folder, changes)
        } throws: { error in
            (error as? IndexError)?.message.contains("no space left") == true
        }
        try await index.write { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        let waiting = try await index.approveWaiting(folder, until: world.world.clock.now())
        #expect(waiting == [.deleteRemote: 1], "only what waited before")
        try await index.addWaiting(folder, changes)
        #expect(try await index.approveWaiting(folder, until: world.world.clock.now()) == [.deleteRemote: 2_000])
    }
}
