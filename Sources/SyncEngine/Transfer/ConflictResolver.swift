/// Settles an entry that was changed on both sides: both versions are kept on both sides, the loser under a name of its own.
///
/// Every step can be the last before a crash: the loser is safe under its name before anything takes its place, and what a
/// crash leaves is a conflict that ends the same way, or an ordinary upload.
struct ConflictResolver: Sendable {
    private let files: any FileSystem
    private let notices: CycleNotices
    private let stop: StopSignal
    private let winner: ConflictWinner
    private let copies: ConflictCopies
    private let comparer: ContentComparer
    private let downloader: Downloader
    private let uploader: Uploader
    private let installer: Installer

    init(_ context: CycleContext, _ downloader: Downloader, _ uploader: Uploader, _ installer: Installer) {
        files = context.files
        notices = context.notices
        stop = context.stop
        winner = context.folder.conflict
        copies = ConflictCopies(context)
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
        /// What ended the cycle after these outcomes; nil where nothing did.
        var failure: CycleFailure?

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

        /// The side that was edited, where the other one holds what base does, under another identity; nil where both were.
        var onlyChange: Side? {
            guard let known = entry.base?.digest else { return nil }
            if local.digests.contains(known) { return .remote }
            return known == remoteDigest || known == staged.digest ? .local : nil
        }
    }

    /// Why an entry was not settled: an outcome to record.
    private struct Unsettled: Error {
        var outcome: Outcome
    }

    func resolve(_ entry: Entry) async -> Result {
        do {
            let versions = try await read(entry)
            if versions.local.digests.first == versions.remoteDigest { return .settled(try adopt(versions)) }
            if let change = versions.onlyChange { return .settled(try await follow(change, versions)) }
            let side = decideWinner(
                winner,
                localModified: versions.local.state.modified,
                remoteModified: versions.staged.modified
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
        } catch let problem as Problem {
            return .settled(Settled(outcomes: [.failed(entry: entry.version, problem)]))
        } catch let busy as BusyFile {
            return .settled(Settled(outcomes: [.failed(entry: entry.version, busy.problem)]))
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
        }
        guard reading.state == local else {
            throw Unsettled(outcome: .observedLocal(entry: entry.version, reading.state))
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
        let job: EndedJob? = staged.isRanged ? .download : nil
        let isRacy = versions.local.isRacy
        return Settled(outcomes: [.agreed(entry: entry.version, base: base, isRacy: isRacy, endedJob: job)])
    }

    /// The object wins: the file gets the loser's name beside its own, and then the object's content takes its place. So there is
    /// no moment at which nothing bears the name, and a crash leaves nothing that looks like a delete.
    private func keepLocal(_ versions: Versions) async throws -> Settled {
        let (entry, local) = (versions.entry, versions.local)
        guard let digest = local.digests.first else { preconditionFailure("a file that was read has a digest") }
        var staged = versions.staged
        staged.replaced = .base
        let copy: RelativePath
        do {
            let place = try await copies.keep(entry.path, modified: local.state.modified, digest: digest) {
                (name) throws(FileSystemError) in
                do throws(FileSystemError) {
                    try files.link(entry.path, to: name)
                } catch {
                    guard [.unsupported, .accessDenied, .other].contains(error.code) else { throw error }
                    // No second name can be had here.
                    try files.rename(entry.path, to: name)
                    staged.replaced = .nothing
                }
            }
            copy = place.path
            try files.synchronizeDirectory(entry.path.parent)
            if staged.replaced == .base { staged.replacedState = try stateNow(of: versions) }
            if case .found = place, local.isRacy { staged.replaced = .foreign }
        } catch {
            discard(versions.staged)
            throw error
        }
        notices.say(Self.notice(entry.path, copy))
        var settled = Settled()
        install(staged, into: &settled)
        try await send(copy, into: &settled)
        return settled
    }

    /// The file's state now that it has another name, which moves ctime.
    private func stateNow(of versions: Versions) throws -> LocalState {
        let now = try files.status(versions.entry.path)
        guard now.kind == .file, now.state.matchesContent(of: versions.local.state) else {
            let state = now.kind == .file ? now.state : nil
            throw Unsettled(outcome: .observedLocal(entry: versions.entry.version, state))
        }
        return now.state
    }

    /// The file wins: the object's content gets the loser's name, and the file takes its place in the bucket.
    private func keepRemote(_ versions: Versions) async throws -> Settled {
        let (entry, staged) = (versions.entry, versions.staged)
        let copy: RelativePath
        do {
            try staged.file.synchronize()
            let place = try await copies.keep(entry.path, modified: staged.modified, digest: versions.remoteDigest) {
                (name) throws(FileSystemError) in
                try files.rename(staged.temporary, to: name)
            }
            if case .found = place { try files.removeFile(staged.temporary) }
            copy = place.path
            try files.synchronizeDirectory(entry.path.parent)
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

    /// One side was edited, and the other only looked so.
    private func follow(_ edited: Side, _ versions: Versions) async throws -> Settled {
        var settled = Settled()
        switch edited {
        case .remote:
            var staged = versions.staged
            // What may have been written to since, unseen, is kept.
            staged.replaced = versions.local.isRacy ? .foreign : .base
            staged.replacedState = versions.local.state
            install(staged, into: &settled)
        case .local:
            discard(versions.staged)
            var entry = versions.entry
            entry.remote = versions.staged.remote
            try await send(entry, into: &settled)
        }
        return settled
    }

    private func install(_ staged: StagedDownload, into settled: inout Settled) {
        let entry = staged.entry
        switch installer.install([staged])[0] {
        case .installed(let outcome):
            settled.outcomes = [outcome]
            settled.downloaded = 1
        case .failed(let outcome): settled.outcomes = [outcome]
        case .blocked(let problem): settled.outcomes = [.failed(entry: entry.version, problem)]
        }
    }

    /// What came in ranges is gone on with by the next cycle.
    private func discard(_ staged: StagedDownload) {
        if !staged.isRanged { try? files.removeFile(staged.temporary) }
    }

    private func send(_ copy: RelativePath, into settled: inout Settled) async throws {
        guard copies.claim(copy) else { return }
        defer { copies.release(copy) }
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
        case .fatal(let failure, let sent):
            if let sent { settled.outcomes.append(sent) }
            settled.failure = failure
        }
    }

    private static func notice(_ path: RelativePath, _ copy: RelativePath) -> String {
        "\(escaped(path)) was changed on both sides; both versions are kept, the other one as \(escaped(copy))"
    }

    private static func escaped(_ path: RelativePath) -> String { String(decoding: path.bytes, as: UTF8.self) }
}
