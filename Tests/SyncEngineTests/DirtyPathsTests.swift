import TestSupport
import Testing

@testable import SyncEngine

/// When what changed is looked at.
struct DirtyPathsTests {
    private let start = UnixTime(seconds: 1_800_000_000)

    private func path(_ text: String) -> RelativePath { RelativePath(unchecked: Array(text.utf8), in: nil) }

    private func after(_ milliseconds: Int64) -> UnixTime { start.adding(.milliseconds(milliseconds)) }

    @Test func `what was closed settles soon, what is open later`() {
        var dirty = DirtyPaths()
        dirty.note(path("closed"), .completed, at: start)
        dirty.note(path("open"), .written, at: start)
        #expect(dirty.nextDue == after(200))
        #expect(dirty.oldest == start)
        #expect(dirty.takeSettled(at: after(199)) == nil)
        #expect(dirty.takeSettled(at: after(200)) == .paths([path("closed")]))
        #expect(dirty.takeSettled(at: after(1_999)) == nil)
        #expect(dirty.takeSettled(at: after(2_000)) == .paths([path("open")]))
        #expect(dirty.isEmpty)
        #expect(dirty.nextDue == nil && dirty.oldest == nil)
    }

    @Test func `each write puts it off, but not for ever`() {
        var dirty = DirtyPaths()
        for second in stride(from: Int64(0), to: 59_000, by: 1_000) {
            dirty.note(path("log"), .written, at: after(second))
            #expect(dirty.takeSettled(at: after(second + 999)) == nil)
        }
        dirty.note(path("log"), .written, at: after(59_500))
        #expect(dirty.nextDue == after(60_000))
        #expect(dirty.oldest == start)
        #expect(dirty.takeSettled(at: after(60_000)) == .paths([path("log")]))
    }

    @Test func `a write after the close is open again, and attributes change nothing of that`() {
        var dirty = DirtyPaths()
        dirty.note(path("a"), .completed, at: start)
        dirty.note(path("a"), .attributes, at: after(100))
        #expect(dirty.nextDue == after(300))
        dirty.note(path("a"), .written, at: after(150))
        #expect(dirty.nextDue == after(2_150))
        dirty.note(path("b"), .attributes, at: after(150))
        #expect(dirty.takeSettled(at: after(2_149)) == nil)
        #expect(dirty.takeSettled(at: after(2_150)) == .paths([path("a"), path("b")]))
    }

    @Test func `none is taken out beneath another, and all are in order`() {
        var dirty = DirtyPaths()
        for name in ["b/c", "a-", "a", "a/x/y", "b/d", "a/x"] { dirty.note(path(name), .structure, at: start) }
        #expect(dirty.concerns(path("a/x/y/z")))
        #expect(dirty.concerns(path("b")))
        #expect(!dirty.concerns(path("c")))
        #expect(
            dirty.takeSettled(at: after(200)) == .paths([path("a"), path("a-"), path("b/c"), path("b/d")])
        )
    }

    @Test func `more than can be kept is everything`() {
        var dirty = DirtyPaths()
        for index in 0..<DirtyPaths.maximumPaths { dirty.note(path("\(index)"), .completed, at: start) }
        #expect(!dirty.isEverything)
        dirty.note(path("0"), .completed, at: start)
        #expect(!dirty.isEverything, "one that is known costs nothing")
        dirty.note(path("one more"), .completed, at: after(100))
        #expect(dirty.isEverything)
        #expect(dirty.concerns(path("whatever")))
        #expect(dirty.takeSettled(at: after(2_099)) == nil)
        #expect(dirty.takeSettled(at: after(2_100)) == .everything)
        #expect(dirty.isEmpty)
    }

    @Test func `what is put back when no more can be kept is not forgotten`() {
        for isPutBack in [true, false] {
            var dirty = DirtyPaths()
            for index in 0..<DirtyPaths.maximumPaths { dirty.note(path("\(index)"), .completed, at: start) }
            if isPutBack {
                dirty.putBack(path("x"), at: start, after: .seconds(1))
            } else {
                dirty.noteDue(path("x"), at: start)
            }
            #expect(dirty.concerns(path("x")))
        }
    }

    @Test func `what is put back does not move what waits`() {
        var dirty = DirtyPaths()
        dirty.note(path("a"), .written, at: start)
        dirty.putBack(path("a"), at: start, after: .zero)
        #expect(dirty.nextDue == after(2_000))
        dirty.noteDue(path("a"), at: after(10))
        #expect(dirty.takeSettled(at: after(10)) == .paths([path("a")]))
        dirty.putBack(path("b"), at: start, after: .seconds(1))
        #expect(dirty.nextDue == after(1_000))
    }

    @Test func `a clock that was put back makes nothing wait for ever`() {
        var dirty = DirtyPaths()
        dirty.note(path("a"), .written, at: start)
        #expect(dirty.takeSettled(at: after(-3_600_000)) == .paths([path("a")]))
    }
}
