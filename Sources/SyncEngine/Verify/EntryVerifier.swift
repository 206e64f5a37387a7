/// Looks at both sides of one entry and judges what it saw. It writes nothing anywhere.
struct EntryVerifier: Sendable {
    private let policy: Policy
    private let file: FileInspector
    private let object: ObjectInspector

    init(_ context: CycleContext, readsObjects: Bool) {
        policy = context.folder.policy
        file = FileInspector(files: context.files, comparer: ContentComparer(context))
        object = ObjectInspector(store: context.store, reader: readsObjects ? ObjectReader(context) : nil)
    }

    /// An entry to be verified.
    struct Job: Sendable {
        var entry: Entry
        var base: BaseState
        var mark: ListingMarks.Mark
    }

    /// What was found of an entry.
    struct Result: Sendable {
        var base: BaseState
        var verdict: VerifyVerdict
        var findings: [Finding]
        var bytesRead: Int64
        var bytesFetched: Int64
    }

    enum Ended: Sendable {
        case done(Result)
        case fatal(CycleFailure)
    }

    func verify(_ job: Job) async -> Ended {
        do {
            var fetched: Int64 = 0
            let path = job.entry.path
            let objectLook = try await object.look(at: path, base: job.base, mark: job.mark, fetched: &fetched)
            let etag = objectLook.etag ?? job.base.remote.etag
            let fileLook = try await file.look(at: path, etag: etag, base: job.base.digest)
            let evidence = EntryEvidence(
                entry: job.entry,
                base: job.base,
                policy: policy,
                file: fileLook,
                object: objectLook
            )
            let sentences = FindingSentences(evidence)
            return .done(
                Result(
                    base: job.base,
                    verdict: sentences.verdict,
                    findings: sentences.findings,
                    bytesRead: fileLook.size,
                    bytesFetched: fetched
                )
            )
        } catch {
            return .fatal(CycleFailure(of: error))
        }
    }
}

extension ObjectLook {
    /// The ETag of a version that is not base's.
    fileprivate var etag: ETag? {
        switch self {
        case .present(let details, _): details.state.etag
        case .asBase, .restless, .gone, .unreadable: nil
        }
    }
}

extension FileLook {
    /// Bytes that were read to the end.
    fileprivate var size: Int64 {
        switch self {
        case .read(let reading): reading.state.size
        case .restless, .gone, .unreadable: 0
        }
    }
}
