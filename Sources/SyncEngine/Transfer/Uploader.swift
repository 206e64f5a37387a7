/// Sends one file to the bucket: in one request, or in parts where it is large.
struct Uploader: Sendable {
    let files: any FileSystem
    let store: any ObjectStore
    let clock: any EngineClock
    let policy: PartPolicy
    let meter: TransferMeter
    let multipart: MultipartUploader
    let comparer: ContentComparer
    /// Whether the object must be looked at first, because no listing of this cycle has seen it.
    let looksFirst: Bool
    /// Whether an object that may not be looked at is left alone: for who has no base, nothing else says that none is there,
    /// and what neither side leads must not be overwritten unseen.
    let mustLook: Bool

    init(_ context: CycleContext, folder: Int64, meter: TransferMeter, slots: PartSlots, _ writing: RemoteWriting) {
        looksFirst = writing.looksBeforePuts
        mustLook = context.outcomes != nil || context.folder.policy.direction == .both
        files = context.files
        store = context.store
        clock = context.clock
        policy = context.parts
        self.meter = meter
        comparer = ContentComparer(context)
        multipart = MultipartUploader(
            context,
            folder: folder,
            meter: meter,
            slots: slots,
            looksBeforeCompleting: writing.looksBeforeCompleting
        )
    }

    /// Up to this many bytes a file is read into memory once, and hashed and sent from there.
    static let memoryLimit: Int64 = 1 << 20

    /// What a transfer came to: an outcome to record, or a failure that ends the cycle.
    enum Result: Sendable {
        case done(Outcome)
        /// `sent` comes first: an object was put there, but the file is another by now.
        case failed(Outcome, sent: Outcome? = nil)
        case fatal(CycleFailure, sent: Outcome? = nil)

        /// The same, after an object that was put there before.
        fileprivate func after(_ sent: Outcome?) -> Result {
            guard let sent else { return self }
            switch self {
            case .done(let outcome): return .failed(outcome, sent: sent)
            case .failed(let outcome, let own): return .failed(outcome, sent: own ?? sent)
            case .fatal(let failure, let own): return .fatal(failure, sent: own ?? sent)
            }
        }
    }

    /// What the tries of one upload have come to.
    private struct Tries {
        /// What stands in the bucket by them, if anything does.
        var sent: BaseState?
        /// What was sent last, answered or not, where it was held in memory; and the file that it was.
        var last: (bytes: [UInt8], state: LocalState)?

        /// The base that an unanswered try made, if what stands in the bucket is what it sent.
        func base(if now: RemoteState) -> BaseState? {
            guard let last, now.size == last.bytes.count else { return nil }
            let hasher = ContentHasher()
            last.bytes.withUnsafeBytes { hasher.update($0) }
            let digest = ContentDigest(hasher.finish())
            return digest.etag(size: now.size) == now.etag
                ? BaseState(local: last.state, remote: now, digest: digest) : nil
        }
    }

    func upload(_ entry: Entry) async -> Result {
        if looksFirst, let result = await look(at: entry) { return result }
        var tries = Tries()
        let result = await upload(entry, &tries)
        // What was sent is ours, whatever became of the file: nobody must take it for another's later on.
        return result.after(tries.sent.map { .sent(entry: entry.version, base: $0) })
    }

    private func upload(_ entry: Entry, _ tries: inout Tries) async -> Result {
        do {
            for _ in 0..<ContentComparer.maximumTries {
                if let base = try await attempt(entry, &tries) {
                    tries.sent = nil
                    let (state, isRacy, job) = base
                    return .done(.agreed(entry: entry.version, base: state, isRacy: isRacy, endedJob: job))
                }
            }
            return .failed(.failed(entry: entry.version, BusyFile(path: entry.path).problem))
        } catch let error as FileSystemError where error.code == .notFound {
            return .failed(.observedLocal(entry: entry.version, nil))
        } catch let error as FileSystemError {
            return .failed(.failed(entry: entry.version, Problem(local: entry.path, error: error)))
        } catch let problem as Problem {
            return .failed(.failed(entry: entry.version, problem))
        } catch let error as StoreError where error.code == .preconditionFailed {
            return await met(entry, tries)
        } catch let error as StoreError where error.code == .notFound {
            // The version that was to be replaced is gone.
            return .failed(.observedRemote(entry: entry.version, nil))
        } catch let error as StoreError {
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return .failed(.failed(entry: entry.version, Problem(remote: entry.path, error: error)))
        } catch {
            return .fatal(CycleFailure(of: error))
        }
    }

