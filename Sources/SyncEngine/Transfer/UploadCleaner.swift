/// Takes back uploads in parts that will not be completed: their parts cost money for as long as they lie there.
struct UploadCleaner: Sendable {
    let store: any ObjectStore
    let index: any JobIndex
    let notices: CycleNotices

    /// What the store's clock may show less than we take it for: it tells whole seconds.
    private static let stampTolerance: Int64 = 1_000_000_000

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
            guard error.code == .accessDenied || error.code == .refused || error.code == .notFound else { throw error }
            return noteLeftover()
        }
        for upload in uploads where upload.id != known {
            guard let initiated = upload.initiated else { continue }
            if initiated.nanoseconds >= job.stamp.nanoseconds - Self.stampTolerance {
                try await abort(upload.id, of: job.path)
            }
        }
    }

    private func abort(_ upload: String, of path: RelativePath) async throws {
        do {
            try await store.abortUpload(path.bytes, upload: upload)
        } catch {
            switch error.code {
            case .uploadGone, .notFound: return
            case .accessDenied, .refused: noteLeftover()
            case .preconditionFailed, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown, .badDigest,
                .partsRefused, .rangeIgnored, .malformedAnswer, .archived, .localFile, .cancelled:
                throw error
            }
        }
    }

    private func noteLeftover() {
        notices.say(
            "unfinished uploads may stay in the bucket, since they may not be listed or aborted with this key:"
                + " a lifecycle rule that aborts incomplete multipart uploads removes them"
        )
    }
}
