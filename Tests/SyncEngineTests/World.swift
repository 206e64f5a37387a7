import SyncEngine
import TestSupport
import Testing

/// One folder with both its sides in memory, the real index and the real engine. Names are text, as tests write them.
final class World {
    let clock = ManualClock()
    let trace = Trace()
    let fileSystem: FakeFileSystem
    let store: FakeObjectStore
    let index: SQLiteIndex
    var folder: Folder
    var concurrency = 4
    var parts: PartPolicy
    /// What happens to the calls across the seams.
    let seams = SeamPlan()
    private let random: SeededRandom
    /// Given to all cycles that are made from now on.
    var stop = StopSignal()
    /// Not nil where cycles are those of one process that goes on.
    var share: FolderShare?

    init(
        direction: Direction,
        deletes: Bool = false,
        listPageSize: Int = 1_000,
        listsByDirectory: Bool = false,
        foldsBackslashes: Bool = false,
        parts: PartPolicy = .standard,
        seed: UInt64 = 1
    ) throws {
        fileSystem = FakeFileSystem(clock: clock, trace: trace)
        store = FakeObjectStore(clock: clock, trace: trace)
        index = try SQLiteIndex(path: nil, observer: seams)
        self.parts = parts
        random = SeededRandom(seed: seed)
        folder = Folder(
            name: "test",
            root: Array("/root".utf8),
            endpoint: "http://test",
            bucket: "bucket",
            prefix: [],
            policy: Policy(direction: direction, deletes: deletes)
        )
        store.configure {
            $0.pageSize = listPageSize
            $0.listsByDirectory = listsByDirectory
            $0.foldsBackslashes = foldsBackslashes
        }
    }

    var cycle: SyncCycle { SyncCycle(context) }

    var context: CycleContext {
        CycleContext(
            folder: folder,
            files: ObservedFileSystem(fileSystem, observer: seams),
            store: ObservedStore(store, observer: seams),
            index: index,
            clock: clock,
            random: random,
            stop: stop,
            concurrency: concurrency,
            parts: parts,
            share: share ?? FolderShare()
        )
    }

    @discardableResult
    func run(_ scope: CycleScope = .whole) async throws -> CycleReport { await cycle.run(scope) }

    /// What a daemon does when its watcher names these paths.
    @discardableResult
    func react(_ names: String...) async throws -> CycleReport {
        await cycle.run(.reaction(to: names.map { RelativePath(unchecked: Array($0.utf8), in: nil) }))
    }

    /// Runs a cycle of a new world with `act` just before its first call across the seams, of another one before its second,
    /// and so on to the last; and shows each to `check`, with the number of the call.
    static func beforeEachCall(
        _ make: () async throws -> World,
        _ act: @escaping (World) -> Void,
        _ check: (World, Int) async throws -> Void
    ) async throws {
        for call in 1...1_000 {
            let world = try await make()
            world.seams.onHit = { act(world) }
            world.seams.plan(.act(call: call))
            _ = try await world.run()
            world.seams.onHit = nil
            guard world.seams.hit != nil else {
                #expect(call > 10, "hardly any call")
                return
            }
            world.seams.plan(nil)
            try await check(world, call)
        }
        Issue.record("the calls did not come to an end")
    }

    func plan() async -> CycleReport { await cycle.plan(limit: 1_000) }

    @discardableResult
    func approve() async throws -> Approval { try await OperatorWishes(context).approve() }

    func verify(readsObjects: Bool = false) async -> VerifyReport {
        await Verifier(context, readsObjects: readsObjects).run()
    }

    func advance(seconds: Int64) { clock.advance(seconds: seconds) }

    func exclude(_ patterns: [String]) { folder.exclude = patterns }

    // MARK: The local side

    func write(_ name: String, _ content: String) { write(bytes: Array(name.utf8), content) }

    func write(bytes: [UInt8], _ content: String) { fileSystem.write(bytes, Array(content.utf8)) }

    func remove(_ name: String) { fileSystem.remove(Array(name.utf8)) }

