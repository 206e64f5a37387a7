import Glibc
import Text

/// What the headers of an object say.
public struct S3Object: Hashable, Sendable {
    /// As it came, without quotes; empty where there was none.
    public var etag: String
    /// The size of the whole object in bytes, also in the answer to a range.
    public var size: Int64
    public var modified: S3Time?
    public var contentType: String?
    /// `x-amz-meta-…`, names in lower case and without that.
    public var metadata: [String: String]
    public var versionID: String?
    public var storageClass: String?
    /// How it is encrypted at rest: `AES256`, `aws:kms`; nil where the service does not say.
    public var encryption: String?
    /// True under SSE-KMS and SSE-C, where the ETag is no digest of the content.
    public var etagIsOpaque: Bool
    /// Of the whole content; nil where the service keeps none, or was not asked for it.
    public var checksum: Checksum?

    /// `size` is what to take for the object's size where the headers do not say it.
    init(_ headers: HTTPFields, size: Int64 = 0) {
        var tag = headers["etag"] ?? ""
        if tag.count >= 2, tag.hasPrefix("\""), tag.hasSuffix("\"") { tag = String(tag.dropFirst().dropLast()) }
        etag = tag
        self.size = Self.statedSize(headers) ?? size
        modified = headers["last-modified"].flatMap(S3Time.init(http:))
        contentType = headers["content-type"]
        versionID = headers["x-amz-version-id"]
        storageClass = headers["x-amz-storage-class"]
        encryption = headers["x-amz-server-side-encryption"]
        etagIsOpaque =
            headers["x-amz-server-side-encryption"]?.hasPrefix("aws:kms") ?? false
            || headers["x-amz-server-side-encryption-customer-algorithm"] != nil
        metadata = headers.values(withPrefix: "x-amz-meta-")
        checksum = Checksum(stated: headers)
    }

    /// The total of `Content-Range: bytes 0-9/100`, else `Content-Length`.
    static func statedSize(_ headers: HTTPFields) -> Int64? {
        let total = headers["content-range"]?.split(separator: "/").last.flatMap { Int64($0) }
        let size = total ?? headers["content-length"].flatMap { Int64($0) }
        return size.flatMap { $0 < 0 ? nil : $0 }
    }
}

/// What goes with an object when it is written.
public struct PutOptions: Hashable, Sendable {
    /// Sent as `x-amz-meta-…`: printable ASCII, at most 2 KiB together.
    public var metadata: [String: String]
    public var contentType: String?
    public var cacheControl: String?
    /// By S3's name: `STANDARD_IA`; nil for the bucket's own choice.
    public var storageClass: String?
    /// A canned one: `bucket-owner-full-control`.
    public var acl: String?
    /// `AES256` or `aws:kms`; nil for the bucket's own choice.
    public var encryption: String?
    /// With `aws:kms`; nil for the account's own key for S3.
    public var kmsKeyID: String?
    /// Write only over the version with this ETag, quoted. Not every service honours it.
    public var ifMatch: String?
    /// Which checksum the service is to compare with what arrives, and to keep; nil: it compares the MD5.
    public var checksum: Checksum.Algorithm?
    /// `*`: write only where nothing is. Not every service honours it. A retry after a lost answer may meet the object
    /// that the first try wrote.
    public var ifNoneMatch: String?

    public init(
        metadata: [String: String] = [:],
        contentType: String? = nil,
        ifMatch: String? = nil,
        ifNoneMatch: String? = nil
    ) {
        self.metadata = metadata
        self.contentType = contentType
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
    }

    package var headers: [(name: String, value: String)] {
        var headers = metadata.map { (name: "x-amz-meta-\($0.key)", value: $0.value) }
        let optional = [
            ("content-type", contentType), ("cache-control", cacheControl), ("x-amz-storage-class", storageClass),
            ("x-amz-acl", acl), ("x-amz-server-side-encryption", encryption),
            ("x-amz-server-side-encryption-aws-kms-key-id", kmsKeyID),
        ]
        for (name, value) in optional {
            if let value { headers.append((name, value)) }
        }
        if let ifMatch { headers.append(("if-match", ifMatch)) }
        if let ifNoneMatch { headers.append(("if-none-match", ifNoneMatch)) }
        return headers
    }
}

