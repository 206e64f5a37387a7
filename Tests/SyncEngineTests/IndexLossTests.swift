import SyncEngine
import Testing

/// The index is gone, or is an older one: both sides are compared, and nothing goes unasked.
struct IndexLossTests {
    private static let names = (0..<12).map { "d\($0 % 3)/f\($0)" }

    /// Twelve files in sync, and one on the following side that was never ours.
    private func settled(_ direction: Direction) async throws -> DiskWorld {
        let world = try DiskWorld(direction: direction)
        for name in Self.names { world.lead(name, "content of \(name)") }
        try await world.run()
        #expect(try await world.run().record.result == .inSync)
        return world
    }

    @Test(arguments: [Direction.up, .down])
    func `an index that was deleted is built anew without a transfer`(direction: Direction) async throws {
        let world = try await settled(direction)
        for name in world.directory.names { try world.directory.remove(name) }
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(report.counts.entries == 12)
        #expect(report.record.uploaded + report.record.downloaded == 0)
        #expect(report.record.deletedLocal + report.record.deletedRemote == 0)
        #expect(report.warnings.isEmpty, "nothing tells it from a first run")
        #expect(try await world.run().record.requests == ["LIST": 1])
    }

    @Test(arguments: [Direction.up, .down])
    func `deletes that only the lost index could vouch for wait for an approval`(direction: Direction) async throws {
        let world = try await settled(direction)
        world.stopLeading(Self.names[0])
        world.lead(Self.names[1], "edited")
        world.lead("new", "new")
        for name in world.directory.names { try world.directory.remove(name) }
        let report = try await world.run()
        #expect(report.halt?.reason == .foreign(count: 1))
        #expect(report.record.deletedLocal + report.record.deletedRemote == 0)
        #expect(world.following[Self.names[0]] == "content of \(Self.names[0])")
        #expect(world.following[Self.names[1]] == "edited", "what deletes nothing goes on")
        try await world.approve()
        #expect(try await world.run().halt == nil)
        #expect(world.following == world.leading)
    }

    @Test(arguments: [Direction.up, .down])
    func `the hour's deletes are forgotten with the index, and the next ones are weighed against what is left`(
        direction: Direction
    ) async throws {
        let world = try await settled(direction)
        for name in Self.names.prefix(6) { world.stopLeading(name) }
        try await world.run()
        #expect(world.following.count == 6)
        for name in world.directory.names { try world.directory.remove(name) }
        // Gone before the index was built anew: none of them has a base, so none goes.
        for name in Self.names.dropFirst(6).prefix(2) { world.stopLeading(name) }
        #expect(try await world.run().halt?.reason == .foreign(count: 2))
        #expect(world.following.count == 6)
        // Agreed on anew, and gone after that: ours again, and few.
        world.stopLeading(Self.names[8])
        let report = try await world.run()
        #expect(report.record.deletedLocal + report.record.deletedRemote == 1)
        #expect(report.halt?.reason == .foreign(count: 2))
    }

    @Test(arguments: [Direction.up, .down])
    func `a root that is empty when the index is lost empties nothing`(direction: Direction) async throws {
        let world = try await settled(direction)
        for name in Self.names { world.stopLeading(name) }
        for name in world.directory.names { try world.directory.remove(name) }
        #expect(try await world.run().halt?.reason == .foreign(count: 12))
        #expect(world.following.count == 12)
    }

    @Test(arguments: [Direction.up, .down])
    func `an approval is forgotten with the index`(direction: Direction) async throws {
        let world = try await settled(direction)
        world.intrude("stranger", "precious")
        #expect(try await world.run().halt?.reason == .foreign(count: 1))
        try await world.approve()
        for name in world.directory.names { try world.directory.remove(name) }
        #expect(try await world.run().halt?.reason == .foreign(count: 1))
        #expect(world.following["stranger"] == "precious")
    }

    // MARK: Half of the files

    @Test(arguments: [Direction.up, .down])
    func `a log without its database is moved aside, and told`(direction: Direction) async throws {
        let world = try await settled(direction)
        var files = try await world.filesOfAKill()
        #expect(files["index.db-wal"]?.isEmpty == false && files["index.open"] != nil)
        files["index.db"] = nil
        try world.directory.restore(files)
        let report = try await world.run()
        #expect(report.warnings.count == 1)
        #expect(report.warnings.first?.contains("-wal") == true)
        #expect(report.record.result == .inSync)
        #expect(world.following == world.leading)
        #expect(world.directory.names.contains { $0.hasPrefix("index.damaged-") && $0.hasSuffix(".db-wal") })
        #expect(try await world.run().warnings.isEmpty)
    }

    @Test(arguments: [Direction.up, .down])
    func `a database without its log works, or is moved aside`(direction: Direction) async throws {
        let world = try await settled(direction)
        var files = try await world.filesOfAKill()
        files["index.db-wal"] = nil
        try world.directory.restore(files)
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(world.following == world.leading)
        #expect(report.record.deletedLocal + report.record.deletedRemote <= 1)
    }

    // MARK: An older copy

    @Test(arguments: [Direction.up, .down])
    func `a copy that is three cycles old heals by looking, without a transfer`(direction: Direction) async throws {
        let world = try await settled(direction)
        let old = try world.directory.snapshot()
        for round in 1...3 {
            for name in Self.names.dropFirst(round).prefix(4) { world.lead(name, "round \(round) of \(name)") }
            world.lead("new in round \(round)", "new")
            world.stopLeading(Self.names[11 - round])
            #expect(try await world.run().record.result == .inSync)
        }
        #expect(try await world.run().record.requests == ["LIST": 1])
        try world.directory.restore(old)
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(report.record.uploaded + report.record.downloaded == 0)
        #expect(report.record.deletedLocal + report.record.deletedRemote == 0)
        #expect(world.following == world.leading)
        #expect(try await world.run().record.requests == ["LIST": 1])
    }

    @Test(arguments: [Direction.up, .down])
    func `deletes that an older copy asks for pass the gates`(direction: Direction) async throws {
        let world = try await settled(direction)
        let old = try world.directory.snapshot()
        for round in 1...3 {
            world.lead("new in round \(round)", "new")
            #expect(try await world.run().record.result == .inSync)
        }
        // Of the three the old copy knows nothing, and it knows all of the rest.
        for name in Self.names.prefix(11) + ["new in round 1"] { world.stopLeading(name) }
        try world.directory.restore(old)
        let report = try await world.run()
        #expect(report.halt?.reason == .tooManyDeletes(wanted: 11, done: 0, of: 12, percent: 50))
        #expect(world.following.count == 15)
        #expect(try await world.approve().changes.values.reduce(0, +) == 12)
        try await world.run()
        #expect(world.following == world.leading)
    }
}
