/// Fetches one large object in ranges, several at once, into a temporary file, and goes on where an earlier cycle was cut
/// off.
///
/// The ranges are cut as the object's parts were, where that can be known: then the digests of the ranges are those of the
/// parts, and the object is verified while it comes.
struct RangedDownloader: Sendable {
    let folder: Int64
    let files: any FileSystem
    let store: any ObjectStore
    let index: any JobIndex
    let random: any RandomSource
    let stop: StopSignal
    let policy: PartPolicy
    let meter: TransferMeter
    let slots: PartSlots

    init(_ context: CycleContext, folder: Int64, meter: TransferMeter, slots: PartSlots) {
        self.folder = folder
        files = context.files
        store = context.store
        index = context.index
        random = context.random
        stop = context.stop
        policy = context.parts
        self.meter = meter
        self.slots = slots
    }

    /// Ranges of one object that wait for a slot or have one.
    private static let rangesAtOnce = 8
    /// Bytes that stay free on the disk.
    private static let reserve: Int64 = 16 << 20

    /// What was fetched: a file with all of the object's bytes, verified as far as its ETag allows.
    struct Fetched {
        var temporary: RelativePath
        var file: any OpenFile
        var details: ObjectDetails
        var digest: ContentDigest
    }

    /// Fetches the version `remote` of the entry's object.
    /// - Throws: ``DamagedDownload`` if the bytes contradict the ETag, `.preconditionFailed` if the object is another
    ///   now: then nothing is left of the download. All else leaves what was fetched for the next cycle, unless there is no
    ///   room for it.
    func fetch(_ entry: Entry, _ remote: RemoteState) async throws -> Fetched {
        let layout = layout(remote)
        var start = try await resumed(entry, remote, layout)
        if start == nil { start = try await begin(entry, remote, layout) }
        guard let (job, file, done) = start else { preconditionFailure("a download that was not begun") }
        do {
            return try await fetch(job, file, layout, done)
        } catch {
            if Self.isFinal(error) { try await discard(job) }
            throw error
        }
    }

    /// The layout that the object was most likely uploaded with.
    private func layout(_ remote: RemoteState) -> PartLayout {
        let likely = policy.layouts(explaining: remote.etag, size: remote.size).first
        // More than S3 can hold is no object; it is fetched in parts of some size all the same.
        return likely ?? policy.layout(of: remote.size) ?? PartLayout(size: remote.size, partSize: 5 << 30)
    }

    /// True where the file is in the way of others, or cannot be relied on.
    private static func spoils(_ error: FileSystemError) -> Bool {
        [.noSpace, .inputOutput, .stale].contains(error.code)
    }

    /// True where what was fetched is of no use to a later cycle, or stands in the way of other files.
    private static func isFinal(_ error: any Error) -> Bool {
        switch error {
        case is DamagedDownload: true
        case let error as StoreError:
            error.code == .preconditionFailed || error.code == .notFound || error.cause.map(spoils) ?? false
        case let error as FileSystemError: spoils(error)
        default: false
        }
    }

    // MARK: The job

    /// What an earlier cycle left of this very download: the file, and the ranges whose bytes are still right. Nil if
    /// there is nothing to go on from.
    private func resumed(
        _ entry: Entry,
        _ remote: RemoteState,
        _ layout: PartLayout
    ) async throws -> (DownloadJob, any OpenFile, [DownloadedPart])? {
        guard let saved = try await index.download(folder, of: entry.path) else { return nil }
        if saved.job.remote == remote, saved.job.partSize == layout.partSize,
            let file = try? files.openForWriting(saved.job.temporary), let state = try? file.status().state,
            // After a crash in the step that installs it, the name is that of the old file.
            state.size == remote.size, state.inode != entry.base?.local.inode
        {
            // What a crash left need not have reached the disk: only what can be read again counts.
            let held = try await held(saved.parts, file, layout)
            for part in held { meter.noteSpared(Int64(layout.bytes(of: part.number).count)) }
            return (saved.job, file, held)
        }
        try await discard(saved.job)
        return nil
    }

    private func held(
        _ parts: [DownloadedPart],
        _ file: any OpenFile,
        _ layout: PartLayout
    ) async throws -> [DownloadedPart] {
        var held: [DownloadedPart] = []
        for part in parts where try await isHeld(part, file, layout) { held.append(part) }
        return held
    }

    /// Whether a range's bytes are still those that were fetched. Bytes that cannot be read are fetched again.
    private func isHeld(_ part: DownloadedPart, _ file: any OpenFile, _ layout: PartLayout) async throws -> Bool {
        guard (1...layout.count).contains(part.number) else { return false }
        let hasher = ContentHasher()
        do {
            try await file.forEachPiece(of: layout.bytes(of: part.number), until: stop) { hasher.update($0) }
        } catch is FileSystemError {
            return false
        }
        return ContentDigest(hasher.finish()) == part.digest
    }

    private func begin(
        _ entry: Entry,
        _ remote: RemoteState,
        _ layout: PartLayout
    ) async throws -> (DownloadJob, any OpenFile, [DownloadedPart]) {
        let free = try files.freeSpace()
        guard free - Self.reserve >= remote.size else {
            throw Problem.noRoom(entry.path, size: remote.size, free: free)
        }
        let parent = entry.path.parent
        if let parent { try files.makeDirectories(parent) }
        let name = TemporaryName.make(random)
        let temporary = RelativePath(unchecked: name, in: parent)
        let draft = DownloadJob(path: entry.path, remote: remote, partSize: layout.partSize, temporary: temporary)
        let job = try await index.begin(folder, draft)
        do {
            let file = try files.createFile(named: name, in: parent)
            try file.preallocate(remote.size)
            return (job, file, [])
        } catch {
            try await discard(job)
            throw error
        }
    }

