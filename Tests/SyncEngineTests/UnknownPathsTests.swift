import Testing

@testable import SyncEngine

struct UnknownPathsTests {
    private func path(_ text: String) throws -> RelativePath { try RelativePath(Array(text.utf8)) }

    @Test(
        arguments: [
            ("a", true), ("a/b", true), ("a/b/c", true), ("ab", false), ("b", false), ("x/y", true), ("x/yz", false),
            ("x", false),
        ])
    func `a path is covered by itself and by whole segments above it`(text: String, covered: Bool) throws {
        let unknown = UnknownPaths([try path("a"), try path("x/y")])
        #expect(unknown.covers(try path(text)) == covered)
    }

    @Test func `nothing covers nothing`() throws {
        #expect(!UnknownPaths([]).covers(try path("a")))
    }
}
