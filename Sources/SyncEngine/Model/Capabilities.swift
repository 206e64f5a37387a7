/// What a service was seen to do with the requests to one bucket. What was not seen to be refused is not relied on.
public struct Capabilities: Hashable, Sendable {
    /// What was seen.
    public enum Verdict: String, Sendable {
        case yes
        case no
        /// It could not be found out: the keys may not, or the service failed.
        case unknown
    }

    /// What a service may be able to do.
    public enum Feature: String, CaseIterable, Sendable {
        /// Refuses a PUT with `If-None-Match: *` where an object is.
        case putIfNoneMatch
        /// Refuses a PUT with another ETag in `If-Match`, and takes one with the right one in quotes.
        case putIfMatch
        /// The same, but takes only the bare ETag, without quotes.
        case putIfMatchUnquoted
        /// Looks, before it makes an object of parts, at what stands there: refuses with `If-None-Match: *` where an object is,
        /// and with another ETag in `If-Match`, and takes the right one, spelled as for a PUT.
        case completeIfMatch
        case deleteIfMatch
        case getIfMatch
        /// Refuses a body whose Content-MD5 is another's.
        case contentMD5
        /// Refuses a body with a wrong checksum, and takes one with the right one.
        case crc32c
        case crc64nvme
        /// Refuses a copy whose source has another ETag than `x-amz-copy-source-if-match`.
        case copyIfMatch
        /// Copies parts of objects into an upload.
        case partCopy
        case batchDelete
        /// Lists keys in the order of their bytes.
        case byteOrder
        /// Keeps a backslash in a key.
        case backslashes
        /// Keeps `//` in a key.
        case emptySegments
        /// Keeps line breaks and their like in a key.
        case controlCharacters
        /// Keeps a `/` at the end of a key.
        case markers
    }

    private var verdicts: [Feature: Verdict] = [:]

    public init() {}

    /// What was seen of one; unknown until it is set.
    public subscript(feature: Feature) -> Verdict {
        get { verdicts[feature] ?? .unknown }
        set { verdicts[feature] = newValue == .unknown ? nil : newValue }
    }

    /// Whether the service looks at what stands at a key before a PUT replaces it.
    public var guardsPuts: Bool {
        self[.putIfNoneMatch] == .yes && (self[.putIfMatch] == .yes || self[.putIfMatchUnquoted] == .yes)
    }

    /// An ETag as a condition names it: in quotes, but for a service that was seen to want it without.
    func spelled(_ etag: String) -> String {
        self[.putIfMatch] != .yes && self[.putIfMatchUnquoted] == .yes ? etag : "\"\(etag)\""
    }

    /// These verdicts, and those of `others` where these are unknown.
    public func completed(by others: Capabilities) -> Capabilities {
        var completed = self
        for feature in Feature.allCases where self[feature] == .unknown { completed[feature] = others[feature] }
        return completed
    }
}

/// What of a service was tried, and when.
public struct KnownCapabilities: Hashable, Sendable {
    public var verdicts: Capabilities
    public var triedAt: UnixTime

    public init(verdicts: Capabilities, triedAt: UnixTime) {
        self.verdicts = verdicts
        self.triedAt = triedAt
    }
}

/// What keys may do with one prefix, as far as it was tried.
public struct Permissions: Hashable, Sendable {
    /// By IAM's names, in lower case.
    public enum Action: String, CaseIterable, Sendable {
        case list, get, put, delete
        /// To take back an upload in parts.
        case abort
    }

    private var verdicts: [Action: Capabilities.Verdict] = [:]

    public init() {}

    /// What was found of one; unknown until it is set.
    public subscript(action: Action) -> Capabilities.Verdict {
        get { verdicts[action] ?? .unknown }
        set { verdicts[action] = newValue }
    }
}