    private func discard(_ job: DownloadJob) async throws {
        try? files.removeFile(job.temporary)
        try await index.end(job)
    }

    // MARK: The bytes

    private func fetch(
        _ job: DownloadJob,
        _ file: any OpenFile,
        _ layout: PartLayout,
        _ done: [DownloadedPart]
    ) async throws -> Fetched {
        var details: ObjectDetails?
        var parts = done
        do {
            details = try await fetchRanges(job, file, layout, &parts)
        } catch let error as StoreError where error.code == .rangeIgnored {
            let (whole, digest) = try await store.get(job.path.bytes, expecting: job.remote, into: file)
            meter.noteReceived(job.remote.size)
            guard try file.status().state.size == job.remote.size, whole.isIntact(digest) else {
                throw DamagedDownload()
            }
            return Fetched(temporary: job.temporary, file: file, details: whole, digest: digest)
        }
        // All ranges were there already: what the object's headers say must be asked for.
        if details == nil { details = try await head(job) }
        guard let known = details else { preconditionFailure("an object without headers") }
        let ordered = parts.sorted { $0.number < $1.number }.map(\.digest)
        let digest = try await verified(ContentDigest(parts: ordered, partSize: layout.partSize), job, file, known)
        return Fetched(temporary: job.temporary, file: file, details: known, digest: digest)
    }

    /// Fetches the ranges that `parts` lacks. - Returns: what the answers say of the object; nil if none was lacking.
    private func fetchRanges(
        _ job: DownloadJob,
        _ file: any OpenFile,
        _ layout: PartLayout,
        _ parts: inout [DownloadedPart]
    ) async throws -> ObjectDetails? {
        let held = Set(parts.map(\.number))
        var rest = (1...layout.count).filter { !held.contains($0) }[...]
        var details: ObjectDetails?
        try await runBounded(limit: Self.rangesAtOnce, until: stop) {
            rest.popFirst()
        } run: { number in
            await slots.withSlot {
                await Result.of { try await fetchRange(number, job, file, layout) }
            }
        } finish: { result in
            let (part, object) = try result.get()
            parts.append(part)
            details = object
        }
        return details
    }

    /// Fetches one range and saves that, before another takes its slot.
    private func fetchRange(
        _ number: Int,
        _ job: DownloadJob,
        _ file: any OpenFile,
        _ layout: PartLayout
    ) async throws -> (DownloadedPart, ObjectDetails) {
        try stop.check()
        let range = layout.bytes(of: number)
        let (details, digest) = try await store.get(job.path.bytes, range: range, expecting: job.remote, into: file)
        let part = DownloadedPart(number: number, digest: digest)
        try await index.add(part, to: job)
        meter.noteReceived(Int64(range.count))
        return (part, details)
    }

    private func head(_ job: DownloadJob) async throws -> ObjectDetails {
        let details = try await store.head(job.path.bytes)
        guard details.state == job.remote else {
            throw StoreError(code: .preconditionFailed, message: "the object is another than the one that was fetched")
        }
        return details
    }

    /// Compares the file with the object's checksum, where the store states one.
    private func compareChecksum(_ job: DownloadJob, _ file: any OpenFile) async throws {
        guard let details = try? await store.head(job.path.bytes, asksChecksum: true), details.state == job.remote,
            let stated = details.checksum
        else { return }
        var taker = ChecksumTaker()
        try await file.forEachPiece(of: 0..<job.remote.size, until: stop) { taker.update($0) }
        guard taker.checksums.contains(stated) else { throw DamagedDownload() }
    }

    /// The digest by which the content is known, compared with what the ETag says of it.
    private func verified(
        _ digest: ContentDigest,
        _ job: DownloadJob,
        _ file: any OpenFile,
        _ details: ObjectDetails
    ) async throws -> ContentDigest {
        let etag = details.state.etag
        let size = details.state.size
        let isPlain = etag.contentDigest != nil && !details.etagIsOpaque
        if digest.etag(size: size) == etag { return digest }
        // Nothing to compare with, or parts of a size that nobody can tell.
        guard isPlain || details.notedDigest != nil || policy.layouts(explaining: etag, size: size).count > 1 else {
            try await compareChecksum(job, file)
            return digest
        }
        var hasher = ContentFingerprint(size: size, etag: etag, policy: policy, known: nil)
        try await file.forEachPiece(of: 0..<size, until: stop) { hasher.update($0) }
        let digests = hasher.finish()
        if let match = digests.first(where: { $0.etag(size: size) == etag || $0 == details.notedDigest }) {
            return match
        }
        if isPlain || details.notedDigest != nil { throw DamagedDownload() }
        return digest
    }
}

/// The bytes that came are not those that the ETag states.
struct DamagedDownload: Error {}

extension ObjectDetails {
    /// False only if the ETag is a plain MD5 and states another content.
    func isIntact(_ digest: ContentDigest) -> Bool {
        guard !etagIsOpaque, let expected = state.etag.contentDigest else { return true }
        return expected == digest || notedDigest == digest
    }
}

extension Problem {
    fileprivate static func noRoom(_ path: RelativePath, size: Int64, free: Int64) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .unwritable,
            message:
                "the object has \(size) bytes, and \(free) are free on the disk: make room; the old file is as it was"
        )
    }
}
