/// One object in a listing.
public struct ListedObject: Hashable, Sendable {
    /// The key's bytes below the folder's prefix; empty for a marker of the prefix itself.
    public var name: [UInt8]
    public var state: RemoteState

    public init(name: [UInt8], state: RemoteState) {
        self.name = name
        self.state = state
    }
}

/// What a page of a listing is asked for. Names are bytes below the prefix.
public struct NameQuery: Hashable, Sendable {
    /// What all names begin with.
    public var start: [UInt8]
    /// Whether names with a `/` behind `start` come as one directory each, which is what they begin with up to that `/`.
    public var groupsDirectories: Bool
    /// Only names behind this one in the store's own order; nil for all.
    public var after: [UInt8]?
    /// What the page before named; nil for the first page.
    public var continuation: String?

    public init(
        start: [UInt8] = [],
        groupsDirectories: Bool = false,
        after: [UInt8]? = nil,
        continuation: String? = nil
    ) {
        self.start = start
        self.groupsDirectories = groupsDirectories
        self.after = after
        self.continuation = continuation
    }
}

/// One page of a listing.
public struct ObjectPage: Sendable {
    public var objects: [ListedObject]
    /// Names of directories, each ending in `/`; none where directories were not asked for.
    public var directories: [[UInt8]]
    /// What the next page is asked with; nil on the last page.
    public var continuation: String?

    public init(objects: [ListedObject], directories: [[UInt8]] = [], continuation: String?) {
        self.objects = objects
        self.directories = directories
        self.continuation = continuation
    }
}

/// What a HEAD, GET or PUT says of an object beyond a listing.
public struct ObjectDetails: Hashable, Sendable {
    public var state: RemoteState
    /// From the metadata `mtime`; nil where there is none or it is unreadable. Then ``lastModified`` stands in.
    public var modified: UnixTime?
    /// From the metadata `mode`.
    public var mode: UInt16?
    /// The server's own time of the last write.
    public var lastModified: UnixTime?
    /// The content's MD5 as another writer noted it in metadata (`syncd-digest`, rclone's `md5chksum`).
    public var notedDigest: ContentDigest?
    /// True where the ETag is known to say nothing about the content: SSE-KMS, SSE-C.
    public var etagIsOpaque: Bool
    /// Of the whole content; nil where the store keeps none, or was not asked for it.
    public var checksum: ContentChecksum?

    public init(
        state: RemoteState,
        modified: UnixTime? = nil,
        mode: UInt16? = nil,
        lastModified: UnixTime? = nil,
        notedDigest: ContentDigest? = nil,
        etagIsOpaque: Bool = false,
        checksum: ContentChecksum? = nil
    ) {
        self.state = state
        self.modified = modified
        self.mode = mode
        self.lastModified = lastModified
        self.notedDigest = notedDigest
        self.etagIsOpaque = etagIsOpaque
        self.checksum = checksum
    }
}

/// What is sent by a PUT, or as one part.
public enum UploadBody: Sendable {
    case bytes([UInt8])
    /// `length` bytes of an open file from `offset` on.
    case file(any OpenFile, offset: Int64, length: Int64)

    /// In bytes.
    public var length: Int64 {
        switch self {
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, _, let length): length
        }
    }
}

/// How one key of a batch of deletes ended.
public enum DeleteResult: Sendable {
    /// Deleted, or not there.
    case deleted
    case failed(StoreError)
}

/// The names of the objects below one prefix of one bucket, as bytes below the prefix.
public protocol ObjectLister: Sendable {
    /// One page of what `query` asks for, in whatever order the store lists.
    func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage
    /// Whether names are known to come in the order of their bytes, and ``NameQuery/after`` to mean that order.
    var listsInByteOrder: Bool { get }
}

