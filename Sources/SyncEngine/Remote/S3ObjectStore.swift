public import S3API

/// The objects below one prefix of one bucket, through the S3 client. The only file of the engine that knows S3.
public struct S3ObjectStore: ObjectStore {
    private let client: S3Client
    private let bucket: String
    private let prefix: [UInt8]

    /// `prefix` is empty, or ending in `/`.
    public init(client: S3Client, bucket: String, prefix: [UInt8]) {
        self.client = client
        self.bucket = bucket
        self.prefix = prefix
    }

    public var requestCounts: [String: Int64] { client.requestCounts }

    public func list(beginningWith start: [UInt8], continuation: String?) async throws(StoreError) -> ObjectPage {
        do {
            let query = ListQuery(prefix: ObjectKey(prefix + start), continuation: continuation)
            let page = try await client.listObjects(bucket: bucket, query)
            let count = prefix.count
            let objects = page.objects.compactMap { object -> ListedObject? in
                // A key that does not begin with the prefix was not asked for: no service should send one.
                guard object.key.bytes.starts(with: prefix) else { return nil }
                let state = RemoteState(etag: ETag(object.etag), size: object.size)
                return ListedObject(name: Array(object.key.bytes[count...]), state: state)
            }
            return ObjectPage(objects: objects, continuation: page.continuation)
        } catch {
            throw StoreError(error)
        }
    }

    public func head(_ name: [UInt8]) async throws(StoreError) -> ObjectDetails {
        do {
            return ObjectDetails(try await client.headObject(bucket: bucket, key: key(name)))
        } catch {
            throw StoreError(error)
        }
    }

    public func get(
        _ name: [UInt8],
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        do throws(S3Error) {
            let sink = ResponseSink.descriptor(file.descriptor, offset: 0, limit: expected.size)
            let answer = try await client.getObject(
                bucket: bucket,
                key: key(name),
                ifMatch: "\"\(expected.etag.value)\"",
                sink: sink
            )
            let details = ObjectDetails(answer.object)
            // Some services ignore If-Match: what counts is what came.
            guard details.state == expected else { throw anotherVersion(name) }
            guard let written = answer.response.written else { throw malformed(name, "the answer had no body") }
            return (details, ContentDigest(written.md5))
        } catch {
            throw StoreError(error)
        }
    }

    public func digest(
        of name: [UInt8],
        range: Range<Int64>?,
        expecting expected: RemoteState
    ) async throws(StoreError) -> ContentDigest {
        do throws(S3Error) {
            let wanted = range ?? 0..<expected.size
            let answer = try await client.getObject(
                bucket: bucket,
                key: key(name),
                range: range.map { $0.lowerBound...($0.upperBound - 1) },
                ifMatch: "\"\(expected.etag.value)\"",
                sink: .discard(limit: Int64(wanted.count))
            )
            guard ObjectDetails(answer.object).state == expected else { throw anotherVersion(name) }
            // The status says nothing: one service answers a range with 200.
            let came = answer.response.headers["content-range"].map { Self.range($0) } ?? 0..<expected.size
            guard came == wanted, let written = answer.response.written, written.count == Int64(wanted.count) else {
                throw malformed(name, "other bytes came than were asked for")
            }
            return ContentDigest(written.md5)
        } catch {
            throw StoreError(error)
        }
    }

    /// The bytes that `Content-Range: bytes 5-9/100` names; nil for what cannot be read.
    private static func range(_ field: String) -> Range<Int64>? {
        guard field.hasPrefix("bytes ") else { return nil }
        let bounds = field.dropFirst(6).prefix { $0 != "/" }.split(separator: "-").map { Int64($0) }
        guard bounds.count == 2, let first = bounds[0], let last = bounds[1], 0 <= first, first <= last, last < .max
        else { return nil }
        return first..<(last + 1)
    }

    private func anotherVersion(_ name: [UInt8]) -> S3Error {
        S3Error(
            code: .preconditionFailed,
            operation: "GetObject",
            bucket: bucket,
            key: key(name),
            status: 200,
            message: "the object is another than the one that was listed"
        )
    }

