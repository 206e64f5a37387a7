import CXML2
import Glibc

/// The elements that S3 and the Security Token Service answer with, as far as syncd reads them.
enum XMLTag: String, CaseIterable, Sendable {
    case listBucketResult = "ListBucketResult"
    case contents = "Contents"
    case key = "Key"
    case etag = "ETag"
    case size = "Size"
    case lastModified = "LastModified"
    case storageClass = "StorageClass"
    case commonPrefixes = "CommonPrefixes"
    case prefix = "Prefix"
    case encodingType = "EncodingType"
    case isTruncated = "IsTruncated"
    case nextContinuationToken = "NextContinuationToken"
    case listAllMyBucketsResult = "ListAllMyBucketsResult"
    case bucket = "Bucket"
    case name = "Name"
    case creationDate = "CreationDate"
    case bucketRegion = "BucketRegion"
    case locationConstraint = "LocationConstraint"
    case deleteResult = "DeleteResult"
    case deleted = "Deleted"
    case error = "Error"
    case code = "Code"
    case message = "Message"
    case region = "Region"
    case requestID = "RequestId"
    case initiateMultipartUploadResult = "InitiateMultipartUploadResult"
    /// The same as `rclone serve` names it.
    case initiateMultipartUpload = "InitiateMultipartUpload"
    case completeMultipartUploadResult = "CompleteMultipartUploadResult"
    case listPartsResult = "ListPartsResult"
    /// The same as moto names it.
    case listPartsResponse = "ListPartsResponse"
    case listMultipartUploadsResult = "ListMultipartUploadsResult"
    case uploadID = "UploadId"
    case upload = "Upload"
    case initiated = "Initiated"
    case part = "Part"
    case partNumber = "PartNumber"
    case nextPartNumberMarker = "NextPartNumberMarker"
    case nextKeyMarker = "NextKeyMarker"
    case nextUploadIDMarker = "NextUploadIdMarker"
    case endpoint = "Endpoint"
    case assumeRoleResponse = "AssumeRoleResponse"
    case assumeRoleWithWebIdentityResponse = "AssumeRoleWithWebIdentityResponse"
    case credentials = "Credentials"
    case accessKeyID = "AccessKeyId"
    case secretAccessKey = "SecretAccessKey"
    case sessionToken = "SessionToken"
    case expiration = "Expiration"
    case errorResponse = "ErrorResponse"
    /// Anything else.
    case other = ""
}

/// One event of a document.
enum XMLEvent {
    /// An element that holds no other element, with its text. `parent` is ``XMLTag/other`` for the root itself.
    case leaf(XMLTag, parent: XMLTag, text: [UInt8])
    /// The end of an element that held others.
    case end(XMLTag)
}

/// Reads the XML that S3 answers in: whole and well-formed or not at all, within bounds, and without the parts of XML
/// that can name files, addresses or themselves.
enum XMLReader {
    /// Elements within elements.
    static let maximumDepth = 16
    /// Bytes of text in one element.
    static let maximumText = 8 << 10

    /// Why a document was refused.
    enum Refusal: Error, Hashable {
        /// Not well-formed, or cut short.
        case malformed
        /// It has a DOCTYPE.
        case doctype
        case tooDeep
        case textTooLong
        /// Its root is another element.
        case unexpectedRoot
    }

    /// Bytes that libxml2 is given at once. It refuses to have more than 10,000,000 before it, as "huge input".
    static let piece = 1 << 20

    /// `roots` are the elements that the document may begin with; `piece` is 1 to ``piece``.
    /// `handle` is called for each event in turn. What it has collected counts only if this returns.
    static func read(
        _ bytes: [UInt8],
        roots: Set<XMLTag>,
        piece: Int = piece,
        handle: (XMLEvent) -> Void
    ) throws(Refusal) {
        let refusal = withoutActuallyEscaping(handle) { handle in
            let state = ParserState(roots: roots, handle: handle)
            return state.parse(bytes, piece: piece)
        }
        if let refusal { throw refusal }
    }
}

/// What libxml2's callbacks work on; it lives for one document.
private final class ParserState {
    private let roots: Set<XMLTag>
    private let handle: (XMLEvent) -> Void
    private var parser: xmlParserCtxtPtr?
    private var open: [XMLTag] = []
    /// Whether the innermost element has held no element so far.
    private var isLeaf = false
    private var text: [UInt8] = []
    private var refusal: XMLReader.Refusal?

    init(roots: Set<XMLTag>, handle: @escaping (XMLEvent) -> Void) {
        self.roots = roots
        self.handle = handle
    }

    private static let initialised: Void = xmlInitParser()

