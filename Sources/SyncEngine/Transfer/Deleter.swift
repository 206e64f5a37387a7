/// Deletes on one side what is gone on the other, after looking at both facts again.
struct Deleter: Sendable {
    let files: any FileSystem
    let store: any ObjectStore
    let trash: Trash
    /// Whether objects must be looked at first, because no listing of this cycle has seen them.
    let looksFirst: Bool
    /// Whether each delete names the version that may go, and the store looks at it: then no look before is needed.
    let isGuarded: Bool
    /// The root's: what a file system mounted beneath it hides is not absent. Nil where it is not known.
    let device: UInt64?

    /// What deleting one entry came to.
    enum Result: Sendable {
        case deleted(Outcome)
        /// Not deleted, because the world is no longer as it was decided on.
        case failed(Outcome)
        case fatal(CycleFailure)
    }

    /// Deletes up to 1,000 objects, each only if its file is still absent beneath readable directories.
    func deleteRemote(_ entries: [Entry]) async -> [Result] {
        var results: [Result?] = entries.map(reasonToKeepObject)
        if isGuarded {
            await each(of: entries, &results) { await deleteVersion(of: $0) }
        } else if looksFirst {
            await each(of: entries, &results) { await look(at: $0) }
        }
        let doomed = results.indices.filter { results[$0] == nil }
        guard !doomed.isEmpty else { return results.compactMap { $0 } }
        do {
            let answers = try await store.delete(doomed.map { entries[$0].path.bytes })
            for (index, answer) in zip(doomed, answers) {
                switch answer {
                case .deleted:
                    results[index] = .deleted(.removed(entry: entries[index].version))
                case .failed(let error):
                    results[index] = failure(of: entries[index], error)
                }
            }
        } catch {
            for index in doomed { results[index] = failure(of: entries[index], error) }
        }
        return zip(entries, results).map { entry, result in
            result ?? .failed(.failed(entry: entry.version, Self.unanswered(entry.path)))
        }
    }

    /// Requests that look at objects of one batch at once.
    private static let looksAtOnce = 8

    /// Settles what `settle` has a result for, several at once. Who is stopped has not asked for all: what was not asked for
    /// ends the cycle, and never goes with a batch.
    private func each(
        of entries: [Entry],
        _ results: inout [Result?],
        _ settle: @escaping @Sendable (Entry) async -> Result?
    ) async {
        let wanted = results.indices.filter { results[$0] == nil }
        var pending = wanted[...]
        var settled: [(Int, Result?)] = []
        try? await runBounded(limit: Self.looksAtOnce) {
            pending.popFirst()
        } run: { position in
            (position, await settle(entries[position]))
        } finish: {
            settled.append($0)
        }
        for position in wanted { results[position] = .fatal(CycleFailure(of: CancellationError())) }
        for (position, result) in settled { results[position] = result }
    }

    /// Nil if the object is as it was. One that somebody else deleted is nothing that counts for the gates.
    private func look(at entry: Entry) async -> Result? {
        do {
            let now = try await store.stateNow(entry.path.bytes)
            return now == entry.remote ? nil : .failed(.observedRemote(entry: entry.version, now))
        } catch {
            return failure(of: entry, error)
        }
    }

    /// Deletes the version that the index knows, and no other.
    private func deleteVersion(of entry: Entry) async -> Result? {
        guard let remote = entry.remote else { return .deleted(.removed(entry: entry.version)) }
        do {
            try await store.delete(entry.path.bytes, expecting: remote.etag)
            return .deleted(.removed(entry: entry.version))
        } catch {
            switch error.code {
            case .notFound: return .deleted(.removed(entry: entry.version))
            case .preconditionFailed: return await look(at: entry) ?? failure(of: entry, error)
            case .accessDenied, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown, .badDigest, .uploadGone,
                .partsRefused, .rangeIgnored, .malformedAnswer, .archived, .localFile, .cancelled, .refused:
                return failure(of: entry, error)
            }
        }
    }

    private func failure(of entry: Entry, _ error: StoreError) -> Result {
        if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
        return .failed(.failed(entry: entry.version, Problem(remote: entry.path, error: error)))
    }

    private static func hidden(_ path: RelativePath) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .unreadable,
            message: "another file system is mounted above it, and may hide it: it is not taken for deleted"
        )
    }

    private static func unanswered(_ path: RelativePath) -> Problem {
        Problem(
            path: path.bytes,
            side: .remote,
            kind: .refused,
            message: "the service said nothing of this key in its answer to a batch of deletes"
        )
    }

    /// Why the object must stay; nil if its file is as absent as the scan said.
    private func reasonToKeepObject(_ entry: Entry) -> Result? {
        do {
            let status = try files.status(entry.path)
            switch status.kind {
            case .file: return .failed(.observedLocal(entry: entry.version, status.state))
            case .directory: return nil
            case .symbolicLink, .special: return .failed(.left(entry: entry.version))
            }
        } catch {
            switch error.code {
            // A parent that became a file holds nothing either.
            case .notFound, .notDirectory:
                guard let device, mountPoint(above: entry.path, files, device) != nil else { return nil }
                return .failed(.failed(entry: entry.version, Self.hidden(entry.path)))
            case .exists, .isDirectory, .notEmpty, .notRegular, .symbolicLink, .accessDenied, .noSpace,
                .tooManyOpenFiles, .readOnly, .crossDevice, .nameTooLong, .unsupported, .inputOutput, .stale, .other:
                return .failed(.failed(entry: entry.version, Problem(local: entry.path, error: error)))
            }
        }
    }

    /// Moves one file to the trash, if its object is still absent and it is the file that the scan saw.
    func deleteLocal(_ entry: Entry) async -> Result {
        guard let expected = entry.local else { return .failed(.observedLocal(entry: entry.version, nil)) }
        do {
            // Only a 404 is absence: a refusal says nothing.
            if let state = try await store.stateNow(entry.path.bytes) {
                return .failed(.observedRemote(entry: entry.version, state))
            }
        } catch {
            return failure(of: entry, error)
        }
        do {
            let now = try files.status(entry.path)
            guard now.kind == .file, now.state == expected else {
                return .failed(.observedLocal(entry: entry.version, now.kind == .file ? now.state : nil))
            }
            let (moved, place) = try trash.move(entry.path, as: entry.path)
            guard moved.matchesContent(of: expected) else { return putBack(entry, from: place, moved) }
            return .deleted(.removed(entry: entry.version))
        } catch {
            if error.code == .notFound { return .deleted(.removed(entry: entry.version)) }
            return .failed(.failed(entry: entry.version, Problem(local: entry.path, error: error)))
        }
    }

    /// The file was written to between the last look and the rename: it goes back, or stays safe in the trash.
    private func putBack(_ entry: Entry, from place: RelativePath, _ state: LocalState) -> Result {
        do {
            try files.rename(place, to: entry.path)
            return .failed(.observedLocal(entry: entry.version, state))
        } catch {
            return .failed(.failed(entry: entry.version, Problem(local: entry.path, error: error)))
        }
    }
}
