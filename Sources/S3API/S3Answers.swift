/// One bucket of an account.
public struct S3Bucket: Hashable, Sendable {
    public var name: String
    public var created: S3Time?
    /// Where the service says it in its list; AWS does, few others.
    public var region: String?
}

/// One object in a listing.
public struct S3ListedObject: Hashable, Sendable {
    public var key: ObjectKey
    /// In bytes.
    public var size: Int64
    /// Without quotes.
    public var etag: String
    public var modified: S3Time?
    public var storageClass: String?

    public init(key: ObjectKey, size: Int64, etag: String, modified: S3Time? = nil, storageClass: String? = nil) {
        self.key = key
        self.size = size
        self.etag = etag
        self.modified = modified
        self.storageClass = storageClass
    }
}

/// One page of a listing.
public struct ListPage: Hashable, Sendable {
    public var objects: [S3ListedObject] = []
    /// Where a delimiter was asked for: what the other keys begin with.
    public var commonPrefixes: [ObjectKey] = []
    /// What the next page is asked with; nil on the last page.
    public var continuation: String?

    public init() {}
}

/// Answers of S3, read from their XML. Each throws ``XMLReader/Refusal`` for a document that is not whole.
enum S3Answers {
    static func listPage(_ body: [UInt8]) throws(XMLReader.Refusal) -> ListPage {
        var page = ListPage()
        page.objects.reserveCapacity(1_000)
        var builder = ListBuilder()
        try XMLReader.read(body, roots: [.listBucketResult]) { builder.take($0, into: &page) }
        try builder.finish(&page)
        return page
    }

    static func buckets(_ body: [UInt8]) throws(XMLReader.Refusal) -> [S3Bucket] {
        var buckets: [S3Bucket] = []
        var current = S3Bucket(name: "")
        try XMLReader.read(body, roots: [.listAllMyBucketsResult]) { event in
            switch event {
            case .leaf(.name, .bucket, let text): current.name = String(decoding: text, as: UTF8.self)
            case .leaf(.creationDate, .bucket, let text): current.created = S3Time(iso8601: text)
            case .leaf(.bucketRegion, .bucket, let text): current.region = String(decoding: text, as: UTF8.self)
            case .end(.bucket):
                buckets.append(current)
                current = S3Bucket(name: "")
            case .leaf, .end: break
            }
        }
        return buckets
    }

    /// The region that a LocationConstraint names. Empty means us-east-1, `EU` eu-west-1; Ceph says `default`, which
    /// names none, and SeaweedFS wraps the element in another.
    static func location(_ body: [UInt8]) throws(XMLReader.Refusal) -> String {
        var location = ""
        try XMLReader.read(body, roots: [.locationConstraint, .other]) { event in
            if case .leaf(.locationConstraint, _, let text) = event { location = String(decoding: text, as: UTF8.self) }
        }
        switch location {
        case "", "default", "US": return "us-east-1"
        case "EU": return "eu-west-1"
        default: return location
        }
    }

    /// The keys that a batch of deletes reports, each with its error or none.
    static func deleteResults(_ body: [UInt8]) throws(XMLReader.Refusal) -> [[UInt8]: ErrorDocument?] {
        var results: [[UInt8]: ErrorDocument?] = [:]
        var key: [UInt8] = []
        var error = ErrorDocument()
        try XMLReader.read(body, roots: [.deleteResult]) { event in
            switch event {
            case .leaf(.key, _, let text): key = text
            case .leaf(.code, .error, let text): error.code = String(decoding: text, as: UTF8.self)
            case .leaf(.message, .error, let text): error.message = String(decoding: text, as: UTF8.self)
            case .end(.deleted): results[key] = .some(nil)
            case .end(.error):
                results[key] = error
                error = ErrorDocument()
            case .leaf, .end: break
            }
        }
        return results
    }

