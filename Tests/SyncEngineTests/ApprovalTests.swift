import SyncEngine
import TestSupport
import Testing

/// An approval lets one set of changes pass, once.
struct ApprovalTests {
    @Test(arguments: [Direction.up, .both])
    func `what was approved and done needs another approval when it is wanted again`(direction: Direction) async throws
    {
        let world = try World(direction: direction, deletes: true)
        let names = (0..<14).map { "f\($0)" }
        for name in names { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        for name in names { world.remove(name) }
        #expect(try await world.run().halt?.reason == .rootEmptied(baseCount: 14))
        try await world.approve()
        #expect(try await world.run().halt != nil)
        try await world.approve()
        #expect(try await world.run().record.result == .inSync)
        #expect(world.objects.isEmpty)
        world.advance(seconds: 60)
        for name in names { world.write(name, name) }
        #expect(try await world.run().record.uploaded == 14)
        world.advance(seconds: 60)
        for name in names { world.remove(name) }
        #expect(try await world.run().halt?.reason == .rootEmptied(baseCount: 14))
        #expect(world.objects.count == 14)
    }

    @Test(arguments: [Direction.up, .both])
    func `deletes that were approved and done wait again when the same files go once more`(
        direction: Direction
    ) async throws {
        let world = try World(direction: direction, deletes: true)
        let names = (0..<30).map { "f\($0)" }
        for name in names { world.write(name, name) }
        try await world.run()
        for round in 1...2 {
            world.advance(seconds: 7_200)
            for name in names.prefix(20) { world.remove(name) }
            #expect(try await world.run().halt != nil, "round \(round)")
            #expect(world.objects.count == 30, "round \(round)")
            try await world.approve()
            #expect(try await world.run().record.deletedRemote == 20, "round \(round)")
            world.advance(seconds: 60)
            for name in names.prefix(20) { world.write(name, name) }
            try await world.run()
        }
    }

    @Test func `a root that was approved is not approved for the next exchange`() async throws {
        let world = try World(direction: .up, deletes: true)
        world.write("a", "a")
        try await world.run()
        world.replaceRoot()
        world.write("a", "a")
        #expect(try await world.run().halt != nil)
        try await world.approve()
        #expect(try await world.run().halt == nil)
        world.replaceRoot()
        world.write("a", "a")
        #expect(try await world.run().halt != nil)
    }

    @Test func `a file that comes and goes all day does not add up to more than all, where all may go`() async throws {
        let world = try World(direction: .up, deletes: true)
        world.folder.maxDeletePercent = 100
        for number in 0..<12 { world.write("f\(number)", "\(number)") }
        try await world.run()
        for round in 0..<20 {
            world.advance(seconds: 10)
            world.write("lock", "\(round)")
            try await world.run()
            world.advance(seconds: 10)
            world.remove("lock")
            let report = try await world.run()
            #expect(report.halt == nil && report.record.deletedRemote == 1)
        }
    }
}
