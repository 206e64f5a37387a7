import SyncEngine
import TestSupport
import Testing

/// How verifying runs as a whole: what it leaves alone, what stops it, what bounds it.
struct VerifierRunTests {
    private func synced(count: Int = 5, pageSize: Int = 1_000, listsByDirectory: Bool = false) async throws -> World {
        let world = try World(
            direction: .up,
            deletes: true,
            listPageSize: pageSize,
            listsByDirectory: listsByDirectory
        )
        for number in 0..<count { world.write("f\(number)", "content \(number)") }
        world.advance(seconds: 60)
        try await world.run()
        return world
    }

    /// Everything in the index that decides what a cycle does.
    private func memory(_ world: World) async throws -> [String] {
        let folder = try #require(try await world.index.memory(of: world.folder))
        let entries = try await world.index.agreed(folder.id, after: nil, limit: 10_000)
        let attention = try await world.index.attention(folder.id, after: nil, limit: 10_000)
        let problems = try await world.index.problems(folder.id, limit: 100)
        return ["\(folder)"] + entries.map { "\($0)" } + attention.map { "\($0)" } + problems.map { "\($0)" }
    }

    @Test func `verifying changes neither side, nor the index, nor what the next cycle does`() async throws {
        let world = try await synced()
        world.rot("f0", "Content 0")
        world.remove("f1")
        world.removeObject("f2")
        world.putObject("f3", "other")
        world.putObject("foreign", "foreign")
        world.write("new", "new")
        let (files, objects, before) = (world.files, world.objects, try await memory(world))
        for readsObjects in [false, true] {
            let report = await world.verify(readsObjects: readsObjects)
            #expect(report.faulty == 4)
            #expect(Set(report.requests.keys).isSubset(of: ["LIST", "HEAD", "GET"]))
        }
        #expect(world.files == files && world.objects == objects)
        #expect(try await memory(world) == before)
    }

    @Test(arguments: [false, true])
    func `a listing in any order and pages finds the same`(listsByDirectory: Bool) async throws {
        let world = try await synced(count: 1, pageSize: 2, listsByDirectory: listsByDirectory)
        for name in ["a-", "a/x", "a/y", "a0", "b", "b/c"] where name != "b" { world.write(name, name) }
        try await world.run()
        world.advance(seconds: 60)
        world.removeObject("a/y")
        let report = await world.verify()
        #expect(report.entries == 6 && report.verified == 5)
        #expect(report.findings.map { String(decoding: $0.path.bytes, as: UTF8.self) } == ["a/y"])
    }

    @Test func `what was never agreed on is not looked at, and neither is what is excluded`() async throws {
        let world = try await synced()
        world.write("new", "new")
        world.putObject("foreign", "foreign")
        world.exclude(["f4"])
        world.removeObject("f4")
        let report = await world.verify()
        #expect(report.entries == 4 && report.verified == 4)
    }

    @Test func `a listing that breaks off proves nothing missing`() async throws {
        let world = try await synced(count: 12, pageSize: 5)
        world.failListing(onPage: 2)
        let report = await world.verify()
        #expect(report.failure?.code == .incompleteListing)
        #expect(report.entries == 0 && report.findings.isEmpty)
    }

    @Test(
        arguments: [
            (.accessDenied, .refused), (.credentialsRefused, .credentialsRefused), (.unreachable, .unreachable),
            (.noSuchBucket, .noSuchBucket),
        ] as [(StoreError.Code, CycleFailure.Code)]
    )
    func `a bucket that cannot be listed is the failure of the whole`(
        code: StoreError.Code,
        expected: CycleFailure.Code
    ) async throws {
        let world = try await synced()
        world.store.before = { _, _ throws(StoreError) in throw StoreError(code: code, message: "words") }
        #expect(await world.verify().failure?.code == expected)
    }

    @Test func `a service that goes away stops it, and what was found is told`() async throws {
        let world = try await synced()
        world.concurrency = 1
        world.rot("f0", "Content 0")
        world.store.before = { request, name throws(StoreError) in
            guard request == "GET", name == Array("f2".utf8) else { return }
            throw StoreError(code: .unreachable, message: "gone away")
        }
        let report = await world.verify(readsObjects: true)
        #expect(report.failure?.code == .unreachable)
        #expect(report.findings.map(\.kind) == [.rotten] && report.entries == 2)
    }

    @Test func `a folder that was never synced is a failure and not all well`() async throws {
        let world = try World(direction: .up)
        world.write("a", "a")
        #expect(await world.verify().failure?.code == .neverSynced)
        _ = await world.plan()
        #expect(await world.verify().failure?.code == .neverSynced)
    }

    @Test func `another pair under the name leaves what is known of the first`() async throws {
        let world = try await synced()
        world.folder.bucket = "another"
        #expect(await world.verify().failure?.code == .neverSynced)
        world.folder.bucket = "bucket"
        #expect(await world.verify().verified == 5)
    }

    @Test func `a root that is missing or another halts it before anything is missed`() async throws {
        let world = try await synced()
        world.replaceRoot()
        let report = await world.verify()
        guard case .rootReplaced = report.halt?.reason else {
            Issue.record("halt is \(String(describing: report.halt))")
            return
        }
        #expect(report.entries == 0 && report.requests.isEmpty)
        world.removeRoot()
        #expect(await world.verify().halt?.reason == .rootMissing)
    }

    @Test func `a halted folder's waiting changes are still there to be approved`() async throws {
        let world = try await synced(count: 20)
        for number in 0..<19 { world.remove("f\(number)") }
        #expect(try await world.run().halt != nil)
        #expect(await world.verify().faulty == 19)
        #expect(try await world.approve().changes == [.deleteRemote: 19])
    }

    @Test func `a stop ends it between two pieces of a file, and what was found is told`() async throws {
        let world = try await synced()
        world.concurrency = 1
        world.rot("f0", "Content 0")
        world.fileSystem.before = { operation, path in
            if operation == "read", path == Array("f2".utf8) { world.stop.request() }
        }
        let report = await world.verify()
        #expect(report.failure?.code == .interrupted)
        #expect(report.findings.map(\.kind) == [.rotten] && report.entries == 2)
    }
}
