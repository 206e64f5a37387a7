import SyncEngine
import TestSupport
import Testing

/// Uploads in parts, by whole cycles. Files of 8 bytes and more travel in parts of 4.
struct MultipartTests {
    private let world: World

    init() throws {
        world = try World(direction: .up, deletes: true, parts: PartPolicy(threshold: 8, minimumPartSize: 4))
    }

    private let large = "abcdefghijklmnopqrstuvwxyz"

    private func expectIdle() async throws {
        world.advance(seconds: 60)
        try await world.run()
        world.advance(seconds: 60)
        let last = try await world.run()
        #expect(Set(last.record.requests.keys) == ["LIST"])
        #expect(last.record.result == .inSync)
        #expect(world.store.unfinished.isEmpty)
    }

    /// Runs a cycle that ends at the `number`th request of a kind, as if the process had died.
    private func interrupt(at request: String, number: Int) async throws {
        var rest = number
        world.store.before = { own, _ throws(StoreError) in
            if own == request { rest -= 1 }
            if rest <= 0 { throw StoreError(code: .unreachable, message: "the network is away") }
        }
        try await world.run()
        world.store.before = nil
    }

    @Test func `a large file goes up in parts, with its time and mode, and nothing is left of the upload`() async throws
    {
        world.write("large", large)
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(world.objects == ["large": large])
        #expect(report.record.requests["PART"] == 7)
        #expect(report.record.bytesUp == 26)
        try await expectIdle()
    }

    @Test(arguments: [7, 8, 9, 11, 12, 13])
    func `every size about the threshold and the ends of parts goes up whole`(size: Int) async throws {
        let content = String(large.prefix(size))
        world.write("f", content)
        try await world.run()
        #expect(world.objects == ["f": content])
        try await expectIdle()
    }

    @Test func `a touched large file costs no upload`() async throws {
        world.write("large", large)
        try await world.run()
        world.advance(seconds: 60)
        world.touch("large")
        let report = try await world.run()
        #expect(report.record.uploaded == 0 && report.record.requests["PART"] == nil)
        try await expectIdle()
    }

    @Test func `an interrupted upload goes on with the parts that are missing`() async throws {
        world.concurrency = 1
        world.write("large", large)
        try await interrupt(at: "PART", number: 5)
        #expect(world.store.bytesUp == 16)
        #expect(world.objects.isEmpty)
        let report = try await world.run()
        #expect(report.record.requests["PART"] == 3)
        #expect(world.store.bytesUp == 26)
        #expect(world.objects == ["large": large])
        try await expectIdle()
    }

    @Test func `where parts may not be listed, an upload goes on by what was saved here`() async throws {
        world.concurrency = 1
        world.store.configure { $0.parts.refusesListing = true }
        world.write("large", large)
        try await interrupt(at: "PART", number: 5)
        try await world.run()
        #expect(world.store.bytesUp == 26)
        #expect(world.objects == ["large": large])
        try await expectIdle()
    }

    @Test func `parts of a file that changed since are not used, and the old upload is aborted`() async throws {
        world.concurrency = 1
        world.write("large", large)
        try await interrupt(at: "PART", number: 5)
        world.advance(seconds: 1)
        world.rewriteKeepingModificationTime("large", large.uppercased())
        try await world.run()
        #expect(world.objects == ["large": large.uppercased()])
        try await expectIdle()
    }

    @Test func `the upload of a file that has gone is aborted`() async throws {
        world.concurrency = 1
        world.write("large", large)
        world.write("other", "x")
        try await interrupt(at: "PART", number: 3)
        #expect(world.store.unfinished.count == 1)
        world.remove("large")
        try await world.run()
        try await expectIdle()
    }

    @Test func `an abort that is denied is told once, and stops nothing`() async throws {
        world.concurrency = 1
        world.store.configure { $0.parts.refusesAbort = true }
        world.write("a", large)
        world.write("b", large)
        try await interrupt(at: "PART", number: 3)
        world.write("a", "now small")
        world.write("b", "small")
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(report.warnings.count == 1)
        #expect(report.warnings[0].contains("lifecycle"))
        #expect(world.objects == ["a": "now small", "b": "small"])
    }