    /// The store found something else than was expected: that is seen now. It may be what an earlier try of ours wrote, whose
    /// answer was lost.
    private func met(_ entry: Entry, _ tries: Tries) async -> Result {
        do {
            guard let now = try await store.stateNow(entry.path.bytes) else {
                return .failed(.observedRemote(entry: entry.version, nil))
            }
            var compared = entry
            (compared.local, compared.remote, compared.base) = (try files.status(entry.path).state, now, nil)
            switch await comparer.compare(compared) {
            case .same(let base, let isRacy): return .done(.agreed(entry: entry.version, base: base, isRacy: isRacy))
            case .different, .changed, .failed:
                // The file may have been edited since.
                if let base = tries.base(if: now) { return .failed(.sent(entry: entry.version, base: base)) }
                return .failed(.observedRemote(entry: entry.version, now))
            case .fatal(let failure): return .fatal(failure)
            }
        } catch let error as StoreError {
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return .failed(.failed(entry: entry.version, Problem(remote: entry.path, error: error)))
        } catch {
            return .failed(.observedLocal(entry: entry.version, nil))
        }
    }

    /// Nil if the object is as it was when this was decided on, or may not be looked at.
    private func look(at entry: Entry) async -> Result? {
        do {
            let now = try await store.stateNow(entry.path.bytes)
            return now == entry.remote ? nil : .failed(.observedRemote(entry: entry.version, now))
        } catch {
            if error.code == .accessDenied, !mustLook { return nil }
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return .failed(.failed(entry: entry.version, Problem(remote: entry.path, error: error)))
        }
    }

    /// One try; nil if the file changed while it was read.
    private func attempt(
        _ entry: Entry,
        _ tries: inout Tries
    ) async throws -> (state: BaseState, isRacy: Bool, job: EndedJob?)? {
        let path = entry.path
        let start = clock.now()
        let file = try files.open(path)
        let before = try file.status().state
        if policy.isLarge(before.size) {
            let base = try await multipart.send(entry, file, as: before)
            if base != nil, before != entry.local { try files.makeDurable([path]) }
            return base
        }
        guard let body = try body(of: file, size: before.size) else { return nil }
        if case .bytes(let bytes) = body {
            // What was read while somebody wrote may be a mixture: it must not stand in the bucket, however short.
            guard try file.status().state == before else { return nil }
            tries.last = (bytes, before)
        }
        let base: BaseState
        do {
            let expected = ObjectExpectation(tries.sent?.remote ?? entry.remote)
            let (remote, digest) = try await store.writing(path.bytes, expecting: expected) {
                (expected) async throws(StoreError) in
                try await store.put(
                    path.bytes,
                    body: body,
                    modified: before.modified,
                    mode: before.mode,
                    expecting: expected
                )
            }
            base = BaseState(local: before, remote: remote, digest: digest)
        } catch {
            // The file may have changed between the hash and the sending: then it is read again, else it is an error.
            guard error.mayComeFromChangedFile, try file.status().state != before else { throw error }
            return nil
        }
        meter.noteSent(before.size)
        tries.sent = base
        guard try files.status(path).state == before else { return nil }
        // What was seen when this was decided on is durable; this is another version.
        if before != entry.local { try files.makeDurable([path]) }
        return (base, before.isRacy(at: start), nil)
    }

    /// The body to send; nil if the file has shrunk since its size was taken.
    private func body(of file: any OpenFile, size: Int64) throws(FileSystemError) -> UploadBody? {
        guard size <= Self.memoryLimit else { return .file(file, offset: 0, length: size) }
        var failure: FileSystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            do throws(FileSystemError) {
                while count < Int(size) {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                    let read = try file.read(into: rest, at: Int64(count))
                    if read == 0 { return }
                    count += read
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes.count == Int(size) ? .bytes(bytes) : nil
    }
}

extension StoreError {
    /// Whether a file that changed while it was sent can be the reason.
    var mayComeFromChangedFile: Bool { code == .badDigest || code == .localFile }
}

extension Problem: Error {
    static func tooLarge(_ path: RelativePath, size: Int64) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .tooLarge,
            message: "\(size) bytes are more than S3 holds in one object (48.8 TiB)"
        )
    }
}
