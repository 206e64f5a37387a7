/// Settles an entry that was changed on both sides: both versions are kept on both sides, the loser under a name of its own.
///
/// Every step can be the last before a crash: the loser is safe under its name before anything takes its place, and what a
/// crash leaves is a conflict that ends the same way, or an ordinary upload.
struct ConflictResolver: Sendable {
    private let files: any FileSystem
    private let notices: CycleNotices
    private let stop: StopSignal
    private let winner: ConflictWinner
    private let comparer: ContentComparer
    private let downloader: Downloader
    private let uploader: Uploader
    private let installer: Installer

    init(_ context: CycleContext, _ downloader: Downloader, _ uploader: Uploader, _ installer: Installer) {
        files = context.files
        notices = context.notices
        stop = context.stop
        winner = context.folder.conflict
        comparer = ContentComparer(context)
        self.downloader = downloader
        self.uploader = uploader
        self.installer = installer
    }

    /// What settling one entry came to.
    enum Result: Sendable {
        /// Outcomes to be recorded in their order, and how many files and objects were written.
        case settled(Settled)
        case fatal(CycleFailure)
    }

    struct Settled: Sendable {
        var outcomes: [Outcome] = []
        var uploaded: Int64 = 0
        var downloaded: Int64 = 0

        /// Whether nothing of it is left to another cycle.
        var isSettled: Bool {
            outcomes.allSatisfy { if case .agreed = $0 { true } else { false } }
        }

        /// The first thing that failed, where that is the entries' own problem.
        var problem: Problem? {
            for case .failed(_, let problem) in outcomes { return problem }
            return nil
        }
    }

    /// Both versions, as they were read.
    private struct Versions {
        var entry: Entry
        var local: ContentComparer.Reading
        var staged: StagedDownload
        /// The MD5 of the whole object.
        var remoteDigest: ContentDigest
    }

    /// Why an entry was not settled: an outcome to record.
    private struct Unsettled: Error {
        var outcome: Outcome
    }

    func resolve(_ entry: Entry) async -> Result {
        do {
            let versions = try await read(entry)
            if versions.local.digests.first == versions.remoteDigest { return .settled(try adopt(versions)) }
            let side = decideWinner(
                winner,
                localModified: versions.local.state.modified,
                remoteModified: versions.staged.state.modified
            )
            switch side {
            case .remote: return .settled(try await keepLocal(versions))
            case .local: return .settled(try await keepRemote(versions))
            }
        } catch let unsettled as Unsettled {
            return .settled(Settled(outcomes: [unsettled.outcome]))
        } catch let failure as CycleFailure {
            return .fatal(failure)
        } catch let error as FileSystemError {
            let problem = Problem(local: entry.path, error: error)
            return .settled(Settled(outcomes: [.failed(entry: entry.version, problem)]))
        } catch {
            return .fatal(CycleFailure(of: error))
        }
    }

    // MARK: Reading

    private func read(_ entry: Entry) async throws -> Versions {
        guard let local = entry.local, let remote = entry.remote else { preconditionFailure("a conflict of one side") }
        let reading: ContentComparer.Reading
        do {
            reading = try await comparer.read(entry.path, etag: remote.etag, known: entry.base?.digest)
        } catch let error as FileSystemError where error.code == .notFound {
            throw Unsettled(outcome: .observedLocal(entry: entry.version, nil))
        } catch let busy as BusyFile {
            throw Unsettled(outcome: .failed(entry: entry.version, busy.problem))
        }
        guard reading.state == local else {
            throw Unsettled(outcome: .observedLocal(entry: entry.version, reading.state))
        }
        if try copies(of: entry.path) >= ConflictName.maximumCopies {
            throw Unsettled(outcome: .failed(entry: entry.version, .tooManyCopies(entry.path)))
        }
        switch await downloader.download(entry, replacing: .nothing) {
        case .staged(let staged):
            let digest = try await wholeDigest(of: staged)
            return Versions(entry: entry, local: reading, staged: staged, remoteDigest: digest)
        case .blocked(let problem): throw Unsettled(outcome: .failed(entry: entry.version, problem))
        case .failed(let outcome): throw Unsettled(outcome: outcome)
        case .fatal(let failure): throw failure
        }
    }

    private func copies(of path: RelativePath) throws(FileSystemError) -> Int {
        try files.readDirectory(path.parent).entries.count { ConflictName.isCopy($0.name, of: path) }
    }

    private func wholeDigest(of staged: StagedDownload) async throws -> ContentDigest {
        guard staged.digest.partSize != nil else { return staged.digest }
        let hasher = ContentHasher()
        try await staged.file.forEachPiece(of: 0..<Int64.max, until: stop) { hasher.update($0) }
        return ContentDigest(hasher.finish())
    }

    // MARK: Settling