/// The objects below one prefix of one bucket: what the engine asks of a store. Names are bytes below the prefix.
/// Implementations retry what is worth retrying; what they throw is final for this cycle.
public protocol ObjectStore: ObjectLister, MultipartStore {
    /// What HEAD says of an object; with `asksChecksum` its checksum too, which may need another right.
    /// - Throws: `.notFound` only where the store says 404.
    func head(_ name: [UInt8], asksChecksum: Bool) async throws(StoreError) -> ObjectDetails
    /// Writes the object's bytes to `file` from offset 0.
    /// - Returns: the details, and the MD5 of what was written.
    /// - Throws: `.preconditionFailed` if the object is not `expected`, whether or not the store noticed; `.badDigest` if
    ///   its bytes came otherwise than the store itself states.
    func get(
        _ name: [UInt8],
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError)
        -> (ObjectDetails, ContentDigest)
    /// Reads an object's bytes, or a range of them that is not empty and ends within it, and drops them.
    /// - Returns: the MD5 of what came.
    /// - Throws: `.preconditionFailed` if the object is not `expected`, `.rangeIgnored` if other bytes came than were
    ///   asked for, whether or not the store noticed.
    func digest(
        of name: [UInt8],
        range: Range<Int64>?,
        expecting expected: RemoteState
    ) async throws(StoreError)
        -> ContentDigest
    /// Writes an object. - Returns: what the store says of it, and the MD5 of what was sent, checked by the store.
    /// - Throws: `.preconditionFailed` if something else stands there than is expected, where the store is relied on to
    ///   notice; what stands there may be what an earlier try wrote, whose answer was lost.
    func put(
        _ name: [UInt8],
        body: UploadBody,
        modified: UnixTime,
        mode: UInt16,
        expecting expected: ObjectExpectation
    ) async throws(StoreError)
        -> (RemoteState, ContentDigest)
    /// Writes a zero-byte object: a folder marker.
    func putMarker(_ name: [UInt8]) async throws(StoreError)
    /// Deletes an object if it is still this version. - Throws: `.preconditionFailed` if it is another; `.notFound` or
    ///   nothing if it is not there.
    /// - Precondition: the store is relied on to look at the condition.
    func delete(_ name: [UInt8], expecting etag: ETag) async throws(StoreError)
    /// Deletes up to 1,000 objects, whatever their versions. - Returns: one result for each name, in order.
    func delete(_ names: [[UInt8]]) async throws(StoreError) -> [DeleteResult]
    /// Finds out what the store does, with a few small objects of its own, of which nothing is left. `nonce` is random.
    /// - Throws: what keeps anything from being found out.
    func probe(_ nonce: [UInt8]) async throws(StoreError) -> Capabilities
    /// From now on the store may make use of what it was seen to do.
    func rely(on capabilities: Capabilities)
    /// Requests sent so far, by class: LIST, GET, HEAD, PUT, DELETE, POST; each try counts.
    var requestCounts: [String: Int64] { get }
    /// Tries after the first of each request, so far.
    var retryCount: Int64 { get }
    /// Requests that are worth having under way or ready at the moment, at least 1; nil if as many as may be. It changes
    /// with what the store can bear.
    var worthwhileRequests: Int? { get }
}

extension ObjectStore {
    public var worthwhileRequests: Int? { nil }
}

extension ObjectStore {
    func head(_ name: [UInt8]) async throws(StoreError) -> ObjectDetails { try await head(name, asksChecksum: false) }

    /// What stands at a name now; nil only where the store says that nothing does.
    ///
    /// To keys that may list no more than a prefix, AWS answers a HEAD of what is not there as if it were forbidden
    /// (HeadObject, read 2026-11-28): a HEAD names no prefix. A listing of the one key does, and tells.
    func stateNow(_ name: [UInt8]) async throws(StoreError) -> RemoteState? {
        do {
            return try await head(name).state
        } catch {
            if error.code == .notFound { return nil }
            guard error.code == .accessDenied, let page = try? await list(NameQuery(start: name)) else {
                throw error
            }
            if let object = page.objects.first(where: { $0.name == name }) { return object.state }
            // Of so many keys that begin with this one it may be on another page.
            guard page.continuation == nil else { throw error }
            return nil
        }
    }
}

extension ObjectStore {
    /// Runs `write` with the condition `expected`; where the store refuses since something stands at `name`, and a look shows
    /// that nothing does, once more, since it may have gone just now, and then without a condition: SeaweedFS, which lists by
    /// directory, takes a directory of that name for an object (4.48, seen 2026-11-28).
    func writing<Value>(
        _ name: [UInt8],
        expecting expected: ObjectExpectation,
        _ write: (ObjectExpectation) async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        for _ in 0..<2 {
            do {
                return try await write(expected)
            } catch {
                // 409 says that somebody else is writing there.
                let isRefusal = error.code == .preconditionFailed && error.status != 409
                guard isRefusal, expected == .nothing, !listsInByteOrder, try await stateNow(name) == nil else {
                    throw error
                }
            }
        }
        return try await write(.anything)
    }
}

/// A refused or failed request, as far as the engine and the operator need it.
public struct StoreError: Error, Sendable {
    /// What callers branch on.
    public enum Code: String, Sendable {
        case notFound
        case preconditionFailed
        case accessDenied
        /// The bucket is not there.
        case noSuchBucket
        /// The keys are unknown, wrong or expired: nothing will succeed with them.
        case credentialsRefused
        /// No answer, after all retries.
        case unreachable
        /// The service asks for less, after all retries.
        case slowDown
        /// The body did not arrive as it was sent.
        case badDigest
        /// The store knows no such upload: it was completed or aborted, or it has expired.
        case uploadGone
        /// An upload cannot be completed with these parts: EntityTooSmall, InvalidPart, InvalidPartOrder.
        case partsRefused
        /// The answer to a range held other bytes.
        case rangeIgnored
        /// A malformed or incomplete answer.
        case malformedAnswer
        /// The object cannot be read now: archived.
        case archived
        /// A local read or write failed under the transfer.
        case localFile
        case cancelled
        /// Any other refusal.
        case refused
    }

    public var code: Code
    /// One sentence: operation, object, the service's code and words, request id. It holds no secret.
    public var message: String
    /// The HTTP status, where there was an answer.
    public var status: Int?
    /// The operation by S3's name, where there was one.
    public var operation: String?
    /// Set with ``Code/localFile``.
    public var cause: FileSystemError?

    public init(
        code: Code,
        message: String,
        status: Int? = nil,
        operation: String? = nil,
        cause: FileSystemError? = nil
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.operation = operation
        self.cause = cause
    }
}
