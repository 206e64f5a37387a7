/// Sends one large file in parts, several at once, and goes on where an earlier cycle was cut off.
///
/// What to do is for ``UploadMachine`` to say; each step is saved before the next one relies on it: the intent before the
/// upload is begun, its id before the first part, each part after it was taken.
struct MultipartUploader: Sendable {
    let folder: Int64
    let files: any FileSystem
    let store: any ObjectStore
    let index: any JobIndex
    let clock: any EngineClock
    let stop: StopSignal
    let policy: PartPolicy
    let meter: TransferMeter
    let slots: PartSlots
    let cleaner: UploadCleaner
    let comparer: ContentComparer
    let notices: CycleNotices
    /// Whether the object that is replaced must be looked at once more, since others write there too, and the store does not
    /// look.
    let looksBeforeCompleting: Bool

    init(
        _ context: CycleContext,
        folder: Int64,
        meter: TransferMeter,
        slots: PartSlots,
        looksBeforeCompleting: Bool
    ) {
        self.folder = folder
        self.looksBeforeCompleting = looksBeforeCompleting
        files = context.files
        store = context.store
        index = context.index
        clock = context.clock
        stop = context.stop
        policy = context.parts
        self.meter = meter
        self.slots = slots
        cleaner = UploadCleaner(store: context.store, index: context.index, notices: context.notices)
        comparer = ContentComparer(context)
        notices = context.notices
    }

    /// How often a part is sent that did not arrive as it was read.
    private static let maximumTries = 2

    private static let unexplained =
        "objects sent in parts have ETags that those of their parts do not explain: each part was verified on its way;"
        + " syncd verify --read compares what the bucket holds"

    /// The file is not what it was when the upload began.
    private struct ChangedFile: Error {}

    /// Sends `file`, whose state is `local`.
    /// - Returns: the new base; nil if the file changed meanwhile, and then nothing is left of the upload.
    /// - Throws: ``Problem``, ``StoreError``, ``FileSystemError``, an error of the index, or `CancellationError`; in all
    ///   these cases the next cycle goes on from what was sent.
    func send(
        _ entry: Entry,
        _ file: any OpenFile,
        as local: LocalState
    ) async throws -> (state: BaseState, isRacy: Bool, job: EndedJob?)? {
        guard let layout = policy.layout(of: local.size) else {
            throw Problem.tooLarge(entry.path, size: local.size)
        }
        var (job, parts) = try await resumable(entry.path, local, layout)
        for part in parts { meter.noteSpared(Int64(layout.bytes(of: part.number).count)) }
        var machine = UploadMachine(layout: layout, upload: job.uploadID, parts: parts)
        var action = machine.begin()
        var lastError: StoreError?
        // What is replaced: where the object that was made is none of the parts, and they go again, it is that one.
        var standing = entry.remote
        do {
            while true {
                switch action {
                case .create:
                    if job.id == 0 { job = try await index.begin(folder, job) }
                    action = machine.created(try await create(&job))
                case .list(let upload):
                    action = try await list(upload, entry.path, &machine)
                case .send(let upload, let numbers):
                    action = try await send(file, job, layout, upload, numbers, &machine)
                case .complete(let upload, let parts):
                    try check(file, entry.path, local)
                    if looksBeforeCompleting { try await check(standing, job) }
                    (action, lastError) = try await complete(upload, job, parts, &standing, &machine)
                case .look:
                    action = machine.looked(try await look(entry, local, machine.digest))
                case .abandon:
                    try await cleaner.abandon(job)
                    (job.id, job.uploadID, job.stamp) = (0, nil, store.stampTime)
                    action = machine.abandoned()
                case .finish(let etag):
                    if machine.contradicts(etag) { notices.say(Self.unexplained) }
                    let remote = RemoteState(etag: etag, size: local.size)
                    let base = BaseState(local: local, remote: remote, digest: machine.digest)
                    return (base, local.isRacy(at: job.startedAt), job.uploadID.map { .upload(id: $0) })
                case .fail(let failure):
                    try await fail(failure, job, lastError)
                }
            }
        } catch is ChangedFile {
            try await cleaner.abandon(job)
            return nil
        }
    }

    /// What an earlier cycle saved of this very upload, or a new one; an upload of another version is given up.
    private func resumable(
        _ path: RelativePath,
        _ local: LocalState,
        _ layout: PartLayout
    ) async throws -> (UploadJob, [UploadedPart]) {
        if let saved = try await index.upload(folder, of: path) {
            let isSame = saved.job.local == local && saved.job.partSize == layout.partSize
            if isSame, saved.job.uploadID != nil { return saved }
            try await cleaner.abandon(saved.job)
        }
        let job = UploadJob(
            path: path,
            local: local,
            partSize: layout.partSize,
            startedAt: clock.now(),
            stamp: store.stampTime
        )
        return (job, [])
    }

    // MARK: Steps

    private func create(_ job: inout UploadJob) async throws -> String {
        let name = job.path.bytes
        let created = try await store.createUpload(name, modified: job.local.modified, mode: job.local.mode)
        // Before its id is saved: all that a job without one may have left is aborted after a crash.
        if created.mayHaveTwin { try await cleaner.abortUnknown(of: job, but: created.id) }
        try await index.setUploadID(created.id, of: job)
        job.uploadID = created.id
        return created.id
    }

    private func list(
        _ upload: String,
        _ path: RelativePath,
        _ machine: inout UploadMachine
    ) async throws -> UploadMachine.Action {
        do {
            return machine.listed(try await store.parts(path.bytes, upload: upload))
        } catch {
            switch error.code {
            case .uploadGone: return machine.gone()
            // It may not be allowed, or not be there: then our own notes count.
            case .accessDenied, .refused: return machine.listed(nil)
            case .notFound, .preconditionFailed, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown,
                .badDigest, .partsRefused, .rangeIgnored, .malformedAnswer, .archived, .localFile, .cancelled:
                throw error
            }
        }
    }