    private func malformed(_ name: [UInt8], _ message: String) -> S3Error {
        S3Error(code: .malformedAnswer, operation: "GetObject", bucket: bucket, key: key(name), message: message)
    }

    public func put(
        _ name: [UInt8],
        body: UploadBody,
        modified: UnixTime,
        mode: UInt16
    ) async throws(StoreError) -> (RemoteState, ContentDigest) {
        do {
            let content: RequestBody =
                switch body {
                case .bytes(let bytes): .bytes(bytes)
                case .file(let file, let length): .descriptor(file.descriptor, offset: 0, length: length)
                }
            let metadata = ["mtime": modified.metadataText, "mode": String(mode & 0o7777, radix: 8)]
            let result = try await client.putObject(
                bucket: bucket,
                key: key(name),
                body: content,
                options: PutOptions(metadata: metadata)
            )
            return (RemoteState(etag: ETag(result.etag), size: body.length), ContentDigest(result.md5))
        } catch {
            throw StoreError(error)
        }
    }

    public func putMarker(_ name: [UInt8]) async throws(StoreError) {
        do {
            _ = try await client.putObject(bucket: bucket, key: key(name), body: .bytes([]), options: PutOptions())
        } catch {
            throw StoreError(error)
        }
    }

    public func delete(_ names: [[UInt8]]) async throws(StoreError) -> [DeleteResult] {
        do {
            let results = try await client.deleteObjects(bucket: bucket, keys: names.map(key))
            return results.map { result in
                guard let error = result.error, error.code != .noSuchKey else { return .deleted }
                return .failed(StoreError(error))
            }
        } catch {
            throw StoreError(error)
        }
    }

    private func key(_ name: [UInt8]) -> ObjectKey { ObjectKey(prefix + name) }
}

extension ObjectDetails {
    init(_ object: S3Object) {
        self.init(
            state: RemoteState(etag: ETag(object.etag), size: object.size),
            modified: object.metadata["mtime"].flatMap(UnixTime.init(metadataText:)),
            mode: object.metadata["mode"].flatMap { UInt16($0, radix: 8) }.map { $0 & 0o777 },
            lastModified: object.modified.map { UnixTime(seconds: $0.seconds, nanoseconds: Int64($0.nanoseconds)) },
            notedDigest: object.metadata["syncd-digest"].flatMap { ETag($0).contentDigest }
                ?? object.metadata["md5chksum"].flatMap(ContentDigest.init(base64:)),
            etagIsOpaque: object.etagIsOpaque
        )
    }
}

extension StoreError {
    init(_ error: S3Error) {
        let code: Code
        var cause: FileSystemError?
        switch error.code {
        case .noSuchKey, .noSuchUpload: code = .notFound
        case .noSuchBucket: code = .noSuchBucket
        case .accessDenied: code = .accessDenied
        case .credentialsRefused: code = .credentialsRefused
        case .preconditionFailed, .conflict: code = .preconditionFailed
        case .slowDown: code = .slowDown
        case .badDigest: code = .badDigest
        case .invalidObjectState: code = .archived
        case .malformedAnswer: code = .malformedAnswer
        case .invalidRange, .keyTooLong, .entityTooLarge, .notImplemented, .internalError, .other: code = .refused
        case .transport: (code, cause) = Self.transportCode(error)
        }
        self.init(code: code, message: error.description, status: error.status, cause: cause)
    }

    private static func transportCode(_ error: S3Error) -> (Code, FileSystemError?) {
        guard let transport = error.transport else { return (.unreachable, nil) }
        let path = error.key?.bytes ?? []
        switch transport.code {
        case .unreachable, .tls, .interrupted: return (.unreachable, nil)
        case .truncated, .bodyTooLarge, .malformed: return (.malformedAnswer, nil)
        case .localRead(let errno):
            return (.localFile, FileSystemError(errno: errno, operation: "pread", path: path))
        case .localWrite(let errno):
            return (.localFile, FileSystemError(errno: errno, operation: "pwrite", path: path))
        case .cancelled: return (.cancelled, nil)
        }
    }
}
