/// One part of an unfinished upload, as the service holds it.
public struct S3Part: Hashable, Sendable {
    /// 1 to 10,000.
    public var number: Int
    /// Without quotes.
    public var etag: String
    /// In bytes.
    public var size: Int64

    public init(number: Int, etag: String, size: Int64) {
        self.number = number
        self.etag = etag
        self.size = size
    }
}

/// An unfinished multipart upload.
public struct S3Upload: Hashable, Sendable {
    public var key: ObjectKey
    /// Opaque, up to some hundred characters.
    public var id: String
    /// By the service's clock; nil where it does not say.
    public var initiated: S3Time?

    public init(key: ObjectKey, id: String, initiated: S3Time?) {
        self.key = key
        self.id = id
        self.initiated = initiated
    }
}

/// One page of a listing of parts or uploads.
struct MultipartPage<Item: Sendable>: Sendable {
    var items: [Item] = []
    /// Query parameters that the next page is asked with; empty on the last page.
    var next: [(name: String, value: [UInt8])] = []
}

/// Answers about multipart uploads. Each throws ``XMLReader/Refusal`` for a document that is not whole.
extension S3Answers {
    /// The id of the upload that was created.
    static func uploadID(_ body: [UInt8]) throws(XMLReader.Refusal) -> String {
        var id = ""
        try XMLReader.read(body, roots: [.initiateMultipartUploadResult, .initiateMultipartUpload]) { event in
            if case .leaf(.uploadID, _, let text) = event { id = String(decoding: text, as: UTF8.self) }
        }
        if id.isEmpty { throw .malformed }
        return id
    }

    /// The ETag of the object that an upload became, without quotes; nil where the answer has none.
    static func completedETag(_ body: [UInt8]) throws(XMLReader.Refusal) -> String? {
        var etag: String?
        try XMLReader.read(withoutLeadingSpace(body), roots: [.completeMultipartUploadResult]) { event in
            if case .leaf(.etag, _, let text) = event { etag = unquoted(text) }
        }
        return etag?.isEmpty == true ? nil : etag
    }

    /// A part that is listed twice stands twice in the page, in the service's order.
    static func parts(_ body: [UInt8]) throws(XMLReader.Refusal) -> MultipartPage<S3Part> {
        var page = MultipartPage<S3Part>()
        var part = S3Part(number: 0, etag: "", size: -1)
        var isTruncated = false
        var isBroken = false
        var marker = ""
        try XMLReader.read(body, roots: [.listPartsResult, .listPartsResponse]) { event in
            switch event {
            case .leaf(.partNumber, .part, let text): part.number = number(text).map(Int.init) ?? 0
            case .leaf(.etag, .part, let text): part.etag = unquoted(text)
            case .leaf(.size, .part, let text): part.size = number(text) ?? -1
            case .end(.part):
                if part.number < 1 || part.size < 0 { isBroken = true }
                page.items.append(part)
                part = S3Part(number: 0, etag: "", size: -1)
            case .leaf(.isTruncated, .listPartsResult, let text), .leaf(.isTruncated, .listPartsResponse, let text):
                isTruncated = text.elementsEqual("true".utf8)
            case .leaf(.nextPartNumberMarker, .listPartsResult, let text),
                .leaf(.nextPartNumberMarker, .listPartsResponse, let text):
                marker = String(decoding: text, as: UTF8.self)
            case .leaf, .end: break
            }
        }
        if isBroken || isTruncated && marker.isEmpty { throw .malformed }
        if isTruncated { page.next = [("part-number-marker", Array(marker.utf8))] }
        return page
    }

    static func uploads(_ body: [UInt8]) throws(XMLReader.Refusal) -> MultipartPage<S3Upload> {
        var page = MultipartPage<S3Upload>()
        var upload = S3Upload(key: ObjectKey([]), id: "", initiated: nil)
        var isTruncated = false
        var isEncoded = false
        var keyMarker: [UInt8] = []
        var idMarker: [UInt8] = []
        try XMLReader.read(body, roots: [.listMultipartUploadsResult]) { event in
            switch event {
            case .leaf(.key, .upload, let text): upload.key = ObjectKey(text)
            case .leaf(.uploadID, .upload, let text): upload.id = String(decoding: text, as: UTF8.self)
            case .leaf(.initiated, .upload, let text): upload.initiated = S3Time(iso8601: text)
            case .end(.upload):
                page.items.append(upload)
                upload = S3Upload(key: ObjectKey([]), id: "", initiated: nil)
            case .leaf(.encodingType, .listMultipartUploadsResult, let text):
                isEncoded = text.elementsEqual("url".utf8)
            case .leaf(.isTruncated, .listMultipartUploadsResult, let text):
                isTruncated = text.elementsEqual("true".utf8)
            case .leaf(.nextKeyMarker, .listMultipartUploadsResult, let text): keyMarker = text
            case .leaf(.nextUploadIDMarker, .listMultipartUploadsResult, let text): idMarker = text
            case .leaf, .end: break
            }
        }
        if isEncoded {
            for index in page.items.indices {
                guard let key = PercentEncoding.decode(page.items[index].key.bytes) else { throw .malformed }
                page.items[index].key = ObjectKey(key)
            }
            guard let key = PercentEncoding.decode(keyMarker) else { throw .malformed }
            keyMarker = key
        }
        if isTruncated && keyMarker.isEmpty || page.items.contains(where: { $0.id.isEmpty }) { throw .malformed }
        if isTruncated { page.next = [("key-marker", keyMarker), ("upload-id-marker", idMarker)] }
        return page
    }

    private static func number(_ text: [UInt8]) -> Int64? { Int64(String(decoding: text, as: UTF8.self)) }
}
