/// Sends one file to the bucket.
struct Uploader: Sendable {
    let files: any FileSystem
    let store: any ObjectStore
    let clock: any EngineClock

    /// Up to this many bytes a file is read into memory once, and hashed and sent from there.
    static let memoryLimit: Int64 = 1 << 20
    /// The largest object that one PUT may carry (AWS, "Uploading objects", read 2026-11-22).
    static let maximumSize: Int64 = 5 << 30

    /// What a transfer came to: an outcome to record, or a failure that ends the cycle.
    enum Result: Sendable {
        case done(Outcome, bytes: Int64)
        case failed(Outcome)
        case fatal(CycleFailure)
    }

    func upload(_ entry: Entry) async -> Result {
        do {
            for _ in 0..<ContentComparer.maximumTries {
                if let base = try await attempt(entry.path) {
                    let outcome = Outcome.agreed(entry: entry.id, base: base.state, isRacy: base.isRacy)
                    return .done(outcome, bytes: base.state.local.size)
                }
            }
            return .failed(.failed(entry: entry.id, BusyFile(path: entry.path).problem))
        } catch let error as FileSystemError where error.code == .notFound {
            return .failed(.observedLocal(entry: entry.id, nil))
        } catch let error as FileSystemError {
            return .failed(.failed(entry: entry.id, Problem(local: entry.path, error: error)))
        } catch let problem as Problem {
            return .failed(.failed(entry: entry.id, problem))
        } catch let error as StoreError {
            if let failure = CycleFailure(fatal: error) { return .fatal(failure) }
            return .failed(.failed(entry: entry.id, Problem(remote: entry.path, error: error)))
        } catch {
            return .fatal(CycleFailure(code: .interrupted, message: "stopped on request"))
        }
    }

    /// One try; nil if the file changed while it was read.
    private func attempt(_ path: RelativePath) async throws -> (state: BaseState, isRacy: Bool)? {
        let start = clock.now()
        let file = try files.open(path)
        let before = try file.status().state
        guard before.size <= Self.maximumSize else { throw Problem.tooLarge(path, size: before.size) }
        guard let body = try body(of: file, size: before.size) else { return nil }
        let sent: (remote: RemoteState, digest: ContentDigest)
        do {
            sent = try await store.put(path.bytes, body: body, modified: before.modified, mode: before.mode)
        } catch {
            // The file may have changed between the hash and the sending: then it is read again, else it is an error.
            guard error.mayComeFromChangedFile, try file.status().state != before else { throw error }
            return nil
        }
        guard try file.status().state == before, try files.status(path).state == before else { return nil }
        return (BaseState(local: before, remote: sent.remote, digest: sent.digest), before.isRacy(at: start))
    }

    /// The body to send; nil if the file has shrunk since its size was taken.
    private func body(of file: any OpenFile, size: Int64) throws(FileSystemError) -> UploadBody? {
        guard size <= Self.memoryLimit else { return .file(file, length: size) }
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
    fileprivate var mayComeFromChangedFile: Bool { code == .badDigest || code == .localFile }
}

extension Problem: Error {
    static func tooLarge(_ path: RelativePath, size: Int64) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .tooLarge,
            message: "\(size) bytes are more than the 5 GiB that one PUT carries, and this version sends no parts"
        )
    }
}
