/// Takes back uploads in parts that will not be completed: their parts cost money for as long as they lie there.
struct UploadCleaner: Sendable {
    let store: any ObjectStore
    let index: any JobIndex
    let notices: CycleNotices

    /// What the store's clock may show less than we take it for: it tells whole seconds.
    private static let stampTolerance: Int64 = 1_000_000_000
    /// After this long no try to begin an upload is still under way: what was begun later is not ours.
    private static let longestBeginning: Int64 = 900 * 1_000_000_000

    /// Aborts an upload and forgets it. One whose id was never saved is looked for among those of its very key that were
    /// begun after it was meant to be.
    /// - Throws: an error of the store that the next cycle may not meet, or of the index: then it is tried again.
    func abandon(_ job: UploadJob) async throws {
        if let upload = job.uploadID {
            try await abort(upload, of: job.path)
        } else {
            try await abortUnknown(of: job, but: nil)
        }
        try await index.end(job)
    }

    /// Aborts what lost answers to the wish to begin `job` may have left, but for `known`.
    func abortUnknown(of job: UploadJob, but known: String?) async throws {
        let uploads: [StoreUpload]
        do {
            uploads = try await store.uploads(of: job.path.bytes)
        } catch {
            guard error.meansNever else { throw error }
            return noteLeftover()
        }
        for upload in uploads where upload.id != known {
            guard let initiated = upload.initiated else { continue }
            let age = initiated.nanoseconds - job.stamp.nanoseconds
            if (-Self.stampTolerance...Self.longestBeginning).contains(age) {
                try await abort(upload.id, of: job.path)
            }
        }
    }

    private func abort(_ upload: String, of path: RelativePath) async throws {
        do {
            try await store.abortUpload(path.bytes, upload: upload)
        } catch {
            if error.code == .uploadGone || error.code == .notFound { return }
            guard error.meansNever else { throw error }
            noteLeftover()
        }
    }

    private func noteLeftover() {
        notices.say(
            "unfinished uploads may stay in the bucket, since they may not be listed or aborted with this key:"
                + " a lifecycle rule that aborts incomplete multipart uploads removes them"
        )
    }
}

extension StoreError {
    /// True if the same request will be refused tomorrow too: it is not allowed, or not known. An error of the service
    /// itself, a 5xx but for 501, may pass.
    fileprivate var meansNever: Bool {
        switch code {
        case .accessDenied, .notFound: true
        case .refused: status.map { $0 < 500 || $0 == 501 } ?? false
        case .preconditionFailed, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown, .badDigest, .uploadGone,
            .partsRefused, .rangeIgnored, .malformedAnswer, .archived, .localFile, .cancelled:
            false
        }
    }
}