    func parse(_ bytes: [UInt8], piece length: Int) -> XMLReader.Refusal? {
        _ = Self.initialised
        var handler = xmlSAXHandler()
        handler.initialized = UInt32(XML_SAX2_MAGIC)
        handler.internalSubset = doctype
        handler.startElementNs = startElement
        handler.endElementNs = endElement
        handler.characters = characters
        handler.cdataBlock = characters
        let context = Unmanaged.passUnretained(self).toOpaque()
        guard let parser = xmlCreatePushParserCtxt(&handler, context, nil, 0, nil) else { return .malformed }
        defer { xmlFreeParserCtxt(parser) }
        self.parser = parser
        xmlCtxtUseOptions(parser, CInt(XML_PARSE_NONET.rawValue))
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty, refusal == nil {
                let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(length))
                let start = piece.baseAddress?.assumingMemoryBound(to: CChar.self)
                if xmlParseChunk(parser, start, CInt(piece.count), 0) != 0 { break }
                rest = rest.dropFirst(piece.count)
            }
        }
        if let refusal { return refusal }
        let status = xmlParseChunk(parser, nil, 0, 1)
        if let refusal { return refusal }
        return status == 0 && parser.pointee.wellFormed == 1 && open.isEmpty ? nil : .malformed
    }

    fileprivate func refuse(_ reason: XMLReader.Refusal) {
        refusal = refusal ?? reason
        xmlStopParser(parser)
    }

    func began(_ name: UnsafePointer<UInt8>) {
        let tag = XMLTag(name)
        if open.isEmpty, !roots.contains(tag) { return refuse(.unexpectedRoot) }
        if open.count == XMLReader.maximumDepth { return refuse(.tooDeep) }
        open.append(tag)
        isLeaf = true
        text.removeAll(keepingCapacity: true)
    }

    func read(_ bytes: UnsafeBufferPointer<UInt8>) {
        // The text of what nobody reads may have any length: an error can quote the whole request.
        guard isLeaf, open.last != .other else { return }
        if text.count + bytes.count > XMLReader.maximumText { return refuse(.textTooLong) }
        text.append(contentsOf: bytes)
    }

    func ended() {
        guard refusal == nil, let tag = open.popLast() else { return }
        if isLeaf {
            handle(.leaf(tag, parent: open.last ?? .other, text: text))
        } else {
            handle(.end(tag))
        }
        isLeaf = false
    }
}

/// Is called before anything that a DOCTYPE holds is read, whatever the document's encoding.
private func doctype(
    _ context: UnsafeMutableRawPointer?,
    _ name: UnsafePointer<UInt8>?,
    _ publicID: UnsafePointer<UInt8>?,
    _ systemID: UnsafePointer<UInt8>?
) {
    guard let context else { return }
    Unmanaged<ParserState>.fromOpaque(context).takeUnretainedValue().refuse(.doctype)
}

private func startElement(
    _ context: UnsafeMutableRawPointer?,
    _ name: UnsafePointer<UInt8>?,
    _ prefix: UnsafePointer<UInt8>?,
    _ uri: UnsafePointer<UInt8>?,
    _ namespaceCount: CInt,
    _ namespaces: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ attributeCount: CInt,
    _ defaulted: CInt,
    _ attributes: UnsafeMutablePointer<UnsafePointer<UInt8>?>?
) {
    guard let context, let name else { return }
    Unmanaged<ParserState>.fromOpaque(context).takeUnretainedValue().began(name)
}

private func endElement(
    _ context: UnsafeMutableRawPointer?,
    _ name: UnsafePointer<UInt8>?,
    _ prefix: UnsafePointer<UInt8>?,
    _ uri: UnsafePointer<UInt8>?
) {
    guard let context else { return }
    Unmanaged<ParserState>.fromOpaque(context).takeUnretainedValue().ended()
}

private func characters(_ context: UnsafeMutableRawPointer?, _ start: UnsafePointer<UInt8>?, _ count: CInt) {
    guard let context, let start else { return }
    Unmanaged<ParserState>.fromOpaque(context).takeUnretainedValue()
        .read(UnsafeBufferPointer(start: start, count: Int(count)))
}

extension XMLTag {
    /// By length, so that few names are compared.
    private static let byLength: [[(name: [UInt8], tag: XMLTag)]] = {
        var table = [[(name: [UInt8], tag: XMLTag)]](repeating: [], count: 48)
        for tag in allCases where tag != .other {
            let name = Array(tag.rawValue.utf8)
            table[name.count].append((name, tag))
        }
        return table
    }()

    /// - Parameter name: a C string.
    fileprivate init(_ name: UnsafePointer<UInt8>) {
        let length = strlen(UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
        guard length < Self.byLength.count else {
            self = .other
            return
        }
        self = Self.byLength[length].first { memcmp($0.name, name, length) == 0 }?.tag ?? .other
    }
}
