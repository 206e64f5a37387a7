import Synchronization
import TestSupport
import Testing

@testable import SyncEngine

/// Listings in segments, side by side: whatever the names, the store's order and what is known of them, no object is missed
/// that was there all the time, and none is counted twice.
struct SegmentedListingTests {
    private struct Knowledge: ListingKnowledge {
        var names: [[UInt8]]
        var expected: Int64

        func sample() async throws -> NameSample { NameSample(names, of: expected) }
    }

    /// What a listing showed.
    private final class Seen: Sendable {
        private let names = Mutex<[[UInt8]: Int]>([:])

        func note(_ page: [RemoteObservation]) {
            names.withLock { names in
                for observation in page { names[observation.path.bytes, default: 0] += 1 }
            }
        }

        var all: Set<[UInt8]> { names.withLock { Set($0.keys) } }
        var mostOften: Int { names.withLock { $0.values.max() ?? 0 } }
    }

    private func lister(
        _ store: any ObjectLister,
        knowing names: [[UInt8]],
        of expected: Int,
        lanes: Int = 4
    ) -> RemoteLister {
        RemoteLister(
            store: store,
            rules: IgnoreRules(patterns: []),
            progress: CycleProgress(),
            // Any listing of more than a page takes too long.
            policy: ListingPolicy(lanes: lanes, patience: -1),
            clock: ManualClock(),
            knowledge: Knowledge(names: names, expected: Int64(expected))
        )
    }

    /// Names of a random tree: deep and flat, with many alike, and some that sort between a directory and what it holds.
    private func names(_ count: Int, using generator: inout SeededGenerator) -> Set<[UInt8]> {
        let segments = ["a", "a-", "a0", "ab", "b", "data", "data-1", "data 2", "é", "è", "те", "то", "z"]
        let depth = Int.random(in: 0...3, using: &generator)
        return Set(
            (0..<count).map { number in
                let above = (0..<Int.random(in: 0...depth, using: &generator)).map { _ in
                    segments.randomElement(using: &generator) ?? "a"
                }
                let name = "\(segments.randomElement(using: &generator) ?? "a")\(number % 97)"
                return Array((above + [name]).joined(separator: "/").utf8)
            }
        ).union(
            // Directories that bear the names of objects, and what no file can be called.
            Bool.random(using: &generator)
                ? ["a", "a/", "a//b", "/x", "data/b", "data/b/", "data/b/c/"].map { Array($0.utf8) } : []
        )
    }

