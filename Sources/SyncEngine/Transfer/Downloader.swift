/// An object that was fetched and verified, and waits in a temporary file for its place.
struct StagedDownload: Sendable {
    var entry: Entry
    /// What stands at the target as far as is known, and whether it was ever agreed on.
    var replaced: Change.Replaced
    var temporary: RelativePath
    var file: any OpenFile
    /// The temporary file's state after its content and attributes were set.
    var state: LocalState
    var remote: RemoteState
    var digest: ContentDigest
}

/// Fetches one object into a temporary file beside its target.
struct Downloader: Sendable {
    let files: any FileSystem
    let store: any ObjectStore
    let random: any RandomSource
    let defaultMode: UInt16

    enum Result: Sendable {
        case staged(StagedDownload)
        /// Something stands where a parent directory must be: another change of this cycle may clear the way.
        case blocked(Problem)
        case failed(Outcome)
        case fatal(CycleFailure)
    }

    /// How often an object that is replaced while it is fetched is fetched anew, and a damaged one again.
    static let maximumTries = 3

    func download(_ entry: Entry, replacing replaced: Change.Replaced) async -> Result {
        guard var remote = entry.remote else { return .failed(.observedRemote(entry: entry.id, nil)) }
        do {
            for _ in 0..<Self.maximumTries {
                do {
                    return .staged(try await attempt(entry, replacing: replaced, remote: remote))
                } catch let error as StoreError where error.code == .preconditionFailed {
                    remote = try await store.head(entry.path.bytes).state
                } catch is DamagedDownload {
                    continue
                }
            }
            return .failed(.failed(entry: entry.id, Self.unsettled(entry.path)))
        } catch let error as FileSystemError {
            let problem = Problem(local: entry.path, error: error)
            if error.code == .notDirectory { return .blocked(problem) }
            return .failed(.failed(entry: entry.id, problem))
        } catch let error as StoreError {
            if error.code == .notFound { return .failed(.observedRemote(entry: entry.id, nil)) }
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return .failed(.failed(entry: entry.id, Problem(remote: entry.path, error: error)))
        } catch {
            return .fatal(CycleFailure(code: .interrupted, message: "stopped on request"))
        }
    }

    private struct DamagedDownload: Error {}

    private func attempt(
        _ entry: Entry,
        replacing replaced: Change.Replaced,
        remote: RemoteState
    ) async throws -> StagedDownload {
        let parent = entry.path.parent
        if let parent { try files.makeDirectories(parent) }
        let name = TemporaryName.make(random)
        let temporary = RelativePath(unchecked: name, in: parent)
        let file = try files.createFile(named: name, in: parent)
        do {
            let (details, digest) = try await store.get(entry.path.bytes, expecting: remote, into: file)
            let size = try file.status().state.size
            guard size == details.state.size, isIntact(digest, details) else { throw DamagedDownload() }
            let modified = details.modified ?? details.lastModified ?? UnixTime(nanoseconds: 0)
            try file.setAttributes(mode: details.mode ?? defaultMode, modified: modified)
            return StagedDownload(
                entry: entry,
                replaced: replaced,
                temporary: temporary,
                file: file,
                state: try file.status().state,
                remote: details.state,
                digest: digest
            )
        } catch {
            try? files.removeFile(temporary)
            throw error
        }
    }

    /// False only if the ETag is a plain MD5 and states another content.
    private func isIntact(_ digest: ContentDigest, _ details: ObjectDetails) -> Bool {
        guard !details.etagIsOpaque, let expected = details.state.etag.contentDigest else { return true }
        return expected == digest || details.notedDigest == digest
    }

    private static func unsettled(_ path: RelativePath) -> Problem {
        Problem(
            path: path.bytes,
            side: .remote,
            kind: .corrupt,
            message:
                "the object changed while it was fetched, or its bytes did not match its ETag, \(maximumTries) times"
                + " in a row; the file here is as it was"
        )
    }
}
