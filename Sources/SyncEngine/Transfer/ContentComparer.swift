/// Settles whether a file and an object hold the same bytes, without a transfer where that can be known.
struct ContentComparer: Sendable {
    let files: any FileSystem
    let store: any ObjectStore
    let clock: any EngineClock
    let stop: StopSignal
    let policy: PartPolicy

    init(_ context: CycleContext) {
        files = context.files
        store = context.store
        clock = context.clock
        stop = context.stop
        policy = context.parts
    }

    enum Verdict: Sendable {
        /// Equal: the base that both sides agree on.
        case same(BaseState, isRacy: Bool)
        case different
        /// The file is not what the scan saw any more, or cannot be read.
        case changed(LocalState?)
        case failed(Problem)
        case fatal(CycleFailure)
    }

    /// How often a file that changes while it is read is read again.
    static let maximumTries = 3

    /// - Precondition: both sides of `entry` are present.
    func compare(_ entry: Entry) async -> Verdict {
        guard let local = entry.local, let remote = entry.remote else { return .different }
        guard local.size == remote.size else { return .different }
        do {
            let reading = try await read(entry.path, etag: remote.etag, known: entry.base?.digest)
            guard reading.state.size == remote.size else { return .changed(reading.state) }
            let isSame = try await isSame(reading, entry: entry, remote: remote)
            guard isSame else { return .different }
            let base = BaseState(local: reading.state, remote: remote, digest: reading.digests.first)
            return .same(base, isRacy: reading.isRacy)
        } catch let error as FileSystemError where error.code == .notFound {
            return .changed(nil)
        } catch let error as FileSystemError {
            return .failed(Problem(local: entry.path, error: error))
        } catch let error as BusyFile {
            return .failed(error.problem)
        } catch let error as StoreError {
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return .failed(Problem(remote: entry.path, error: error))
        } catch {
            return .fatal(CycleFailure(code: .interrupted, message: "stopped on request"))
        }
    }

    /// What reading a file tells of base, where its identity alone is no proof.
    enum Confirmation: Sendable {
        /// It is not what base recorded, or could not be read.
        case refuted
        /// It is what base recorded, but was written so lately that it may change unseen.
        case holds
        /// It is what base recorded, and its identity can be relied on from now on.
        case proves
    }

    func confirmBase(_ entry: Entry) async -> Confirmation {
        guard let base = entry.base, let digest = base.digest,
            let reading = try? await read(entry.path, etag: base.remote.etag, known: digest),
            reading.state == entry.local, reading.digests.contains(digest)
        else { return .refuted }
        return reading.isRacy ? .holds : .proves
    }

    /// The same where nothing less than a proof will do: a file that was written lately is waited for, a few seconds at most.
    func proveBase(_ entry: Entry) async -> Confirmation {
        for _ in 0..<Self.maximumTries {
            let confirmation = await confirmBase(entry)
            guard confirmation == .holds, let local = entry.local else { return confirmation }
            let age = clock.now().nanoseconds &- local.modified.nanoseconds
            let rest = max(LocalState.changeWindow, LocalState.modificationWindow &- age)
            guard (try? await clock.sleep(for: .nanoseconds(min(rest, 2 * LocalState.modificationWindow)))) != nil
            else {
                return .refuted
            }
        }
        return .refuted
    }

    private func isSame(_ reading: Reading, entry: Entry, remote: RemoteState) async throws(StoreError) -> Bool {
        // The bucket holds what it held when we agreed: our own digest of that is better than any ETag.
        if let base = entry.base, base.remote == remote, let digest = base.digest {
            return reading.digests.contains(digest)
        }
        if reading.digests.contains(where: { $0.etag(size: remote.size) == remote.etag }) { return true }
        // The ETag says no, or nothing: a checksum or metadata may know more.
        do {
            let details = try await store.head(entry.path.bytes, asksChecksum: true)
            return details.state == remote && details.relation(to: reading) == .same
        } catch {
            if error.code == .notFound || error.code == .accessDenied { return false }
            throw error
        }
    }

    /// A file's content while it held still.
    struct Reading: Sendable {
        var state: LocalState
        /// By which the content may be known; the MD5 of the whole first.
        var digests: [ContentDigest]
        var checksums: Set<ContentChecksum>
        var isRacy: Bool
    }

    /// Reads a file, and takes all digests by which an ETag or base may know it.
    /// - Throws: ``FileSystemError``, ``BusyFile`` if it changed each time, `CancellationError`.
    func read(_ path: RelativePath, etag: ETag, known: ContentDigest?) async throws -> Reading {
        for _ in 0..<Self.maximumTries {
            let start = clock.now()
            let file = try files.open(path)
            let before = try file.status().state
            var hasher = ContentFingerprint(size: before.size, etag: etag, policy: policy, known: known)
            try await hash(file, into: &hasher)
            let after = try file.status().state
            guard before == after, try files.status(path).state == after else { continue }
            return Reading(
                state: after,
                digests: hasher.finish(),
                checksums: hasher.checksums,
                isRacy: after.isRacy(at: start)
            )
        }
        throw BusyFile(path: path)
    }

    private func hash(_ file: any OpenFile, into hasher: inout ContentFingerprint) async throws {
        try await file.forEachPiece(of: 0..<Int64.max, until: stop) { hasher.update($0) }
    }
}

/// A file that kept changing while it was read.
struct BusyFile: Error {
    var path: RelativePath

    var problem: Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .busy,
            message: "the file changed while it was read, \(ContentComparer.maximumTries) times in a row;"
                + " it goes with the next cycle in which it holds still"
        )
    }
}

extension LocalState {
    /// True if the state was taken so soon after the last write that a later write may leave the same state.
    ///
    /// The kernel stamps in ticks of up to 10 ms, FAT and some network file systems in steps of 2 s. A write sets both
    /// times; putting the old mtime back sets ctime.
    func isRacy(at reading: UnixTime) -> Bool {
        // A time far ahead says nothing of a write: somebody set it, and that shows in ctime.
        let sinceModified = reading.nanoseconds &- modified.nanoseconds
        let sinceChanged = reading.nanoseconds &- changed.nanoseconds
        return (-Self.modificationWindow..<Self.modificationWindow).contains(sinceModified)
            || (-Self.modificationWindow..<Self.changeWindow).contains(sinceChanged)
    }

    /// How long a write may go unseen by mtime and by ctime, in nanoseconds.
    static let modificationWindow: Int64 = 2_000_000_000
    static let changeWindow: Int64 = 20_000_000
}