    private func send(
        _ file: any OpenFile,
        _ job: UploadJob,
        _ layout: PartLayout,
        _ upload: String,
        _ numbers: [Int],
        _ machine: inout UploadMachine
    ) async throws -> UploadMachine.Action {
        var rest = numbers[...]
        var sent: [UploadedPart] = []
        do {
            try await runBounded(limit: policy.partsAtOnce, until: stop) {
                rest.popFirst()
            } run: { number in
                await slots.withSlot {
                    await Result.of { try await put(number, file, job, layout, upload) }
                }
            } finish: { result in
                sent.append(try result.get())
            }
        } catch let error as StoreError where error.code == .uploadGone {
            _ = machine.sent(sent)
            return machine.gone()
        }
        return machine.sent(sent)
    }

    /// Sends one part and saves it, before another takes its slot; once more if it did not arrive as it was read.
    private func put(
        _ number: Int,
        _ file: any OpenFile,
        _ job: UploadJob,
        _ layout: PartLayout,
        _ upload: String
    ) async throws -> UploadedPart {
        let range = layout.bytes(of: number)
        let body = UploadBody.file(file, offset: range.lowerBound, length: Int64(range.count))
        var tries = 0
        while true {
            try stop.check()
            guard try file.status().state == job.local else { throw ChangedFile() }
            tries += 1
            do {
                let part = try await store.putPart(job.path.bytes, upload: upload, number: number, body: body)
                try await index.add(part, to: job)
                meter.noteSent(Int64(range.count))
                return part
            } catch let error as StoreError {
                // The file may have changed between the hash and the sending: then it is no error.
                guard error.mayComeFromChangedFile else { throw error }
                guard try file.status().state == job.local else { throw ChangedFile() }
                guard error.code == .badDigest, tries < Self.maximumTries else { throw error }
            }
        }
    }

    private func complete(
        _ upload: String,
        _ job: UploadJob,
        _ parts: [UploadedPart],
        _ standing: inout RemoteState?,
        _ machine: inout UploadMachine
    ) async throws -> (UploadMachine.Action, StoreError?) {
        do {
            let etag = try await store.writing(job.path.bytes, expecting: ObjectExpectation(standing)) {
                (expected) async throws(StoreError) in
                try await store.completeUpload(job.path.bytes, upload: upload, parts: parts, expecting: expected)
            }
            if let etag { standing = RemoteState(etag: etag, size: job.local.size) }
            return (machine.completed(etag), nil)
        } catch {
            switch error.code {
            case .uploadGone: return (machine.gone(), error)
            case .partsRefused: return (machine.refused(), error)
            case .malformedAnswer, .unreachable: return (machine.unanswered(), error)
            case .preconditionFailed:
                // It is decided on anew; what stands there may be what an earlier try made, whose answer was lost.
                try await cleaner.abandon(job)
                throw error
            case .notFound, .accessDenied, .noSuchBucket, .credentialsRefused, .slowDown,
                .badDigest, .rangeIgnored, .archived, .localFile, .cancelled, .refused:
                throw error
            }
        }
    }

    /// The ETag of the object, if it holds the file's content.
    private func look(_ entry: Entry, _ local: LocalState, _ digest: ContentDigest) async throws -> ETag? {
        let found: RemoteState
        do {
            found = try await store.head(entry.path.bytes).state
        } catch {
            guard error.code == .notFound || error.code == .accessDenied else { throw error }
            return nil
        }
        guard found.size == local.size else { return nil }
        if found.etag == digest.etag(size: local.size) { return found.etag }
        var compared = entry
        (compared.local, compared.remote, compared.base) = (local, found, nil)
        switch await comparer.compare(compared) {
        case .same(let base, _): return base.local == local ? base.remote.etag : nil
        case .different, .changed, .failed: return nil
        case .fatal(let failure): throw failure
        }
    }

    private func check(_ file: any OpenFile, _ path: RelativePath, _ local: LocalState) throws {
        guard try file.status().state == local, try files.status(path).state == local else { throw ChangedFile() }
    }

    /// - Throws: `.preconditionFailed` if the object is another than it was; then nothing is left of the upload.
    private func check(_ standing: RemoteState?, _ job: UploadJob) async throws {
        guard try await store.stateNow(job.path.bytes) != standing else { return }
        try await cleaner.abandon(job)
        throw StoreError(code: .preconditionFailed, message: "another version stands there by now")
    }

    private func fail(_ failure: UploadMachine.Failure, _ job: UploadJob, _ error: StoreError?) async throws -> Never {
        let problem = { (kind: Problem.Kind, message: String) in
            Problem(path: job.path.bytes, side: .remote, kind: kind, message: message)
        }
        switch failure {
        case .unanswered:
            throw error ?? StoreError(code: .malformedAnswer, message: "the upload was not completed")
        case .lost:
            try await cleaner.abandon(job)
            throw problem(
                .refused,
                "the service forgot the unfinished upload, twice in a row; the next cycle begins it anew"
            )
        case .refused:
            try await cleaner.abandon(job)
            throw problem(
                .refused,
                "the service did not put the parts together: \(error?.message ?? "no reason given")"
            )
        case .corrupt:
            try await cleaner.abandon(job)
            throw problem(.corrupt, "the object that the service made of the parts is not the file, twice in a row")
        }
    }
}

extension Result where Success: Sendable, Failure == any Error {
    /// What `body` returns or throws.
    static func of(_ body: @Sendable () async throws -> Success) async -> Self {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
