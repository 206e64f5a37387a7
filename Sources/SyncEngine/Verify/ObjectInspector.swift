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
    /// What reads the bytes; nil where they are not wanted.
    let reader: ObjectReader?

    /// What is known of the object before its bytes are read.
    private struct Known {
        /// Nil where the listing said enough.
        var details: ObjectDetails?
        var state: RemoteState
        let base: ContentDigest?

        func look(_ bytes: ContentDigest?) -> ObjectLook {
            details.map { .present($0, bytes: bytes) } ?? .asBase(bytes: bytes)
        }

        /// Whether the bytes are those that the object is said to have.
        func relation(to bytes: ContentDigest) -> ContentRelation {
            details.map { $0.relation(to: bytes) } ?? bytes.relation(to: base)
        }
    }

    /// `fetched` is raised by the bytes that came.
    /// - Throws: ``CycleFailure`` for what concerns more than this object, `CancellationError`.
    func look(
        at path: RelativePath,
        base: BaseState,
        mark: ListingMarks.Mark,
        fetched: inout Int64
    ) async throws -> ObjectLook {
        do {
            var known = Known(details: nil, state: base.remote, base: base.digest)
            switch mark {
            case .absent: return .gone
            case .settled: break
            case .other: try await head(path, &known)
            }
            guard let reader else { return known.look(nil) }
            for _ in 0..<ContentComparer.maximumTries {
                do {
                    return known.look(try await read(path, known, by: reader, &fetched))
                } catch let error as StoreError where error.mayBeOfAnotherVersion {
                    let before = known.state
                    try await head(path, &known)
                    if known.state == before { throw error }
                }
            }
            return .restless
        } catch let error as StoreError {
            if error.code == .notFound { return .gone }
            if let failure = CycleFailure(fatal: error) { throw failure }
            return .unreadable(error.message)
        }
    }

    private func head(_ path: RelativePath, _ known: inout Known) async throws(StoreError) {
        let details = try await store.head(path.bytes)
        known.details = details
        known.state = details.state
    }

    /// The digest of the bytes. What is not as it should be is read twice: the way here can do damage, too.
    private func read(
        _ path: RelativePath,
        _ known: Known,
        by reader: ObjectReader,
        _ fetched: inout Int64
    ) async throws -> ContentDigest {
        let first = try await reader.digest(of: path, known.state, as: known.base)
        fetched += known.state.size
        switch known.relation(to: first) {
        case .same, .unsettled:
            return first
        case .different:
            let second = try await reader.digest(of: path, known.state, as: known.base)
            fetched += known.state.size
            return second
        }
    }
}

extension StoreError {
    /// A service that ignores the condition may have sent other bytes, and more of them, than were expected.
    fileprivate var mayBeOfAnotherVersion: Bool {
        switch code {
        case .preconditionFailed, .malformedAnswer, .rangeIgnored: true
        case .notFound, .accessDenied, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown, .badDigest,
            .uploadGone, .partsRefused, .archived, .localFile, .cancelled, .refused:
            false
        }
    }
}
