/// An upload in parts, saved before it began: what a crash leaves, and what a restart goes on from.
public struct UploadJob: Hashable, Sendable {
    /// The index's row; 0 before it is saved.
    public var id: Int64
    public var path: RelativePath
    /// The file as it was when the upload began: parts of any other are worthless.
    public var local: LocalState
    /// The size in bytes of every part but the last; it never changes for an upload.
    public var partSize: Int64
    /// When the file was first read for it, by our clock.
    public var startedAt: UnixTime
    /// The store's own time before the upload was begun, in whole seconds: one of the same object that was initiated
    /// earlier is not ours.
    public var stamp: UnixTime
    /// The store's id; nil until its answer was saved.
    public var uploadID: String?

    public init(
        id: Int64 = 0,
        path: RelativePath,
        local: LocalState,
        partSize: Int64,
        startedAt: UnixTime,
        stamp: UnixTime,
        uploadID: String? = nil
    ) {
        self.id = id
        self.path = path
        self.local = local
        self.partSize = partSize
        self.startedAt = startedAt
        self.stamp = stamp
        self.uploadID = uploadID
    }
}

/// A download in ranges, saved before it began.
public struct DownloadJob: Hashable, Sendable {
    /// The index's row; 0 before it is saved.
    public var id: Int64
    public var path: RelativePath
    /// The version that is fetched: ranges of any other are worthless.
    public var remote: RemoteState
    /// The size in bytes of every range but the last.
    public var partSize: Int64
    /// The file that the ranges go to, until it takes its place.
    public var temporary: RelativePath

    public init(id: Int64 = 0, path: RelativePath, remote: RemoteState, partSize: Int64, temporary: RelativePath) {
        self.id = id
        self.path = path
        self.remote = remote
        self.partSize = partSize
        self.temporary = temporary
    }
}

/// A range that was fetched.
public struct DownloadedPart: Hashable, Sendable {
    /// 1 or more.
    public var number: Int
    /// The MD5 of its bytes: after a crash they are read again and compared, since nothing says that they reached the
    /// disk.
    public var digest: ContentDigest

    public init(number: Int, digest: ContentDigest) {
        self.number = number
        self.digest = digest
    }
}

/// A transfer of many steps that has come to its end.
public enum EndedJob: Hashable, Sendable {
    /// By the store's id of the upload: another one of the same path may have been begun meanwhile.
    case upload(id: String)
    case download
}

/// The memory of transfers that take many steps. Each function that writes is one transaction. A job goes with the
/// outcome that it came to, in the same transaction; all else that ends one says so here.
public protocol JobIndex: Sendable {
    /// The upload of a path and its parts in the order of their numbers; nil if none was begun.
    func upload(_ folder: Int64, of path: RelativePath) async throws -> (job: UploadJob, parts: [UploadedPart])?
    /// Saves that an upload is about to begin; the path must have no other. - Returns: the job with its id.
    func begin(_ folder: Int64, _ job: UploadJob) async throws -> UploadJob
    /// Saves the store's id of an upload.
    func setUploadID(_ uploadID: String, of job: UploadJob) async throws
    /// Saves a part that the store has taken; one of the same number is replaced.
    func add(_ part: UploadedPart, to job: UploadJob) async throws
    /// Forgets an upload and its parts.
    func end(_ job: UploadJob) async throws
    /// Uploads with ids above `id`, in their order.
    func uploads(_ folder: Int64, after id: Int64, limit: Int) async throws -> [UploadJob]

    /// The download of a path and its ranges in the order of their numbers; nil if none was begun.
    func download(_ folder: Int64, of path: RelativePath) async throws -> (job: DownloadJob, parts: [DownloadedPart])?
    /// Saves that a download is about to begin; the path must have no other. - Returns: the job with its id.
    func begin(_ folder: Int64, _ job: DownloadJob) async throws -> DownloadJob
    /// Saves a range whose bytes were written; one of the same number is replaced.
    func add(_ part: DownloadedPart, to job: DownloadJob) async throws
    /// Forgets a download and its ranges.
    func end(_ job: DownloadJob) async throws
    /// Downloads with ids above `id`, in their order.
    func downloads(_ folder: Int64, after id: Int64, limit: Int) async throws -> [DownloadJob]
}
