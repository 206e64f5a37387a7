/// What asking for an object, or reading it, came to. `bytes` is the digest of what was read, nil where it was not.
enum ObjectLook: Sendable {
    /// As base by the listing.
    case asBase(bytes: ContentDigest?)
    case present(ObjectDetails, bytes: ContentDigest?)
    /// Another each time it was read.
    case restless
    case gone
    /// Unknown, and why: a sentence for the operator.
    case unreadable(String)
}

/// Asks for one object of an entry that is verified, and reads it if that is wanted.
struct ObjectInspector: Sendable {
    let store: any ObjectStore
    /// Whether the bytes are read.
    let reads: Bool

    /// What is known of the object before its bytes are read.
    private struct Known {
        /// Nil where the listing said enough.
        var details: ObjectDetails?
        var state: RemoteState
        /// What the bytes should be; empty if nothing tells.
        var claims: [ContentDigest]

        func look(_ bytes: ContentDigest?) -> ObjectLook {
            details.map { .present($0, bytes: bytes) } ?? .asBase(bytes: bytes)
        }
    }

    /// `fetched` is raised by the bytes that came.
    /// - Throws: ``CycleFailure`` for what concerns more than this object.
    func look(
        at path: RelativePath,
        base: BaseState,
        mark: ListingMarks.Mark,
        fetched: inout Int64
    ) async throws(CycleFailure) -> ObjectLook {
        do throws(StoreError) {
            var known: Known
            switch mark {
            case .absent: return .gone
            case .settled: known = Known(state: base.remote, claims: base.digest.map { [$0] } ?? [])
            case .other: known = try await head(path)
            }
            guard reads else { return known.look(nil) }
            for _ in 0..<ContentComparer.maximumTries {
                do throws(StoreError) {
                    return known.look(try await read(path, known, &fetched))
                } catch {
                    // A service that ignores the condition may have sent more than was expected.
                    guard error.code == .preconditionFailed || error.code == .malformedAnswer else { throw error }
                    let now = try await head(path)
                    if now.state == known.state { throw error }
                    known = now
                }
            }
            return .restless
        } catch {
            if error.code == .notFound { return .gone }
            if let failure = CycleFailure(fatal: error) { throw failure }
            return .unreadable(error.message)
        }
    }

    private func head(_ path: RelativePath) async throws(StoreError) -> Known {
        let details = try await store.head(path.bytes)
        return Known(details: details, state: details.state, claims: details.claims)
    }

    /// The digest of the bytes. What is not as it should be is read twice: the way here can do damage, too.
    private func read(
        _ path: RelativePath,
        _ known: Known,
        _ fetched: inout Int64
    ) async throws(StoreError) -> ContentDigest {
        let first = try await store.digest(of: path.bytes, range: nil, expecting: known.state)
        fetched += known.state.size
        if known.claims.isEmpty || known.claims.contains(first) { return first }
        let second = try await store.digest(of: path.bytes, range: nil, expecting: known.state)
        fetched += known.state.size
        return second
    }
}

extension ObjectDetails {
    /// What the object says that its content is: by its ETag, and by what its writer noted. Empty if it says nothing.
    var claims: [ContentDigest] {
        [etagIsOpaque ? nil : state.etag.contentDigest, notedDigest].compactMap { $0 }
    }
}
