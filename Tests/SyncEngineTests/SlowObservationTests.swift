import SyncEngine
import TestSupport
import Testing

/// A listing or a walk that takes minutes, while transfers and deletes that began later are long done: what it saw first
/// never overrules them.
struct SlowObservationTests {
    private static let names = ["a", "b", "c/d", "e", "f"]

    /// The bucket, page by page, as a listing would have shown it now.
    private func pages(of world: World, folder: Int64) async throws -> [[RemoteObservation]] {
        var pages: [[RemoteObservation]] = []
        var continuation: String?
        repeat {
            let page = try await world.store.list(NameQuery(continuation: continuation))
            pages.append(
                try page.objects.map { RemoteObservation(path: try RelativePath($0.name), state: $0.state) }
            )
            continuation = page.continuation
        } while continuation != nil
        return pages
    }

    private func folder(_ world: World) async throws -> Int64 {
        try await world.index.open(world.folder).id
    }

    private let nothingUnseen = Unseen(unknown: [], isExcluded: { _ in false })

    @Test func `a slow listing overrules no upload and no delete`() async throws {
        let world = try World(direction: .up, deletes: true, listPageSize: 2)
        world.folder.maxDeletePercent = 100
        for name in Self.names { world.write(name, "old \(name)") }
        world.advance(seconds: 60)
        try await world.run()
        let folder = try await folder(world)
        let number = try await world.index.beginObservation(folder, of: .remote)
        let slow = try await pages(of: world, folder: folder)
        try await world.index.observe(number, remote: slow[0])
        // Minutes pass, in which a younger cycle does all there is to do.
        world.write("a", "new a")
        world.write("g", "new g")
        world.remove("e")
        world.advance(seconds: 600)
        #expect(try await world.run().record.result == .inSync)
        for page in slow[1...] { try await world.index.observe(number, remote: page) }
        try await world.index.completeObservation(number, unseen: nothingUnseen)
        try await expectAtRest(world, ["a": "new a", "b": "old b", "c/d": "old c/d", "f": "old f", "g": "new g"])
    }

    @Test func `a slow walk overrules no download and no delete`() async throws {
        let world = try World(direction: .down, deletes: true)
        world.folder.maxDeletePercent = 100
        for name in Self.names { world.putObject(name, "old \(name)") }
        try await world.run()
        world.advance(seconds: 60)
        try await world.run()
        let folder = try await folder(world)
        let number = try await world.index.beginObservation(folder, of: .local)
        let slow = try Self.names.map { name in
            let status = try #require(world.fileSystem.status(ofText: name))
            return LocalObservation(path: try RelativePath(Array(name.utf8)), state: status.state)
        }
        try await world.index.observe(number, local: Array(slow[..<2]))
        world.putObject("c/d", "new c/d")
        world.putObject("g", "new g")
        world.removeObject("e")
        world.advance(seconds: 600)
        #expect(try await world.run().record.result == .inSync)
        try await world.index.observe(number, local: Array(slow[2...]))
        try await world.index.completeObservation(number, unseen: nothingUnseen)
        try await expectAtRest(world, ["a": "old a", "b": "old b", "c/d": "new c/d", "f": "old f", "g": "new g"])
    }

    /// Nothing was to be done again, and nothing was undone.
    private func expectAtRest(_ world: World, _ content: [String: String]) async throws {
        let moved = (world.store.bytesUp, world.store.bytesDown)
        for _ in 0..<3 {
            world.advance(seconds: 60)
            let report = try await world.run()
            #expect(report.record.result == .inSync)
            #expect(Set(report.record.requests.keys) == ["LIST"])
        }
        #expect(world.files == content && world.objects == content)
        #expect((world.store.bytesUp, world.store.bytesDown) == moved)
    }
}
