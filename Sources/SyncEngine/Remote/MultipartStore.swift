/// An unfinished upload of one object, by its store's id for it.
public struct StoreUpload: Hashable, Sendable {
    /// Opaque.
    public var id: String
    /// When it was begun by the store's clock; nil where the store does not say.
    public var initiated: UnixTime?

    public init(id: String, initiated: UnixTime?) {
        self.id = id
        self.initiated = initiated
    }
}

/// One part of an unfinished upload, as the store lists it.
public struct StoredPart: Hashable, Sendable {
    /// 1 or more.
    public var number: Int
    public var etag: ETag
    /// In bytes.
    public var size: Int64

    public init(number: Int, etag: ETag, size: Int64) {
        self.number = number
        self.etag = etag
        self.size = size
    }
}

/// A part that was sent and taken.
public struct UploadedPart: Hashable, Sendable {
    /// 1 or more.
    public var number: Int
    /// What the store calls the part; an upload is completed with these.
    public var etag: ETag
    /// The MD5 of what was sent, checked by the store.
    public var digest: ContentDigest

    public init(number: Int, etag: ETag, digest: ContentDigest) {
        self.number = number
        self.etag = etag
        self.digest = digest
    }
}

/// Uploads in parts, and downloads in ranges: what the engine asks of a store for objects that
/// ``PartPolicy`` calls large. Names are bytes below the prefix.
public protocol MultipartStore: Sendable {
    /// Begins an upload. - Returns: its id, and whether a lost answer may have left another one behind.
    func createUpload(
        _ name: [UInt8],
        modified: UnixTime,
        mode: UInt16
    ) async throws(StoreError) -> (id: String, mayHaveTwin: Bool)
    /// Sends a part, replacing what was sent under its number before. `body` is the part alone.
    func putPart(
        _ name: [UInt8],
        upload: String,
        number: Int,
        body: UploadBody
    ) async throws(StoreError)
        -> UploadedPart
    /// The parts that the store holds. - Throws: `.uploadGone` where it holds no such upload.
    func parts(_ name: [UInt8], upload: String) async throws(StoreError) -> [StoredPart]
    /// Makes the object. - Returns: its ETag, where the store says it.
    /// - Throws: `.uploadGone` also where an earlier try, whose answer was lost, has made it; `.partsRefused` where the
    ///   store does not take the parts as they are; `.malformedAnswer` and `.unreachable` leave open what it did;
    ///   `.preconditionFailed` if something else stands there than is expected, where the store is relied on to notice:
    ///   that may be what an earlier try made, whose answer was lost. Then the upload is worth nothing any more.
    func completeUpload(
        _ name: [UInt8],
        upload: String,
        parts: [UploadedPart],
        expecting expected: ObjectExpectation
    ) async throws(StoreError) -> ETag?
    /// Gives an upload up. - Throws: `.uploadGone` where there is none.
    func abortUpload(_ name: [UInt8], upload: String) async throws(StoreError)
    /// Unfinished uploads of exactly this object, whoever began them.
    func uploads(of name: [UInt8]) async throws(StoreError) -> [StoreUpload]
    /// The store's own time as its last answer told it, in whole seconds; ours where none has come.
    var stampTime: UnixTime { get }

    /// Writes a range of an object's bytes to the same offsets of `file`.
    /// - Returns: the details of the object, and the MD5 of the range.
    /// - Throws: `.preconditionFailed` if the object is not `expected`, whether or not the store noticed;
    ///   `.rangeIgnored` if the answer held other bytes than were asked for.
    func get(
        _ name: [UInt8],
        range: Range<Int64>,
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest)
}