    @Test func `an upload whose id was lost is found and aborted, and those of others are left alone`() async throws {
        let foreign = world.store.beginForeignUpload(Array("large".utf8))
        let longer = world.store.beginForeignUpload(Array("large2".utf8))
        world.advance(seconds: 10)
        world.write("large", large)
        // The answer to the wish to begin never comes: the process dies.
        world.store.after = { request, _ in
            if request == "CREATE" { self.world.seams.plan(.crash(effect: 1)) }
        }
        try await world.run()
        world.store.after = nil
        world.seams.plan(nil)
        #expect(world.store.unfinished.count == 3)
        try await world.run()
        #expect(world.objects == ["large": large])
        #expect(world.store.unfinished == [Array("large".utf8), Array("large2".utf8)])
        #expect(foreign != longer)
    }

    @Test func `an upload that the store forgot is begun anew`() async throws {
        world.concurrency = 1
        world.write("large", large)
        try await interrupt(at: "PART", number: 5)
        world.store.forgetUploads()
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(world.objects == ["large": large])
        try await expectIdle()
    }

    @Test func `a lost answer to the wish to complete costs no part`() async throws {
        world.write("large", large)
        world.seams.plan(.loseFirstAnswer(to: "completeUpload"))
        let report = try await world.run()
        #expect(world.seams.hit != nil)
        #expect(report.record.result == .inSync)
        #expect(world.store.bytesUp == 26)
        #expect(world.objects == ["large": large])
        try await expectIdle()
    }

    @Test(arguments: [false, true])
    func `ETags that say nothing of the parts, or are the MD5 of the whole, are believed`(isPlain: Bool) async throws {
        world.store.configure {
            $0.parts.plainTags = isPlain
            $0.parts.opaqueTags = !isPlain
        }
        world.write("large", large)
        let report = try await world.run()
        #expect(report.record.result == .inSync)
        #expect(world.store.bytesUp == 26)
        world.advance(seconds: 60)
        world.touch("large")
        try await expectIdle()
        #expect(world.store.bytesUp == 26)
    }

    @Test(arguments: 1...7)
    func `a file that changes at any part is not recorded, and goes again whole`(part: Int) async throws {
        world.concurrency = 1
        world.write("large", large)
        var seen = 0
        world.store.beforePut = { _ in
            seen += 1
            if seen == part { self.world.rewriteKeepingModificationTime("large", self.large.uppercased()) }
        }
        try await world.run()
        #expect(world.objects == ["large": large.uppercased()])
        try await expectIdle()
    }

    @Test func `a file that never holds still is busy, and nothing is left of its uploads`() async throws {
        world.write("large", large)
        world.store.beforePut = { _ in self.world.rewriteKeepingModificationTime("large", self.large) }
        let report = try await world.run()
        #expect(report.problems.map(\.problem.kind) == [.busy])
        #expect(world.objects.isEmpty)
        #expect(world.store.unfinished.isEmpty)
    }

    @Test func `parts listed twice by the store do not confuse a resumed upload`() async throws {
        world.concurrency = 1
        world.store.configure { $0.parts.listsOldPartsToo = true }
        world.write("large", large)
        try await interrupt(at: "PART", number: 5)
        try await world.run()
        #expect(world.objects == ["large": large])
        try await expectIdle()
    }

    @Test func `small files are not kept waiting by large ones`() async throws {
        world.concurrency = 2
        for number in 0..<6 { world.write("a-large-\(number)", large) }
        for number in 0..<6 { world.write("small-\(number)", "s") }
        let cycle = world.cycle
        let report = SimulationExecutor(seed: 3).run { await cycle.run() }
        #expect(report.record.uploaded == 12)
        let ended = world.trace.lines.filter { $0.hasPrefix("PUT ") || $0.hasPrefix("COMPLETE ") }
        let firstSmall = try #require(ended.firstIndex { $0.hasPrefix("PUT ") })
        let lastLarge = try #require(ended.lastIndex { $0.hasPrefix("COMPLETE ") })
        #expect(firstSmall < lastLarge, "\(ended)")
    }
}