    /// Both sides hold the same, which only reading them could tell.
    private func adopt(_ versions: Versions) throws -> Settled {
        let (entry, staged) = (versions.entry, versions.staged)
        try files.removeFile(staged.temporary)
        let base = BaseState(local: versions.local.state, remote: staged.remote, digest: versions.remoteDigest)
        let job: JobKind? = staged.isRanged ? .download : nil
        let isRacy = versions.local.isRacy
        return Settled(outcomes: [.agreed(entry: entry.version, base: base, isRacy: isRacy, endedJob: job)])
    }

    /// The object wins: the file gets the loser's name, and the object's content comes in its place.
    private func keepLocal(_ versions: Versions) async throws -> Settled {
        let (entry, local) = (versions.entry, versions.local)
        guard let digest = local.digests.first else { preconditionFailure("a file that was read has a digest") }
        let copy = ConflictName.make(for: entry.path, modified: local.state.modified, digest: digest)
        do {
            try await put(entry.path, aside: copy, digest, of: entry)
        } catch {
            discard(versions.staged)
            throw error
        }
        notices.say(Self.notice(entry.path, copy))
        var settled = Settled()
        switch installer.install([versions.staged])[0] {
        case .installed(let outcome):
            settled.outcomes = [outcome]
            settled.downloaded = 1
        case .failed(let outcome): settled.outcomes = [outcome]
        case .blocked(let problem): settled.outcomes = [.failed(entry: entry.version, problem)]
        }
        try await send(copy, into: &settled)
        return settled
    }

    /// The file wins: the object's content gets the loser's name, and the file takes its place in the bucket.
    private func keepRemote(_ versions: Versions) async throws -> Settled {
        let (entry, staged) = (versions.entry, versions.staged)
        let modified = staged.state.modified
        let copy = ConflictName.make(for: entry.path, modified: modified, digest: versions.remoteDigest)
        do {
            try staged.file.synchronize()
            try await put(staged.temporary, aside: copy, versions.remoteDigest, of: entry)
        } catch {
            discard(staged)
            throw error
        }
        notices.say(Self.notice(entry.path, copy))
        var settled = Settled(downloaded: 1)
        var winner = entry
        winner.remote = staged.remote
        try await send(winner, into: &settled)
        try await send(copy, into: &settled)
        return settled
    }

    /// Gives a file the loser's name, durably. Where that is taken by the same content, an earlier try has kept it already.
    private func put(
        _ path: RelativePath,
        aside copy: RelativePath,
        _ digest: ContentDigest,
        of entry: Entry
    ) async throws {
        do {
            try files.rename(path, to: copy)
        } catch {
            guard error.code == .exists else { throw error }
            let kept = try await comparer.read(copy, etag: ETag(""), known: nil)
            guard kept.digests.first == digest else {
                throw Unsettled(outcome: .failed(entry: entry.version, .nameTaken(entry.path, copy)))
            }
            if path == entry.path { try discard(entry) } else { try files.removeFile(path) }
        }
        try files.synchronizeDirectory(path.parent)
    }

    /// What came in ranges is gone on with by the next cycle.
    private func discard(_ staged: StagedDownload) {
        if !staged.isRanged { try? files.removeFile(staged.temporary) }
    }

    /// Takes a file out of the way that its copy keeps already, unless it is another by now.
    private func discard(_ entry: Entry) throws {
        let (moved, place) = try installer.trash.move(entry.path, as: entry.path)
        guard let local = entry.local, !moved.matchesContent(of: local) else { return }
        try files.rename(place, to: entry.path)
        throw Unsettled(outcome: .observedLocal(entry: entry.version, moved))
    }

    private func send(_ copy: RelativePath, into settled: inout Settled) async throws {
        let state: LocalState
        do throws(FileSystemError) {
            state = try files.status(copy).state
        } catch {
            // It was renamed or deleted already: the next look at the folder tells.
            return
        }
        let entry = Entry(id: 0, path: copy, base: nil, local: state, remote: nil, isRacy: false)
        try await send(entry, into: &settled)
    }

    private func send(_ entry: Entry, into settled: inout Settled) async throws {
        switch await uploader.upload(entry) {
        case .done(let outcome):
            settled.outcomes.append(outcome)
            settled.uploaded += 1
        case .failed(let outcome, let sent): settled.outcomes += [sent, outcome].compactMap { $0 }
        case .fatal(let failure): throw failure
        }
    }

    private static func notice(_ path: RelativePath, _ copy: RelativePath) -> String {
        "\(escaped(path)) was changed on both sides; both versions are kept, the other one as \(escaped(copy))"
    }

    private static func escaped(_ path: RelativePath) -> String { String(decoding: path.bytes, as: UTF8.self) }
}

extension Problem {
    fileprivate static func tooManyCopies(_ path: RelativePath) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .conflict,
            message: "changed on both sides, and there are \(ConflictName.maximumCopies) conflict copies of it already:"
                + " neither side is touched until some of them are gone"
        )
    }

    fileprivate static func nameTaken(_ path: RelativePath, _ copy: RelativePath) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .conflict,
            message:
                "changed on both sides, and \"\(String(decoding: copy.bytes, as: UTF8.self))\" is another file already:"
                + " rename that one"
        )
    }
}
