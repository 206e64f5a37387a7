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
    /// When the object's content was changed, as the store tells it: the same on every machine.
    var modified: UnixTime
    var digest: ContentDigest
    /// The file that is to be replaced, where that is another than base knows.
    var replacedState: LocalState?
    /// Whether it came in ranges, so that a job in the index knows of it.
    var isRanged: Bool

    /// What is to be replaced, where it was ever agreed on.
    var expected: LocalState? { replacedState ?? entry.base?.local }
}

/// Fetches one object into a temporary file beside its target: in one request, or in ranges where it is large.
struct Downloader: Sendable {
    let files: any FileSystem
    let store: any ObjectStore
    let random: any RandomSource
    let defaultMode: UInt16
    let policy: PartPolicy
    let meter: TransferMeter
    let ranged: RangedDownloader
    private let names: NameKeeper

    init(_ context: CycleContext, folder: Int64, meter: TransferMeter, slots: PartSlots, _ names: NameKeeper) {
        self.names = names
        files = context.files
        store = context.store
        random = context.random
        defaultMode = context.defaultMode
        policy = context.parts
        self.meter = meter
        ranged = RangedDownloader(context, folder: folder, meter: meter, slots: slots)
    }

    enum Result: Sendable {
        case staged(StagedDownload)
        /// Something stands where a parent directory must be, or has a name that the file system takes for the same:
        /// another change of this cycle may clear the way.
        case blocked(Problem)
        case failed(Outcome)
        case fatal(CycleFailure)
    }

    /// How often an object that is replaced while it is fetched is fetched anew, and a damaged one again.
    static let maximumTries = 3

    func download(_ entry: Entry, replacing replaced: Change.Replaced) async -> Result {
        guard var remote = entry.remote else { return .failed(.observedRemote(entry: entry.version, nil)) }
        do {
            if replaced == .nothing, let problem = try names.obstacle(to: entry.path) { return .blocked(problem) }
            for _ in 0..<Self.maximumTries {
                do {
                    return .staged(try await attempt(entry, replacing: replaced, remote: remote))
                } catch let error as StoreError where error.code == .preconditionFailed {
                    remote = try await store.head(entry.path.bytes).state
                } catch let error as StoreError where error.code == .badDigest {
                    continue
                } catch is DamagedDownload {
                    continue
                }
            }
            return .failed(.failed(entry: entry.version, Self.unsettled(entry.path)))
        } catch let error as FileSystemError {
            let problem = Problem(local: entry.path, error: error)
            if error.code == .notDirectory { return .blocked(problem) }
            return .failed(.failed(entry: entry.version, problem))
        } catch let error as StoreError {
            if error.code == .notFound { return .failed(.observedRemote(entry: entry.version, nil)) }
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return .failed(.failed(entry: entry.version, Problem(remote: entry.path, error: error)))
        } catch let problem as Problem {
            return .failed(.failed(entry: entry.version, problem))
        } catch {
            return .fatal(CycleFailure(of: error))
        }
    }

    private func attempt(
        _ entry: Entry,
        replacing replaced: Change.Replaced,
        remote: RemoteState
    ) async throws -> StagedDownload {
        if policy.isLarge(remote.size) {
            let fetched = try await ranged.fetch(entry, remote)
            let staged = try stage(fetched, for: entry, replacing: replaced)
            // Here, and not with the batch: the disk may take long, and only this transfer is to wait for it.
            do {
                try fetched.file.synchronize()
            } catch {
                // What the kernel could not write it may forget and yet show to readers: none of it can be relied on.
                try? files.removeFile(fetched.temporary)
                throw error
            }
            return staged
        }
        let parent = entry.path.parent
        if let parent { try files.makeDirectories(parent) }
        let name = TemporaryName.make(random)
        let temporary = RelativePath(unchecked: name, in: parent)
        let file = try files.createFile(named: name, in: parent)
        do {
            let (details, digest) = try await store.get(entry.path.bytes, expecting: remote, into: file)
            let size = try file.status().state.size
            guard size == details.state.size, details.isIntact(digest) else { throw DamagedDownload() }
            meter.noteReceived(size)
            let fetched = RangedDownloader.Fetched(temporary: temporary, file: file, details: details, digest: digest)
            return try stage(fetched, for: entry, replacing: replaced)
        } catch {
            try? files.removeFile(temporary)
            throw error
        }
    }

    private func stage(
        _ fetched: RangedDownloader.Fetched,
        for entry: Entry,
        replacing replaced: Change.Replaced
    ) throws(FileSystemError) -> StagedDownload {
        let details = fetched.details
        let modified = details.modified ?? details.lastModified ?? UnixTime(nanoseconds: 0)
        try fetched.file.setAttributes(mode: details.mode ?? defaultMode, modified: modified)
        return StagedDownload(
            entry: entry,
            replaced: replaced,
            temporary: fetched.temporary,
            file: fetched.file,
            state: try fetched.file.status().state,
            remote: details.state,
            modified: modified,
            digest: fetched.digest,
            isRanged: policy.isLarge(details.state.size)
        )
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