    func touch(_ name: String) { fileSystem.change(Array(name.utf8), modified: clock.now()) }

    func rewriteKeepingModificationTime(_ name: String, _ content: String) {
        fileSystem.change(Array(name.utf8), content: Array(content.utf8))
    }

    func rot(_ name: String, _ content: String) { fileSystem.rot(Array(name.utf8), content: Array(content.utf8)) }

    func place(_ kind: FileStatus.Kind, at name: String) { fileSystem.place(kind, at: Array(name.utf8)) }

    func removeRoot() { fileSystem.removeRoot() }
    func replaceRoot() { fileSystem.replaceRoot() }
    func fillDisk() { fileSystem.setFull(true) }

    /// Files that are the user's.
    var files: [String: String] { text(fileBytes) }

    var fileBytes: [[UInt8]: [UInt8]] {
        fileSystem.contents.filter { !$0.key.split(separator: 0x2F).contains { $0.starts(with: Self.reserved) } }
    }

    private static let reserved = Array(".syncd".utf8)

    /// What the trash holds, by the paths that it had.
    var trash: [String: String] {
        var trash: [String: String] = [:]
        for (path, content) in text(fileSystem.contents) where path.hasPrefix(".syncd-trash/") {
            trash[path.split(separator: "/").dropFirst(2).joined(separator: "/")] = content
        }
        return trash
    }

    var temporaryFiles: [String] {
        text(fileSystem.contents).keys.filter { $0.hasSuffix(".tmp") && $0.contains(".syncd.") }
    }

    func hasDirectory(_ name: String) -> Bool { fileSystem.status(ofText: name)?.kind == .directory }
    func modificationTime(_ name: String) -> Int64? { fileSystem.status(ofText: name)?.state.modified.nanoseconds }
    func mode(_ name: String) -> UInt16? { fileSystem.status(ofText: name)?.state.mode }

    // MARK: The remote side

    /// `noting` is the content whose digest the object's metadata is to state.
    func putObject(
        _ name: String,
        _ content: String,
        modified: Int64? = nil,
        mode: UInt16? = nil,
        etag: String? = nil,
        noting noted: String? = nil
    ) {
        store.set(
            Array(name.utf8),
            Array(content.utf8),
            modified: modified.map { UnixTime(nanoseconds: $0) },
            mode: mode,
            etag: etag,
            noted: noted.map { FakeObjectStore.digest(Array($0.utf8)) }
        )
    }

    /// Changes an object's bytes and nothing that the store says of it.
    func rotObject(_ name: String, _ content: String) { store.rot(Array(name.utf8), Array(content.utf8)) }

    func removeObject(_ name: String) { store.set(Array(name.utf8), nil) }

    func removeAllObjects() { for name in store.contents.keys { store.set(name, nil) } }

    var objects: [String: String] { text(store.contents) }

    func failListing(onPage page: Int) { store.configure { $0.failingPage = page } }
    func healListing() { store.configure { $0.failingPage = nil } }
    func refuseDeletes() { store.configure { $0.refusesDeletes = true } }
    func allowDeletes() { store.configure { $0.refusesDeletes = false } }
    func damageDownloads(_ name: String) { store.configure { $0.damaged = Array(name.utf8) } }

    /// Does something just before the first `times` uploads of an object.
    func beforePut(_ name: String, times: Int, _ body: @escaping () -> Void) {
        var rest = times
        store.beforePut = { own in
            guard own == Array(name.utf8), rest > 0 else { return }
            rest -= 1
            body()
        }
    }

    /// Does something just before the first `times` downloads of an object.
    func beforeGet(_ name: String, times: Int, _ body: @escaping () -> Void) {
        var rest = times
        store.beforeGet = { own in
            guard own == Array(name.utf8), rest > 0 else { return }
            rest -= 1
            body()
        }
    }

    private func text(_ contents: [[UInt8]: [UInt8]]) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, content) in contents {
            texts[String(decoding: name, as: UTF8.self)] = String(decoding: content, as: UTF8.self)
        }
        return texts
    }
}
