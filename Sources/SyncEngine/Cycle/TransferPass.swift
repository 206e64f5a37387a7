/// What the transfers and deletes of a cycle did.
struct Done: Sendable {
    var uploaded: Int64 = 0
    var downloaded: Int64 = 0
    /// How many of those that were counted came to their end: settling a conflict may take more transfers, or none.
    var uploadsEnded: Int64 = 0
    var downloadsEnded: Int64 = 0
    var deletedLocal: Int64 = 0
    var deletedRemote: Int64 = 0
    var bytesUp: Int64 = 0
    var bytesDown: Int64 = 0
}

/// A transfer to be done: an entry, and what was decided on it.
struct TransferJob: Sendable {
    var entry: Entry
    var change: Change

    /// False for a download.
    var isUpload: Bool {
        switch change {
        case .upload: true
        case .nothing, .compare, .adopt, .download, .deleteRemote, .deleteLocal, .forget, .conflict, .leave: false
        }
    }
}

/// Which transfers run beside which: large ones, which take long, never keep small ones from starting.
enum TransferLane: Int, CaseIterable, Sendable {
    case small
    /// Objects that travel in parts.
    case large

    init(_ change: Change, of entry: Entry, _ policy: PartPolicy) {
        self = policy.isLarge(entry.bytesMoved(by: change)) ? .large : .small
    }
}

/// Carries out uploads and downloads, with bounded concurrency, and records how each ended.
struct TransferPass {
    let context: CycleContext
    let folder: Int64
    private let owner: PathClaims.Owner
    let installer: Installer
    private let uploader: Uploader
    private let downloader: Downloader
    private let resolver: ConflictResolver
    private let meter: TransferMeter

    /// Downloads that are made durable together, by number and by bytes: what a crash makes a restart fetch again, and
    /// what stands on the disk beside the versions that it replaces.
    private static let batchSize = 256
    private static let batchBytes: Int64 = 32 << 20
    /// Transfers that are tried once more when the deletes have cleared the way; beyond these the next cycle does it.
    private static let maximumRetries = 10_000

    init(_ context: CycleContext, folder: Int64, owner: PathClaims.Owner, trash: Trash, _ writing: RemoteWriting) {
        self.context = context
        self.folder = folder
        self.owner = owner
        let names = NameKeeper(files: context.files, tries: context.outcomes == nil)
        installer = Installer(
            files: context.files,
            clock: context.clock,
            trash: trash,
            names: names,
            keepsEdits: context.folder.policy.direction == .both,
            keepsReplaced: context.folder.policy.direction == .both && writing.looksBeforePuts,
            keepsReplacedByLarge: context.folder.policy.direction == .both && writing.looksBeforeCompleting
        )
        meter = TransferMeter(context.progress)
        let parts = PartSlots(count: PartSlots.count(concurrency: context.concurrency))
        uploader = Uploader(context, folder: folder, meter: meter, slots: parts, writing)
        downloader = Downloader(context, folder: folder, meter: meter, slots: parts, names)
        resolver = ConflictResolver(context, downloader, uploader, installer)
    }

    private struct State {
        var done: Done
        var recorder: OutcomeRecorder
        var staged: [StagedDownload] = []
        var stagedBytes: Int64 = 0
        var retries: [TransferJob] = []
        var filters: [TransferLane: DenialFilter<TransferJob>] = [:]
    }

    private enum Ended: Sendable {
        case upload(TransferJob, Uploader.Result)
        case download(TransferJob, Downloader.Result)
        case conflict(TransferJob, ConflictResolver.Result)

        var job: TransferJob {
            switch self {
            case .upload(let job, _), .download(let job, _), .conflict(let job, _): job
            }
        }

        /// The path, unless it is still to be installed.
        var settledPath: RelativePath? {
            switch self {
            case .upload(let job, _), .conflict(let job, _): job.entry.path
            case .download(_, .staged): nil
            case .download(let job, .blocked), .download(let job, .failed), .download(let job, .fatal): job.entry.path
            }
        }

        /// Why it failed, where that is this entry's own problem.
        var problem: Problem? {
            switch self {
            case .upload(_, .failed(.failed(_, let problem), _)), .download(_, .failed(.failed(_, let problem))):
                problem
            case .conflict(_, .settled(let settled)): settled.problem
            case .upload, .download, .conflict: nil
            }
        }
    }

    /// Large objects that are under way at once.
    private static let maximumLarge = 4

    /// Runs the jobs that `next` yields for each lane, until it yields nil.
    /// - Returns: the jobs that something else was in the way of: worth another try when the deletes are done.
    /// - Throws: ``CycleFailure`` or an error of the index; what had ended by then is recorded and counted.
    func run(
        into done: inout Done,
        lanes: [TransferLane],
        next: (TransferLane) async throws -> TransferJob?
    ) async throws -> [TransferJob] {
        var state = State(done: done, recorder: OutcomeRecorder(context, folder: folder))
        let before = (up: meter.sent, down: meter.received)
        defer {
            done = state.done
            done.bytesUp += meter.sent - before.up
            done.bytesDown += meter.received - before.down
        }
        var firstError: (any Error)?
        let limitsNow = { limits(of: lanes) }
        do {
            repeat {
                try await runBounded(lanes: lanes.count, limits: limitsNow, until: context.stop) { lane in
                    try await state.filters[lanes[lane], default: DenialFilter()].next { try await next(lanes[lane]) }
                } _: { job in
                    await onOwnThreads(job)
                } _: { ended in
                    try await take(ended, into: &state)
                } drained: { _ in
                    // What is here must not wait for what takes long.
                    try await install(&state)
                    try await state.recorder.flush()
                }
            } while state.filters.values.contains { $0.hasMore }
        } catch {
            firstError = error
        }
        try await install(&state)
        try await state.recorder.flush()
        if let firstError { throw firstError }
        return state.retries
    }

