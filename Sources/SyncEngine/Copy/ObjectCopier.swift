/// Copies objects to files, or files to objects, by the engine's own transfers: verified, in parts where they are large,
/// and never leaving half a file under its name. It knows no base: what is there already, with other content, is replaced
/// only if that is wished.
public struct ObjectCopier: Sendable {
    private let context: CycleContext
    private let replaces: Bool
    private let outcomes = CopyOutcomes()
    private let comparer: ContentComparer

    /// `context`'s index keeps what transfers need that are cut off; it may be one in memory.
    public init(_ context: CycleContext, replaces: Bool) {
        var context = context
        context.outcomes = { [outcomes] in outcomes.take($0) }
        self.context = context
        self.replaces = replaces
        comparer = ContentComparer(context)
    }

    // MARK: Down

    /// Fetches all objects below the store's prefix.
    public func fetchAll() async -> CopyReport {
        await report { report, folder in
            let lister = RemoteLister(
                store: context.store,
                rules: IgnoreRules(patterns: []),
                progress: context.progress,
                stop: context.stop
            )
            var copied = report
            let summary = try await lister.listInTurn { page in
                try await fetch(page.map { ($0.path, $0.state) }, folder, &copied)
            }
            report = copied
            for problem in summary.problems { report.note(problem) }
            report.problemCount += summary.furtherProblems
            report.skipped += summary.skipped
            if summary.furtherMarkers > 0 { report.note(.furtherMarkers(summary.furtherMarkers)) }
            // Directories that hold nothing are told by their markers alone.
            for marker in summary.markers {
                do throws(FileSystemError) {
                    try context.files.makeDirectories(marker)
                    report.directories += 1
                } catch {
                    report.note(Problem(local: marker.bytes, error))
                }
            }
        }
    }

    /// Fetches one object into the file `path`.
    public func fetch(_ remote: RemoteState, into path: RelativePath) async -> CopyReport {
        await report { report, folder in try await fetch([(path, remote)], folder, &report) }
    }

    private func fetch(
        _ objects: [(RelativePath, RemoteState)],
        _ folder: Int64,
        _ report: inout CopyReport
    ) async throws {
        let jobs = try await look(at: objects, &report) { path, remote in await download(of: path, remote) }
        try await transfer(jobs, folder, looksFirst: false, &report)
        let (problems, _) = outcomes.drain()
        for problem in problems { report.note(problem) }
    }

    /// What is to be done about one name.
    private enum Look: Sendable {
        case transfer(TransferJob)
        /// Both sides hold the same.
        case same
        case problem(Problem)
        case fatal(CycleFailure)
    }

    /// Looks at many names, several at once. - Returns: what is to be transferred, in the order of the names.
    private func look<Item: Sendable>(
        at items: [Item],
        _ report: inout CopyReport,
        by look: @escaping @Sendable (Item) async -> Look
    ) async throws -> [TransferJob] {
        var jobs: [(position: Int, job: TransferJob)] = []
        var rest = items.enumerated().makeIterator()
        try await runBounded(limit: context.jobsAtOnce, until: context.stop) {
            rest.next()
        } run: { item in
            (item.offset, await look(item.element))
        } finish: { position, look in
            switch look {
            case .transfer(let job): jobs.append((position, job))
            case .same:
                report.same += 1
                context.progress.update { progress in
                    progress.transfers += 1
                    progress.transfersDone += 1
                }
            case .problem(let problem): report.note(problem)
            case .fatal(let failure): throw failure
            }
        }
        return jobs.sorted { $0.position < $1.position }.map(\.job)
    }

    private func download(of path: RelativePath, _ remote: RemoteState) async -> Look {
        var entry = Entry(id: 0, path: path, base: nil, local: nil, remote: remote, isRacy: false)
        let status: FileStatus
        do throws(FileSystemError) {
            status = try context.files.status(path)
        } catch {
            guard error.code == .notFound || error.code == .notDirectory else {
                // It concerns this file: others can be copied all the same.
                return .problem(Problem(local: path.bytes, error))
            }
            return .transfer(TransferJob(entry: entry, change: .download(replacing: .nothing)))
        }
        guard status.kind == .file else { return .problem(.noFile(path, status.kind)) }
        entry.local = status.state
        let compared = entry
        // What is replaced is the file that was looked at; one that was written meanwhile is kept in the trash.
        entry.base = BaseState(local: status.state, remote: remote, digest: nil)
        return await replacing(TransferJob(entry: entry, change: .download(replacing: .base)), of: compared, .local)
    }

    /// What is to be done where both sides hold something: `job`, if they differ and that is wished.
    private func replacing(_ job: TransferJob, of entry: Entry, _ side: Side) async -> Look {
        switch await comparer.compare(entry) {
        case .same: .same
        case .different, .changed: replaces ? .transfer(job) : .problem(.inTheWay(entry.path, side))
        case .failed(let problem): .problem(problem)
        case .fatal(let failure): .fatal(failure)
        }
    }

    // MARK: Up

    /// Sends all files below the root.
    public func sendAll() async -> CopyReport {
        await report { report, folder in
            let scanner = DirectoryScanner(files: context.files, rules: IgnoreRules(patterns: []), stop: context.stop)
            let collected = Collected(report)
            let result = try await scanner.scan { page in
                var current = collected.report
                try await send(page.map { ($0.path, $0.state) }, folder, &current)
                collected.report = current
            }
            report = collected.report
            for problem in result.problems { report.note(problem) }
            report.skipped += result.skipped
        }
    }