    private func store(_ names: Set<[UInt8]>, pageSize: Int, byDirectory: Bool) -> FakeObjectStore {
        let store = FakeObjectStore(clock: ManualClock())
        store.configure {
            $0.pageSize = pageSize
            $0.listsByDirectory = byDirectory
        }
        for name in names { store.set(name, Array("x".utf8)) }
        return store
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `every object is seen, and counted once`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let names = names(Int.random(in: 1...300, using: &generator), using: &generator)
        let byDirectory = Bool.random(using: &generator)
        let store = store(names, pageSize: Int.random(in: 1...40, using: &generator), byDirectory: byDirectory)
        // What the index knows may be little, or of other days.
        let known = names.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }.map { $0 }
        let knows = Bool.random(using: &generator)
        let seen = Seen()
        let lister = lister(store, knowing: knows ? known : [], of: knows ? names.count : 0)
        let summary = try await lister.list { seen.note($0) }
        let files = names.filter { if case .file = RemoteName($0, size: 1) { true } else { false } }
        #expect(seen.all == files, "seed \(seed)")
        #expect(summary.objects == Int64(files.count), "seed \(seed)")
        let inTurn = try await lister.listInTurn { _ in }
        #expect(summary.problems == inTurn.sorted.problems && summary.skipped == inTurn.skipped, "seed \(seed)")
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `objects that come and go meanwhile hide none that stays`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let all = names(200, using: &generator)
        let staying = all.filter { _ in Int.random(in: 0..<2, using: &generator) == 0 }
        let byDirectory = seed % 2 == 0
        let store = store(all, pageSize: 7, byDirectory: byDirectory)
        let others = Array(all.subtracting(staying)).sorted { bytesPrecede($0, $1) }
        let random = Mutex(generator)
        store.before = { _, _ throws(StoreError) in
            for _ in 0..<3 {
                guard let name = random.withLock({ others.randomElement(using: &$0) }) else { return }
                store.set(name, random.withLock { Bool.random(using: &$0) } ? Array("y".utf8) : nil)
            }
        }
        let seen = Seen()
        _ = try await lister(store, knowing: Array(staying), of: all.count).list { seen.note($0) }
        let files = staying.filter { if case .file = RemoteName($0, size: 1) { true } else { false } }
        #expect(seen.all.isSuperset(of: files), "seed \(seed)")
    }

    @Test func `a store that is taken for one in byte order, and is none, loses no object`() async throws {
        /// Says what is not so.
        struct Liar: ObjectLister {
            let store: FakeObjectStore
            let listsInByteOrder = true

            func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage { try await store.list(query) }
        }
        for seed in 0..<100 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let names = names(300, using: &generator)
            let liar = Liar(store: store(names, pageSize: 5, byDirectory: true))
            let lister = lister(liar, knowing: Array(names), of: names.count)
            let seen = Seen()
            _ = try await lister.list { seen.note($0) }
            let files = names.filter { if case .file = RemoteName($0, size: 1) { true } else { false } }
            #expect(seen.all == files, "seed \(seed)")
        }
    }

    @Test func `a listing that is quick, or whose pages are few, goes page after page`() async throws {
        let names = Set((0..<50).map { Array("d\($0 % 5)/\($0)".utf8) })
        let store = store(names, pageSize: 10, byDirectory: true)
        var lister = lister(store, knowing: Array(names), of: names.count)
        lister.policy.patience = 1
        let seen = Seen()
        _ = try await lister.list { seen.note($0) }
        #expect(store.requestCounts["LIST"] == 5 && seen.mostOften == 1)
    }

    @Test func `what a listing in segments leaves in doubt is listed again page after page`() async throws {
        let names = Set((0..<50).map { Array("d\($0 % 5)/\($0)".utf8) })
        let store = store(names, pageSize: 10, byDirectory: true)
        let seen = Seen()
        let lister = lister(store, knowing: Array(names), of: names.count)
        let summary = try await lister.list {
            seen.note($0)
        } isSure: {
            false
        }
        #expect(summary.objects == 50 && seen.all == names)
        #expect(store.requestCounts["LIST", default: 0] > 10)
    }

    @Test func `a store that loses a directory behind a prefix is found out by what the index knows`() async throws {
        /// Shows a directory, and says that there is nothing in it.
        struct Leaky: ObjectLister {
            let store: FakeObjectStore
            let listsInByteOrder = false

            func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage {
                query.start == Array("d3/".utf8)
                    ? ObjectPage(objects: [], continuation: nil) : try await store.list(query)
            }
        }
        let names = Set((0..<50).map { Array("d\($0 % 5)/\($0)".utf8) })
        let whole = store(names, pageSize: 10, byDirectory: true)
        let base = lister(whole, knowing: Array(names), of: names.count)
        let lister = lister(Leaky(store: whole), knowing: Array(names), of: names.count)
        let world = try World(direction: .down)
        let index = world.index
        let folder = try await index.open(world.folder).id
        for isFirst in [true, false] {
            let number = try await index.beginObservation(folder, of: .remote)
            if isFirst {
                _ = try await base.listInTurn { try await index.observe(number, remote: $0) }
            } else {
                _ = try await lister.list {
                    try await index.observe(number, remote: $0)
                } isSure: {
                    try await !index.hasUnseen(number)
                }
            }
            let unseen = Unseen(unknown: [], isExcluded: { _ in false })
            try await index.completeObservation(number, unseen: unseen)
            #expect(try await Set(index.someNames(folder, count: 1_000)) == names)
        }
        #expect(try await index.someNames(folder, count: 10).count <= 10)
    }

    @Test func `a directory that a store shows twice, or in itself, ends in a listing page after page`() async throws {
        /// Repeats directories, and shows each in itself.
        struct Repeating: ObjectLister {
            let store: FakeObjectStore
            let listsInByteOrder = false

            func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage {
                var page = try await store.list(query)
                if query.groupsDirectories {
                    page.directories += page.directories + (query.start.isEmpty ? [] : [query.start])
                }
                return page
            }
        }
        let names = Set((0..<50).map { Array("big/\($0 % 5)/\($0)".utf8) })
        let repeating = Repeating(store: store(names, pageSize: 10, byDirectory: true))
        let lister = lister(repeating, knowing: [], of: 0)
        let seen = Seen()
        let summary = try await lister.list { seen.note($0) }
        #expect(seen.all == names && summary.objects == 50)
    }

    @Test func `a segment that fails fails the listing`() async throws {
        let names = Set((0..<500).map { Array("d\($0 % 50)/\($0)".utf8) })
        let store = store(names, pageSize: 10, byDirectory: true)
        store.before = { _, name throws(StoreError) in
            if name == Array("d7/".utf8) { throw StoreError(code: .unreachable, message: "no answer") }
        }
        await #expect(throws: StoreError.self) {
            _ = try await lister(store, knowing: [], of: 0).list { _ in }
        }
    }

    @Test func `cutting costs few requests more than going page after page`() async throws {
        for (directories, byDirectory) in [(10, true), (1_000, true), (30, false), (1, false)] {
            let count = 30_000
            let names = Set((0..<count).map { Array("d\($0 % directories + 1_000)/f\($0)".utf8) })
            let store = CountingStore(names: names, byDirectory: byDirectory)
            let sample = names.sorted { bytesPrecede($0, $1) }.enumerated().filter { $0.offset % 8 == 0 }.map(\.element)
            let lister = RemoteLister(
                store: store,
                rules: IgnoreRules(patterns: []),
                progress: CycleProgress(),
                policy: ListingPolicy(lanes: 16, patience: -1),
                clock: ManualClock(),
                knowledge: Knowledge(names: sample, expected: Int64(count))
            )
            let seen = Seen()
            _ = try await lister.list { seen.note($0) }
            #expect(seen.all.count == count)
            let requests = store.requests.load(ordering: .relaxed)
            #expect(requests <= count / 1_000 * 13 / 10 + 16, "\(directories) directories")
            // So many directories that hold little are not worth it.
            let isCut = directories < 1_000 || !byDirectory
            #expect(store.mostAtOnce.load(ordering: .relaxed) > 4 || !isCut)
        }
    }

    /// A large bucket, of which a page costs little.
    private final class CountingStore: ObjectLister {
        let requests = Atomic(0)
        let mostAtOnce = Atomic(0)
        private let running = Atomic(0)
        let listsInByteOrder: Bool
        /// In the store's order, each with what it sorts by.
        private let names: [(order: [UInt8], name: [UInt8])]

        init(names: Set<[UInt8]>, byDirectory: Bool) {
            listsInByteOrder = !byDirectory
            self.names = names.map { name in (byDirectory ? name.map { $0 == 0x2F ? 0 : $0 } : name, name) }
                .sorted { bytesPrecede($0.order, $1.order) }
        }

        func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage {
            requests.add(1, ordering: .relaxed)
            let now = running.add(1, ordering: .relaxed).newValue
            mostAtOnce.max(now, ordering: .relaxed)
            for _ in 0..<20 { await Task.yield() }
            defer { running.subtract(1, ordering: .relaxed) }
            var index = query.continuation.flatMap(Int.init) ?? 0
            if query.continuation == nil, let after = query.after {
                index = names.firstIndex { bytesPrecede(after, $0.name) } ?? names.count
            }
            var page = ObjectPage(objects: [], continuation: nil)
            while index < names.count {
                if page.objects.count + page.directories.count == 1_000 {
                    page.continuation = String(index)
                    break
                }
                let name = names[index].name
                index += 1
                guard name.starts(with: query.start) else { continue }
                guard query.groupsDirectories, let slash = name[query.start.count...].firstIndex(of: 0x2F) else {
                    page.objects.append(ListedObject(name: name, state: RemoteState(etag: ETag("e"), size: 1)))
                    continue
                }
                let directory = Array(name[...slash])
                if page.directories.last != directory { page.directories.append(directory) }
            }
            return page
        }
    }
}