/// What came of a PUT.
public struct PutResult: Hashable, Sendable {
    /// Without quotes.
    public var etag: String
    public var versionID: String?
    /// 16 bytes: of what was sent, which the service compared with what arrived.
    public var md5: [UInt8]
}

/// An object, and the answer that holds its body.
public struct GetResult: Sendable {
    public var object: S3Object
    public var response: HTTPResponse

    /// What the body holds by the answer's own word; nil where it names no range: then it is the whole object.
    ///
    /// The status says less: `rclone serve` sends a range with 200, and any service may send the whole object for one.
    public var contentRange: ContentRange? { response.headers["content-range"].flatMap(ContentRange.init) }
}

/// The bytes of an object that an answer holds: `bytes 0-9/100`.
public struct ContentRange: Hashable, Sendable {
    /// The first and the last byte.
    public var bytes: ClosedRange<Int64>
    /// The size of the whole object.
    public var total: Int64

    /// Nil for anything but numbers that fit together.
    public init?(_ text: String) {
        let halves = text.split(separator: " ", maxSplits: 1)
        guard halves.count == 2, halves[0].lowercased() == "bytes" else { return nil }
        let fields = halves[1].split(separator: "/", omittingEmptySubsequences: false)
        let ends = fields[0].split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard fields.count == 2, ends.count == 2, let first = ends[0], let last = ends[1], let total = Int64(fields[1]),
            0 <= first, first <= last, last < total
        else { return nil }
        bytes = first...last
        self.total = total
    }
}

extension S3Client {
    /// What is known of an object without reading it. With `asksChecksum` the service says its checksum as well, which under
    /// SSE-KMS needs the right to decrypt.
    public func headObject(
        bucket: String,
        key: ObjectKey,
        asksChecksum: Bool = false
    ) async throws(S3Error) -> S3Object {
        let response = try await perform(
            Operation(
                name: "HeadObject",
                method: .head,
                bucket: bucket,
                key: key,
                headers: (asksChecksum ? [Self.checksumMode] : []) + customerHeaders
            )
        )
        guard S3Object.statedSize(response.headers) != nil else {
            throw S3Error(
                code: .malformedAnswer,
                operation: "HeadObject",
                bucket: bucket,
                key: key,
                status: response.status,
                message: "the answer has no Content-Length",
                requestID: response.headers["x-amz-request-id"]
            )
        }
        return S3Object(response.headers)
    }

    private static let checksumMode = (name: "x-amz-checksum-mode", value: "ENABLED")

    /// Reads an object, or a range of its bytes, to where `sink` says. A whole object that does not come to memory is
    /// compared with its checksum, where the service states one: `.badDigest` is thrown when it came otherwise.
    /// `range` is the first and the last byte; nil for all. The answer may be another range: compare `Content-Range`.
    /// `ifMatch` is an ETag in quotes. Not every service honours it: compare the answer's.
    public func getObject(
        bucket: String,
        key: ObjectKey,
        range: ClosedRange<Int64>? = nil,
        ifMatch: String? = nil,
        sink: ResponseSink
    ) async throws(S3Error) -> GetResult {
        var headers: [(name: String, value: String)] = []
        if let range { headers.append(("range", "bytes=\(range.lowerBound)-\(range.upperBound)")) }
        if let ifMatch { headers.append(("if-match", ifMatch)) }
        // What a service says of a range's checksum is not agreed on.
        if range == nil { headers.append(Self.checksumMode) }
        let operation = Operation(
            name: "GetObject",
            method: .get,
            bucket: bucket,
            key: key,
            headers: headers + customerHeaders,
            sink: sink
        )
        let response = try await perform(operation)
        // A chunked body has no Content-Length; that it came whole is known all the same.
        let received = response.written?.count ?? Int64(response.body.count)
        let result = GetResult(object: S3Object(response.headers, size: received), response: response)
        if range == nil, let stated = result.object.checksum, let came = response.written?.checksum, stated != came {
            throw S3Error(
                code: .badDigest,
                operation: operation.name,
                bucket: bucket,
                key: key,
                status: response.status,
                message: "the bytes came with another \(stated.algorithm.rawValue) than the object has",
                requestID: response.headers["x-amz-request-id"]
            )
        }
        return result
    }

