import Testing

@testable import SyncEngine

/// A cycle and a reaction side by side never work on one path.
struct PathClaimsTests {
    private func path(_ text: String) -> RelativePath { RelativePath(unchecked: Array(text.utf8), in: nil) }

    @Test func `what the cycle works on a reaction leaves, and says so`() {
        let claims = PathClaims()
        claims.begin(.cycle)
        claims.begin(.reaction)
        #expect(claims.claim(path("a"), for: .cycle))
        #expect(!claims.claim(path("a"), for: .reaction))
        #expect(claims.claim(path("b"), for: .reaction))
        #expect(claims.deferred == [path("a")])
        claims.release(path("a"), by: .cycle)
        #expect(claims.claim(path("a"), for: .reaction))
        claims.end(.reaction)
        claims.begin(.reaction)
        #expect(claims.deferred.isEmpty)
    }

    @Test func `what a reaction worked on since the cycle began is not the cycle's any more`() {
        let claims = PathClaims()
        claims.begin(.cycle)
        claims.begin(.reaction)
        #expect(claims.claim(path("a"), for: .reaction))
        #expect(!claims.claim(path("a"), for: .cycle))
        claims.release(path("a"), by: .reaction)
        claims.end(.reaction)
        #expect(!claims.claim(path("a"), for: .cycle), "the cycle read the entry as it was before")
        #expect(claims.claim(path("b"), for: .cycle))
        claims.end(.cycle)
        claims.begin(.cycle)
        #expect(claims.claim(path("a"), for: .cycle), "the next one reads it anew")
    }

    @Test func `what a cycle held is free when it has ended, however it did`() {
        let claims = PathClaims()
        claims.begin(.cycle)
        #expect(claims.claim(path("a"), for: .cycle))
        claims.end(.cycle)
        claims.begin(.reaction)
        #expect(claims.claim(path("a"), for: .reaction))
        claims.begin(.cycle)
        #expect(!claims.claim(path("a"), for: .cycle), "a reaction that began before still works on it")
        claims.release(path("a"), by: .reaction)
        #expect(!claims.claim(path("a"), for: .cycle), "and what came of it may not be recorded yet")
    }
}
