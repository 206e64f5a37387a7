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
    /// Whether an object that may not be looked at is left alone: where others write, too, and for who has no base, nothing
    /// else says what is there.
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
        case fatal(CycleFailure)
    }

    func upload(_ entry: Entry) async -> Result {
        if looksFirst, let result = await look(at: entry) { return result }
        var sent: BaseState?
        do {
            for _ in 0..<ContentComparer.maximumTries {
                if let base = try await attempt(entry, &sent) {
                    let job: JobKind? = policy.isLarge(base.state.local.size) ? .upload : nil
                    return .done(.agreed(entry: entry.version, base: base.state, isRacy: base.isRacy, endedJob: job))
                }
            }
            return failed(entry, .failed(entry: entry.version, BusyFile(path: entry.path).problem), sent)
        } catch let error as FileSystemError where error.code == .notFound {
            return failed(entry, .observedLocal(entry: entry.version, nil), sent)
        } catch let error as FileSystemError {
            return failed(entry, .failed(entry: entry.version, Problem(local: entry.path, error: error)), sent)
        } catch let problem as Problem {
            return failed(entry, .failed(entry: entry.version, problem), sent)
        } catch let error as StoreError where error.code == .preconditionFailed && sent == nil {
            return await met(entry)
        } catch let error as StoreError {
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return failed(entry, .failed(entry: entry.version, Problem(remote: entry.path, error: error)), sent)
        } catch {
            return .fatal(CycleFailure(of: error))
        }
    }

    /// The store found something else than was expected: that is seen now. It may be what an earlier try of ours wrote, whose
    /// answer was lost.
    private func met(_ entry: Entry) async -> Result {
        do {
            guard let now = try await store.stateNow(entry.path.bytes) else {
                return .failed(.observedRemote(entry: entry.version, nil))
            }
            var compared = entry
            (compared.local, compared.remote, compared.base) = (try files.status(entry.path).state, now, nil)
            switch await comparer.compare(compared) {
            case .same(let base, let isRacy): return .done(.agreed(entry: entry.version, base: base, isRacy: isRacy))
            case .different, .changed, .failed: return .failed(.observedRemote(entry: entry.version, now))
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

    /// What was sent is ours, whatever became of the file: nobody must take it for another's later on.
    private func failed(_ entry: Entry, _ outcome: Outcome, _ sent: BaseState?) -> Result {
        .failed(outcome, sent: sent.map { .sent(entry: entry.version, base: $0) })
    }

    /// One try; nil if the file changed while it was read. `sent` is what stands in the bucket then, if anything does.
    private func attempt(
        _ entry: Entry,
        _ sent: inout BaseState?
    ) async throws -> (state: BaseState, isRacy: Bool)? {
        let path = entry.path
        let start = clock.now()
        let file = try files.open(path)
        let before = try file.status().state
        if policy.isLarge(before.size) { return try await multipart.send(entry, file, as: before) }
        guard let body = try body(of: file, size: before.size) else { return nil }
        let base: BaseState
        do {
            let (remote, digest) = try await store.put(
                path.bytes,
                body: body,
                modified: before.modified,
                mode: before.mode,
                expecting: ObjectExpectation(entry.remote)
            )
            base = BaseState(local: before, remote: remote, digest: digest)
        } catch {
            // The file may have changed between the hash and the sending: then it is read again, else it is an error.
            guard error.mayComeFromChangedFile, try file.status().state != before else { throw error }
            return nil
        }
        meter.noteSent(before.size)
        sent = base
        guard try file.status().state == before, try files.status(path).state == before else { return nil }
        return (base, before.isRacy(at: start))
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
