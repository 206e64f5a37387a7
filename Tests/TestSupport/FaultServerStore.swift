public import S3API

/// What the service holds. A value: tests may read and change it at will, also in the midst of a request.
public struct FaultStore: Sendable {
    public var buckets: [String: FaultBucket] = [:]
    public var quirks: FaultQuirks
    /// Draws upload ids and opaque ETags.
    var random: SeededGenerator

    /// `seed` makes another service, with other upload ids.
    public init(quirks: FaultQuirks = FaultQuirks(), seed: UInt64 = 1) {
        self.quirks = quirks
        random = SeededGenerator(seed: seed)
    }

    /// Writes an object as another client would, now or at `modified`. `etag` is nil for its MD5.
    public mutating func put(
        _ content: [UInt8],
        as key: String,
        in bucket: String = FaultServer.bucket,
        etag: String? = nil,
        modified: Int64 = 0
    ) {
        let tag = etag ?? FaultDigests.etag(content)
        buckets[bucket]?.objects[Array(key.utf8)] = FaultObject(content: content, etag: tag, modified: modified)
    }

    /// What an object holds; nil if it is not there.
    public func content(of key: String, in bucket: String = FaultServer.bucket) -> [UInt8]? {
        buckets[bucket]?.objects[Array(key.utf8)]?.content
    }

    /// The uploads under way, in the order of their ids.
    public func uploads(in bucket: String = FaultServer.bucket) -> [FaultUpload] {
        (buckets[bucket]?.uploads ?? [:]).values.sorted { $0.id < $1.id }
    }

    /// 32 digits that are no digest of anything.
    mutating func opaqueTag() -> String {
        let halves = [random.next(), random.next()].map { String($0, radix: 16) }
        return halves.map { String(repeating: "0", count: 16 - $0.utf8.count) + $0 }.joined()
    }

    /// With all the characters that some service has in its ids, and those that a query must escape.
    mutating func uploadID() -> String { "2~\(opaqueTag())._-/+=&%41" }
}

/// One bucket.
public struct FaultBucket: Sendable {
    public var created: Int64
    public var region = "us-east-1"
    public var objects: [[UInt8]: FaultObject] = [:]
    /// By their ids.
    public var uploads: [String: FaultUpload] = [:]
    /// Ids of uploads that were completed, and the ETags that came of them.
    public var completed: [String: String] = [:]
    /// Codes that a batch of deletes reports for a key, one after the other; then it is deleted.
    public var deleteErrors: [[UInt8]: [String]] = [:]

    /// `created` is in seconds since 1970.
    public init(created: Int64) {
        self.created = created
    }
}

/// One object.
public struct FaultObject: Sendable {
    public var content: [UInt8]
    /// Without quotes.
    public var etag: String
    /// Seconds since 1970.
    public var modified: Int64
    /// Names in lower case.
    public var metadata: [String: String] = [:]
    public var contentType: String?
    /// `GLACIER` and `DEEP_ARCHIVE` cannot be read.
    public var storageClass: String?
    public var isUnderKMS = false
    /// The MD5 of the caller's key, in Base64.
    public var customerKeyMD5: String?
    /// What is stated in place of the right one.
    public var checksum: Checksum?
    public var checksumType: String?

    public init(content: [UInt8], etag: String, modified: Int64) {
        (self.content, self.etag, self.modified) = (content, etag, modified)
    }
}

/// A multipart upload under way.
public struct FaultUpload: Sendable {
    public var id: String
    public var key: [UInt8]
    /// Seconds since 1970.
    public var initiated: Int64
    public var metadata: [String: String] = [:]
    public var contentType: String?
    public var customerKeyMD5: String?
    /// In the order in which they came; a number more than once only under ``FaultQuirks/keepsReplacedParts``.
    public var parts: [FaultPart] = []

    public init(id: String, key: [UInt8], initiated: Int64) {
        (self.id, self.key, self.initiated) = (id, key, initiated)
    }
}

/// A part of an upload.
public struct FaultPart: Sendable {
    public var number: Int
    public var content: [UInt8]
    /// Without quotes.
    public var etag: String
    public var modified: Int64
}
