import SyncEngine
import TestSupport
import Testing

/// The wish to stop: what is under way ends and is saved, nothing new begins.
struct StopTests {
    @Test func `parts under way are saved, no further one begins, and the next cycle sends the rest`() async throws {
        let world = try World(direction: .up, parts: PartPolicy(threshold: 8, minimumPartSize: 4))
        world.concurrency = 1
        world.write("large", "abcdefghijklmnopqrstuvwxyz")
        var seen = 0
        let stop = world.stop
        world.store.beforePut = { _ in
            seen += 1
            if seen == 3 { stop.request() }
        }
        let report = try await world.run()
        #expect(report.record.result == .interrupted)
        #expect(seen == 3)
        #expect(report.record.bytesUp == 12)
        world.store.beforePut = nil
        world.stop = StopSignal()
        try await world.run()
        #expect(world.store.bytesUp == 26)
        #expect(world.objects.count == 1)
    }

    @Test func `transfers under way are recorded, and no further one begins`() async throws {
        let world = try World(direction: .up)
        world.concurrency = 1
        for number in 0..<9 { world.write("f\(number)", "content") }
        let stop = world.stop
        world.store.beforePut = { name in
            if name == Array("f4".utf8) { stop.request() }
        }
        let report = try await world.run()
        #expect(report.record.result == .interrupted)
        #expect(world.objects.count == 5)
        #expect(report.counts.entries == 5)
    }

    @Test func `a listing ends at the page under way, and nothing is concluded from it`() async throws {
        let world = try World(direction: .down, deletes: true, listPageSize: 2)
        for number in 0..<9 { world.putObject("f\(number)", "content") }
        try await world.run()
        let stop = world.stop
        var pages = 0
        world.store.before = { request, _ throws(StoreError) in
            if request == "LIST" { pages += 1 }
            if pages == 2 { stop.request() }
        }
        let report = try await world.run()
        #expect(report.record.result == .interrupted)
        #expect(pages == 2)
        #expect(world.files.count == 9)
    }
}
