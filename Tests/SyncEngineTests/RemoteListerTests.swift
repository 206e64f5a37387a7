import Synchronization
import Testing

@testable import SyncEngine

/// Listings that never end are found out.
struct RemoteListerTests {
    /// Answers a listing with pages from a script, by token.
    private struct ScriptedStore: ObjectLister {
        var pages: [String: ObjectPage]

        let listsInByteOrder = true

        func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage {
            pages[query.continuation ?? ""] ?? ObjectPage(objects: [], continuation: nil)
        }
    }

    private func list(_ pages: [String: ObjectPage]) async throws -> Int {
        let lister = RemoteLister(
            store: ScriptedStore(pages: pages),
            rules: IgnoreRules(patterns: []),
            progress: CycleProgress()
        )
        let seen = Atomic(0)
        _ = try await lister.list { seen.add($0.count, ordering: .relaxed) }
        return seen.load(ordering: .relaxed)
    }

    private func page(_ name: String, then next: String?) -> ObjectPage {
        let object = ListedObject(name: Array(name.utf8), state: RemoteState(etag: ETag("e"), size: 1))
        return ObjectPage(objects: [object], continuation: next)
    }

    @Test func `pages are followed to the last`() async throws {
        #expect(try await list(["": page("a", then: "1"), "1": page("b", then: "2"), "2": page("c", then: nil)]) == 3)
    }

    @Test func `a token that was given before ends the listing as broken`() async {
        for pages in [
            ["": page("a", then: "1"), "1": page("b", then: "1")],
            ["": page("a", then: "1"), "1": page("b", then: "2"), "2": page("c", then: "1")],
        ] {
            await #expect(throws: StoreError.self) { try await list(pages) }
        }
    }

    @Test func `empty pages without end are broken, and a few of them are not`() async throws {
        func empty(_ count: Int) -> [String: ObjectPage] {
            var pages = ["": ObjectPage(objects: [], continuation: "1")]
            for number in 1..<count {
                pages["\(number)"] = ObjectPage(objects: [], continuation: "\(number + 1)")
            }
            pages["\(count)"] = page("last", then: nil)
            return pages
        }
        #expect(try await list(empty(50)) == 1)
        await #expect(throws: StoreError.self) { try await list(empty(200)) }
    }
}
