/// Ends jobs that no later cycle will go on with: of files that have changed or gone, of objects that were replaced.
struct JobSweep {
    private let context: CycleContext
    private let folder: Int64
    private let decider: Decider
    private let cleaner: UploadCleaner

    /// Jobs that are looked at at once.
    private static let pageSize = 100

    init(_ context: CycleContext, folder: Int64, decider: Decider) {
        self.context = context
        self.folder = folder
        self.decider = decider
        cleaner = UploadCleaner(store: context.store, index: context.index, notices: context.notices)
    }

    /// - Throws: an error of the store or the index: the next cycle tries again.
    func run() async throws {
        try await sweepDownloads()
        try await sweepUploads()
    }

    private func sweepUploads() async throws {
        var last: Int64 = 0
        while true {
            let page = try await context.index.uploads(folder, after: last, limit: Self.pageSize)
            for job in page {
                try context.stop.check()
                if try await !isWanted(job) { try await abandon(job) }
                last = job.id
            }
            if page.count < Self.pageSize { return }
        }
    }

    /// An error that concerns this upload alone keeps its job for the next cycle, and stops nothing else.
    private func abandon(_ job: UploadJob) async throws {
        do {
            try await cleaner.abandon(job)
        } catch let error as StoreError {
            if let failure = CycleFailure(fatal: error) { throw failure }
            context.notices.say("an unfinished upload could not be aborted, and is tried again: \(error.message)")
        }
    }

    /// Whether this very version of the file is still to go up; then what was sent of it is kept.
    private func isWanted(_ job: UploadJob) async throws -> Bool {
        guard let entry = try await context.index.entry(folder, at: job.path), entry.local == job.local, !entry.isAgreed
        else { return false }
        switch decider.change(for: entry) {
        case .upload, .leave(.unknown), .compare, .conflict: return true
        case .nothing, .adopt, .download, .deleteRemote, .deleteLocal, .forget, .leave: return false
        }
    }

    private func sweepDownloads() async throws {
        var last: Int64 = 0
        while true {
            let page = try await context.index.downloads(folder, after: last, limit: Self.pageSize)
            for job in page {
                if try await !isWanted(job) {
                    try? context.files.removeFile(job.temporary)
                    try await context.index.end(job)
                }
                last = job.id
            }
            if page.count < Self.pageSize { return }
        }
    }

    private func isWanted(_ job: DownloadJob) async throws -> Bool {
        guard let entry = try await context.index.entry(folder, at: job.path), entry.remote == job.remote,
            !entry.isAgreed
        else { return false }
        switch decider.change(for: entry) {
        case .download, .leave(.unknown), .compare, .conflict: return true
        case .nothing, .adopt, .upload, .deleteRemote, .deleteLocal, .forget, .leave: return false
        }
    }
}

extension Entry {
    /// True if both sides are as base recorded them. It may need another look all the same, but no transfer.
    fileprivate var isAgreed: Bool {
        guard let base else { return false }
        return base.local == local && base.remote == remote
    }
}