    /// A report that an escaping closure adds to, page after page.
    private final class Collected {
        var report: CopyReport

        init(_ report: CopyReport) {
            self.report = report
        }
    }

    /// Sends the file `path`.
    public func send(_ path: RelativePath) async -> CopyReport {
        await report { report, folder in
            let status = try context.files.status(path)
            guard status.kind == .file else {
                throw FileSystemError(code: .notRegular, operation: "open", path: path.bytes, errno: 0)
            }
            try await send([(path, status.state)], folder, &report)
        }
    }

    private func send(
        _ files: [(RelativePath, LocalState)],
        _ folder: Int64,
        _ report: inout CopyReport
    ) async throws {
        var jobs: [TransferJob] = []
        for (path, local) in files {
            if let problem = keyProblem(of: path, prefixLength: context.folder.prefix.count) {
                report.note(problem)
                continue
            }
            let entry = Entry(id: 0, path: path, base: nil, local: local, remote: nil, isRacy: false)
            jobs.append(TransferJob(entry: entry, change: .upload(replacing: .nothing)))
        }
        try await transfer(jobs, folder, looksFirst: true, &report)
        let (problems, occupied) = outcomes.drain()
        for problem in problems { report.note(problem) }
        let entries = jobs.compactMap { job -> Entry? in
            guard let remote = occupied[job.entry.path] else { return nil }
            var entry = job.entry
            entry.remote = remote
            return entry
        }
        let replaced = try await look(at: entries, &report) { entry in
            await replacing(TransferJob(entry: entry, change: .upload(replacing: .foreign)), of: entry, .remote)
        }
        try await transfer(replaced, folder, looksFirst: false, &report)
        for problem in outcomes.drain().problems { report.note(problem) }
    }

    // MARK: Both

    /// Takes back what was begun and cut off, where nobody can go on with it: parts in the bucket, unfinished files here.
    public func abandon() async {
        guard let folder = try? await context.index.open(context.folder).id else { return }
        let index = context.index
        let cleaner = UploadCleaner(store: context.store, index: index, notices: context.notices)
        // A service that refuses keeps its parts: the next of them may go all the same.
        for job in (try? await index.uploads(folder, after: 0, limit: Self.maximumJobs)) ?? [] {
            try? await cleaner.abandon(job)
        }
        for job in (try? await index.downloads(folder, after: 0, limit: Self.maximumJobs)) ?? [] {
            try? context.files.removeFile(job.temporary)
            try? await index.end(job)
        }
    }

    /// More transfers in parts than ever run at once.
    private static let maximumJobs = 1_000

    /// `looksFirst` says that objects are looked at before they are written: one that is there is left for later.
    private func transfer(
        _ jobs: [TransferJob],
        _ folder: Int64,
        looksFirst: Bool,
        _ report: inout CopyReport
    ) async throws {
        guard !jobs.isEmpty else { return }
        context.progress.update { progress in
            progress.phase = .transferring
            progress.transfers += Int64(jobs.count)
            progress.bytes = jobs.reduce(progress.bytes) { $0 + $1.entry.bytesMoved(by: $1.change) }
        }
        let pass = TransferPass(
            context,
            folder: folder,
            owner: .cycle,
            trash: Trash(files: context.files, cycle: context.clock.now()),
            RemoteWriting(context.folder.policy.direction, Capabilities(), listed: !looksFirst)
        )
        var lanes = [TransferLane: ArraySlice<TransferJob>]()
        for job in jobs { lanes[TransferLane(job.change, of: job.entry, context.parts), default: []].append(job) }
        var done = Done()
        defer {
            report.copied += done.uploaded + done.downloaded
            report.bytes += done.bytesUp + done.bytesDown
        }
        // What something was in the way of is told as a problem, and not tried again.
        _ = try await pass.run(into: &done, lanes: TransferLane.allCases) { lane in lanes[lane]?.popFirst() }
    }

    private func report(_ body: (inout CopyReport, Int64) async throws -> Void) async -> CopyReport {
        var report = CopyReport()
        do {
            let folder = try await context.index.open(context.folder).id
            try await body(&report, folder)
        } catch let error as FileSystemError {
            report.note(Problem(local: error.path, error))
        } catch let problem as Problem {
            report.note(problem)
        } catch {
            report.failure = CycleFailure(of: error)
        }
        return report
    }
}

extension Problem {
    fileprivate static func furtherMarkers(_ count: Int64) -> Problem {
        let message =
            "\(count) more folder markers than \(ListingSummary.maximumKept): fetch parts of the prefix for them"
        return Problem(path: [], side: .remote, kind: .tooLarge, message: message)
    }

    fileprivate init(local path: [UInt8], _ error: FileSystemError) {
        let message =
            switch error.code {
            case .notFound: "there is no such file"
            case .notRegular: "it is no regular file"
            case .symbolicLink: "a symbolic link is in the way: none is followed below the directory"
            case .exists, .notDirectory, .isDirectory, .notEmpty, .accessDenied, .noSpace, .tooManyOpenFiles, .readOnly,
                .crossDevice, .nameTooLong, .unsupported, .inputOutput, .stale, .other:
                "\(error.operation) failed: \(error.reason)"
            }
        self.init(path: path, side: .local, kind: .unreadable, message: message)
    }
}
