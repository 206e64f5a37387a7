import TestSupport
import Testing

@testable import SyncEngine

/// Which directory each watch stands for, whatever moves.
struct WatchTableTests {
    private func path(_ text: String) -> RelativePath { RelativePath(unchecked: Array(text.utf8), in: nil) }

    /// Watches 1 for the root, 2 for `a`, 3 for `a/b`, 4 for `a/b/c` and 5 for `d`.
    private func table() -> WatchTable {
        var table = WatchTable()
        table.beginWalk()
        #expect(table.add(1, at: nil) == [])
        for (watch, name) in [(2, "a"), (3, "a/b"), (4, "a/b/c"), (5, "d")] as [(Int32, String)] {
            #expect(table.add(watch, at: path(name)) == [])
        }
        return table
    }

    @Test func `every watch is found by its path, and every path by its watch`() {
        let table = table()
        #expect(table.count == 5)
        #expect(table.directory(of: 1) == .some(nil))
        #expect(table.directory(of: 4) == path("a/b/c"))
        #expect(table.watch(at: path("a/b")) == 3)
        #expect(table.watch(at: nil) == 1)
        #expect(table.watch(at: path("a/x")) == nil)
        #expect(table.directory(of: 9) == nil)
    }

    @Test func `a directory that is gone takes all beneath it along`() {
        var table = table()
        #expect(table.remove(at: path("a")).sorted() == [2, 3, 4])
        #expect(table.count == 2)
        #expect(table.directory(of: 4) == nil)
        #expect(table.remove(at: path("a")) == [])
        #expect(table.forget(1) == [5])
        #expect(table.count == 0)
        #expect(table.watch(at: nil) == nil)
    }

    @Test func `a directory that was moved is known by its new place only`() {
        var table = table()
        // The kernel answers with the same number for the same directory.
        #expect(table.add(2, at: path("e"))?.sorted() == [3, 4], "what lay in it is found anew")
        #expect(table.directory(of: 2) == path("e"))
        #expect(table.watch(at: path("a")) == nil)
        #expect(table.add(3, at: path("e/b")) == [])
        #expect(table.directory(of: 3) == path("e/b"))
    }

    @Test func `two directories that changed places`() {
        var table = table()
        #expect(table.add(5, at: path("a"))?.sorted() == [2, 3, 4])
        #expect(table.add(2, at: path("d")) == [])
        #expect(table.directory(of: 5) == path("a"))
        #expect(table.directory(of: 2) == path("d"))
        #expect(table.count == 3)
    }

    @Test func `a directory beneath one that is not watched is refused`() {
        var table = table()
        #expect(table.add(9, at: path("x/y")) == nil)
        #expect(table.count == 5)
    }

    @Test func `another root takes the place of the first and of all beneath it`() {
        var table = table()
        #expect(table.add(7, at: nil)?.sorted() == [1, 2, 3, 4, 5])
        #expect(table.directory(of: 7) == .some(nil))
        #expect(table.add(7, at: nil) == [])
        #expect(table.count == 1)
    }

    @Test func `what a walk did not read is dropped at its end`() {
        var table = table()
        table.beginWalk()
        #expect(table.add(1, at: nil) == [])
        #expect(table.add(2, at: path("a")) == [])
        #expect(table.add(6, at: path("new")) == [])
        #expect(table.endWalk().sorted() == [3, 4, 5])
        #expect(table.count == 3)
    }

    /// Against a plain dictionary: random adds, removes and moves.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `any sequence of changes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = WatchTable()
        var known: [String: Int32] = [:]
        var next: Int32 = 1
        _ = table.add(0, at: nil)
        for _ in 0..<300 {
            let names = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                "\(UInt8.random(in: 0...3, using: &random))"
            }
            let text = names.joined(separator: "/")
            switch Int.random(in: 0...3, using: &random) {
            case 0:
                let stale = table.remove(at: path(text))
                let gone = known.filter { $0.key == text || $0.key.hasPrefix("\(text)/") }
                #expect(stale.sorted() == gone.values.sorted())
                for name in gone.keys { known[name] = nil }
            default:
                let parent = names.dropLast().joined(separator: "/")
                let isWatched = names.count == 1 || known[parent] != nil
                let watch = known[text] ?? next
                next += 1
                #expect((table.add(watch, at: path(text)) != nil) == isWatched)
                if isWatched { known[text] = watch }
            }
            #expect(table.count == known.count + 1)
            for (name, watch) in known { #expect(table.directory(of: watch) == path(name), "seed \(seed)") }
        }
    }
}