    /// A service that takes minutes may send white space before the document, good or bad, to keep the connection alive.
    static func withoutLeadingSpace(_ body: [UInt8]) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
        return body.first.map(isSpace) == true ? Array(body.drop(while: isSpace)) : body
    }

    /// An ETag without its quotes.
    static func unquoted(_ text: [UInt8]) -> String {
        guard text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") else {
            return String(decoding: text, as: UTF8.self)
        }
        return String(decoding: text[1..<(text.count - 1)], as: UTF8.self)
    }

    /// What an `<Error>` document says; nil if the body is none.
    static func error(_ body: [UInt8]) -> ErrorDocument? {
        guard !body.isEmpty else { return nil }
        var document = ErrorDocument()
        do throws(XMLReader.Refusal) {
            try XMLReader.read(withoutLeadingSpace(body), roots: [.error]) { event in
                guard case .leaf(let tag, .error, let text) = event else { return }
                let value = String(decoding: text, as: UTF8.self)
                if tag == .code { document.code = value }
                if tag == .message { document.message = value }
                if tag == .region { document.region = value }
                if tag == .endpoint { document.host = value }
                if tag == .requestID { document.requestID = value }
            }
        } catch {
            return nil
        }
        return document
    }
}

/// What an `<Error>` element holds.
struct ErrorDocument: Hashable, Sendable {
    var code = ""
    var message = ""
    /// Where the service wants the request signed for another region.
    var region: String?
    /// The host that the service wants asked instead.
    var host: String?
    var requestID: String?
}

/// Puts a listing together. Keys are decoded at the end: the echo of `encoding-type` may stand after them.
private struct ListBuilder {
    private var object = S3ListedObject(key: ObjectKey([]), size: -1, etag: "", modified: nil, storageClass: nil)
    private var isEncoded = false
    private var isTruncated = false
    private var isBroken = false

    mutating func take(_ event: XMLEvent, into page: inout ListPage) {
        switch event {
        case .leaf(.key, .contents, let text): object.key = ObjectKey(text)
        case .leaf(.etag, .contents, let text): object.etag = S3Answers.unquoted(text)
        case .leaf(.size, .contents, let text):
            object.size = Int64(String(decoding: text, as: UTF8.self)) ?? -1
        case .leaf(.lastModified, .contents, let text): object.modified = S3Time(iso8601: text)
        case .leaf(.storageClass, .contents, let text): object.storageClass = String(decoding: text, as: UTF8.self)
        case .leaf(.contents, .listBucketResult, _): isBroken = true
        case .end(.contents):
            if object.size < 0 || object.key.bytes.isEmpty { isBroken = true }
            page.objects.append(object)
            object = S3ListedObject(key: ObjectKey([]), size: -1, etag: "", modified: nil, storageClass: nil)
        case .leaf(.prefix, .commonPrefixes, let text): page.commonPrefixes.append(ObjectKey(text))
        case .leaf(.encodingType, .listBucketResult, let text): isEncoded = text.elementsEqual("url".utf8)
        case .leaf(.isTruncated, .listBucketResult, let text): isTruncated = text.elementsEqual("true".utf8)
        case .leaf(.nextContinuationToken, .listBucketResult, let text):
            page.continuation = String(decoding: text, as: UTF8.self)
        case .leaf, .end: break
        }
    }

    /// - Throws: `.malformed` for a row without key or size, a key that cannot be decoded, or a page that says there is
    ///   more and not how to ask for it.
    func finish(_ page: inout ListPage) throws(XMLReader.Refusal) {
        if isBroken { throw .malformed }
        if !isTruncated { page.continuation = nil }
        if isTruncated, page.continuation?.isEmpty ?? true { throw .malformed }
        guard isEncoded else { return }
        for index in page.objects.indices {
            guard let key = PercentEncoding.decode(page.objects[index].key.bytes) else { throw .malformed }
            page.objects[index].key = ObjectKey(key)
        }
        for index in page.commonPrefixes.indices {
            guard let key = PercentEncoding.decode(page.commonPrefixes[index].bytes) else { throw .malformed }
            page.commonPrefixes[index] = ObjectKey(key)
        }
    }
}