    /// Small transfers leave room for the parts of large ones, so that all together keep to the concurrency.
    private func limits(of lanes: [TransferLane]) -> (lanes: [Int], total: Int) {
        let total = context.jobsAtOnce
        let slots = PartSlots.count(concurrency: total)
        let limits = lanes.map { lane in
            switch lane {
            case .large: min(Self.maximumLarge, slots)
            case .small: lanes.contains(.large) ? max(1, total - slots) : total
            }
        }
        return (limits, total)
    }

    private func lane(of job: TransferJob) -> TransferLane { TransferLane(job.change, of: job.entry, context.parts) }

    /// Large transfers hash for long: they have threads of their own where there are any, so that small ones go on meanwhile.
    private func onOwnThreads(_ job: TransferJob) async -> Ended {
        guard let threads = context.bulkThreads, lane(of: job) == .large else { return await transfer(job) }
        return await withTaskExecutorPreference(threads) { await transfer(job) }
    }

    private func transfer(_ job: TransferJob) async -> Ended {
        let transfers = context.share.transfers
        transfers.begin(
            LiveTransfer(
                path: job.entry.path,
                isUpload: job.isUpload,
                size: job.entry.bytesMoved(by: job.change),
                startedAt: context.clock.now()
            )
        )
        defer { transfers.end(job.entry.path) }
        switch job.change {
        case .upload:
            return .upload(job, await uploader.upload(job.entry))
        case .download(let replaced):
            return .download(job, await downloader.download(job.entry, replacing: replaced))
        case .conflict:
            return .conflict(job, await resolver.resolve(job.entry))
        case .nothing, .compare, .adopt, .deleteRemote, .deleteLocal, .forget, .leave:
            preconditionFailure("\(job.change) is no transfer")
        }
    }

    private func take(_ ended: Ended, into state: inout State) async throws {
        if let path = ended.settledPath { context.claims.release(path, by: owner) }
        state.filters[lane(of: ended.job)]?.note(isDenial: ended.problem?.kind == .denied)
        switch ended {
        case .upload(let job, .done(let outcome)):
            if outcome.isRacy { context.notices.noteRacy(job.entry.path) }
            state.done.uploaded += 1
            state.done.uploadsEnded += 1
            context.progress.update { $0.transfersDone += 1 }
            try await state.recorder.add(outcome)
        case .upload(let job, .failed(let outcome, let sent)):
            if let sent { try await state.recorder.add(sent) }
            try await state.recorder.add(outcome)
            if case .observedRemote = outcome { context.notices.noteSurprise() }
            if case .failed(_, let problem) = outcome, problem.kind == .refused { retryLater(job, &state) }
        case .download(_, .staged(let download)):
            state.staged.append(download)
            state.stagedBytes += download.state.size
            if state.staged.count >= Self.batchSize || state.stagedBytes >= Self.batchBytes {
                try await install(&state)
            }
        case .download(let job, .blocked(let problem)):
            try await state.recorder.add(.failed(entry: job.entry.version, problem))
            retryLater(job, &state)
        case .download(_, .failed(let outcome)):
            try await state.recorder.add(outcome)
        case .conflict(_, .settled(let settled)):
            state.done.uploaded += settled.uploaded
            state.done.downloaded += settled.downloaded
            if settled.isSettled {
                noteSettled(&state.done)
            } else if settled.problem == nil {
                context.notices.noteSurprise()
            }
            for outcome in settled.outcomes { try await state.recorder.add(outcome) }
            if let failure = settled.failure { throw failure }
        case .upload(_, .fatal(let failure, let sent)):
            if let sent { try await state.recorder.add(sent) }
            throw failure
        case .download(_, .fatal(let failure)), .conflict(_, .fatal(let failure)):
            throw failure
        }
    }

    /// A conflict was counted once each way.
    private func noteSettled(_ done: inout Done) {
        done.uploadsEnded += 1
        done.downloadsEnded += 1
        context.progress.update {
            $0.transfersDone += 2
            $0.downloadsDone += 1
        }
    }

    private func retryLater(_ job: TransferJob, _ state: inout State) {
        if state.retries.count < Self.maximumRetries { state.retries.append(job) }
    }

    /// Puts what is staged in its place; then, and only then, it is recorded.
    private func install(_ state: inout State) async throws {
        let batch = state.staged
        guard !batch.isEmpty else { return }
        state.staged = []
        state.stagedBytes = 0
        for (staged, result) in zip(batch, installer.install(batch)) {
            context.claims.release(staged.entry.path, by: owner)
            switch result {
            case .installed(let outcome):
                if outcome.isRacy { context.notices.noteRacy(staged.entry.path) }
                state.done.downloaded += 1
                state.done.downloadsEnded += 1
                context.progress.update {
                    $0.transfersDone += 1
                    $0.downloadsDone += 1
                }
                try await state.recorder.add(outcome)
            case .blocked(let problem):
                try await state.recorder.add(.failed(entry: staged.entry.version, problem))
                retryLater(TransferJob(entry: staged.entry, change: .download(replacing: staged.replaced)), &state)
            case .failed(let outcome):
                try await state.recorder.add(outcome)
            }
        }
    }
}
