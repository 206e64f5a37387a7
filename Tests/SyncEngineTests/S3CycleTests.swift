import SyncEngine
import TestSupport
import Testing

/// Whole cycles between a real disk and a service that misbehaves, through the real client.
struct S3CycleTests {
    /// Three sizes: in one request, in parts, and nothing.
    private static let tree: [String: [UInt8]] = [
        "a": Array("small".utf8), "dir/large": S3World.noise(350_000, seed: 7), "dir/empty": [],
        "dir/b + c%20": S3World.noise(5_000, seed: 8),
    ]

    @Test(arguments: FaultQuirks.Service.allCases)
    func `a tree goes up through lost answers, refusals and errors in disguise, and then rests`(
        service: FaultQuirks.Service
    ) async throws {
        let world = try S3World(.up) { $0.behave(like: service) }
        for (name, content) in Self.tree { try world.write(name, content) }
        world.server.on(.listObjectsV2, 1, .truncate(after: 100))
        world.server.on(.putObject, 1, .resetAfterEffect)
        world.server.on(.putObject, 3, .slowDown(retryAfter: 2))
        world.server.on(.createMultipartUpload, 1, .resetAfterEffect)
        world.server.on(.uploadPart, 2, .reset)
        world.server.on(.uploadPart, 4, .resetAfterEffect)
        world.server.on(.completeMultipartUpload, 1, .errorInside200("InternalError"))
        world.server.on(.completeMultipartUpload, 2, .truncate(after: 30))
        let report = await world.run()
        #expect(report.failure == nil && report.problems.isEmpty && report.record.uploaded == 4)
        let isEqual = world.objects == Self.tree
        #expect(isEqual && world.server.pendingRules == [])
        // Nothing is left that costs money, not even what the lost answer had begun.
        #expect(world.server.withStore { $0.uploads().isEmpty })
        let before = world.server.records.count
        let second = await world.run()
        #expect(second.pending.isEmpty && second.failure == nil && second.record.uploaded == 0)
        let after = world.server.records.dropFirst(before)
        #expect(after.map(\.operation) == [.listObjectsV2])
    }

    @Test(arguments: [FaultQuirks.Ranges.honoured, .answeredAs200, .ignored], [false, true])
    func `a tree comes down through cut and lost answers, whatever the service makes of ranges and conditions`(
        ranges: FaultQuirks.Ranges,
        ignoresConditions: Bool
    ) async throws {
        let world = try S3World(.down) {
            $0.ranges = ranges
            $0.ignoresConditions = ignoresConditions
        }
        for (name, content) in Self.tree { world.put(content, as: name) }
        world.server.on(.getObject, 1, .truncate(after: 3))
        world.server.on(.getObject, 2, .resetAfterEffect)
        world.server.on(.getObject, .from(4...5), .error(503, "SlowDown"))
        let report = await world.run()
        #expect(report.failure == nil && report.problems.isEmpty && report.record.downloaded == 4)
        let contents = world.contents.filter { $0.key != "dir" }
        let isEqual = contents == Self.tree
        #expect(isEqual && world.server.pendingRules == [])
    }

    @Test(
        arguments: [
            .hostile(.cut), .hostile(.wrongRoot), .truncate(after: 250), .deny, .errorInside200("InternalError"),
        ]
            as [Fault]
    )
    func `a listing that fails deletes nothing`(fault: Fault) async throws {
        let world = try S3World(.down, deletes: true) { $0.pageSize = 2 }
        for number in 0..<5 { world.put([UInt8(number)], as: "k\(number)") }
        await world.run()
        #expect(world.contents.count == 5)
        world.server.withStore { $0.buckets[FaultServer.bucket]?.objects = [:] }
        world.put([9], as: "k0")
        world.server.on(.listObjectsV2, .every, fault)
        let report = await world.run()
        #expect(report.failure != nil && world.contents.count == 5 && world.contents["k0"] == [0])
        #expect(world.server.pendingRules.isEmpty)
    }
}