    /// Writes an object in one request, at most 5 GiB. The body is read once to hash it and, from a descriptor, once
    /// more to send it; the service refuses it (`.badDigest`) if the two reads differ.
    public func putObject(
        bucket: String,
        key: ObjectKey,
        body: RequestBody,
        options: PutOptions = PutOptions()
    ) async throws(S3Error) -> PutResult {
        try await put(
            Operation(
                name: "PutObject",
                method: .put,
                bucket: bucket,
                key: key,
                headers: options.headers + customerHeaders,
                body: body
            ),
            checksum: options.checksum
        )
    }

    /// What goes with requests for objects that the caller's own key encrypts.
    var customerHeaders: [(name: String, value: String)] { customerKey?.headers ?? [] }

    /// Sends `operation`, whose body is an object or a part of one, with its digests.
    func put(_ operation: Operation, checksum: Checksum.Algorithm? = nil) async throws(S3Error) -> PutResult {
        var operation = operation
        let digests: BodyDigests
        do throws(TransportError) {
            digests = try hash(operation.body, checksum: checksum)
        } catch {
            throw S3Error(error, of: operation)
        }
        let check = digests.checksum.map { ($0.algorithm.header, $0.base64) }
        operation.headers.insert(check ?? ("content-md5", Base64.encode(digests.md5)), at: 0)
        operation.bodySHA256 = digests.sha256.map(Digests.hexadecimal)
        let response = try await perform(operation)
        let object = S3Object(response.headers)
        guard !object.etag.isEmpty else {
            throw S3Error(
                code: .malformedAnswer,
                operation: operation.name,
                bucket: operation.bucket,
                key: operation.key,
                status: response.status,
                message: "the answer has no ETag",
                requestID: response.headers["x-amz-request-id"]
            )
        }
        return PutResult(etag: object.etag, versionID: object.versionID, md5: digests.md5)
    }

    /// Deletes an object; one that is not there is no error. `ifMatch` is an ETag in quotes: of the version that may go. Not
    /// every service honours it.
    public func deleteObject(bucket: String, key: ObjectKey, ifMatch: String? = nil) async throws(S3Error) {
        let headers = ifMatch.map { [(name: "if-match", value: $0)] } ?? []
        _ = try await perform(
            Operation(name: "DeleteObject", method: .delete, bucket: bucket, key: key, headers: headers)
        )
    }

    // MARK: Hashing

    /// Bytes of a file that are hashed at once.
    private static let hashBuffer = 256 << 10

    struct BodyDigests {
        var md5: [UInt8]
        var sha256: [UInt8]?
        var checksum: Checksum?
    }

    func hash(_ body: RequestBody, checksum: Checksum.Algorithm? = nil) throws(TransportError) -> BodyDigests {
        let hasher = BodyHasher(withSHA256: signsBodies, checksum: checksum)
        switch body {
        case .none: break
        case .bytes(let bytes): bytes.withUnsafeBytes { hasher.update($0) }
        case .descriptor(let descriptor, let offset, let length):
            try Self.hash(descriptor, offset, length, into: hasher)
        }
        let (md5, sha256) = hasher.finish()
        return BodyDigests(md5: md5, sha256: sha256, checksum: hasher.checksum)
    }

    private static func hash(
        _ descriptor: CInt,
        _ offset: Int64,
        _ length: Int64,
        into hasher: BodyHasher
    ) throws(TransportError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: hashBuffer, alignment: 16)
        defer { buffer.deallocate() }
        var done: Int64 = 0
        while done < length {
            let wanted = Int(min(Int64(buffer.count), length - done))
            let count = pread(descriptor, buffer.baseAddress, wanted, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = count < 0 ? errno : 0
                throw TransportError(
                    code: .localRead(errno: code),
                    message: "the file became shorter while it was read"
                )
            }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            done += Int64(count)
        }
    }
}
