public import S3API
import Synchronization

/// The objects below one prefix of one bucket, through the S3 client. This file and the
/// one of its uploads in parts are all of the engine that knows S3.
public struct S3ObjectStore: ObjectStore {
    let client: S3Client
    let bucket: String
    private let prefix: [UInt8]
    /// The one object that there is, whatever it is called here; nil for all below the prefix.
    private let only: ObjectKey?
    let writing: ObjectWriting
    private let trusted = Trusted()

    /// What the service was seen to do. Copies of the store share it.
    private final class Trusted: Sendable {
        let capabilities = Mutex(Capabilities())
    }

    /// `prefix` is empty, or ending in `/`. The store counts requests for itself, whoever else uses the client.
    public init(client: S3Client, bucket: String, prefix: [UInt8], writing: ObjectWriting = ObjectWriting()) {
        switch writing.encryption {
        case .customer(let key): self.client = client.counting(with: key)
        case nil, .managed, .kms: self.client = client.counting()
        }
        self.bucket = bucket
        self.prefix = prefix
        self.writing = writing
        only = nil
    }

    /// A store of one object, which every name means: to copy it from or to a file of any name.
    public init(client: S3Client, bucket: String, object: ObjectKey) {
        self.client = client.counting()
        self.bucket = bucket
        prefix = []
        only = object
        writing = ObjectWriting()
    }

    public var requestCounts: [String: Int64] { client.requestCounts }
    public var retryCount: Int64 { client.retryCount }
    public var worthwhileRequests: Int? { client.worthwhileOperations }

    public func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage {
        do {
            let page = try await client.listObjects(
                bucket: bucket,
                ListQuery(
                    prefix: ObjectKey(prefix + query.start),
                    delimiter: query.groupsDirectories ? "/" : nil,
                    startAfter: query.after.map { ObjectKey(prefix + $0) },
                    continuation: query.continuation
                )
            )
            let objects = page.objects.compactMap { object in
                name(of: object.key).map { name in
                    ListedObject(name: name, state: RemoteState(etag: ETag(object.etag), size: object.size))
                }
            }
            let directories = page.commonPrefixes.compactMap(name)
            return ObjectPage(objects: objects, directories: directories, continuation: page.continuation)
        } catch {
            throw StoreError(error)
        }
    }

    /// Nil for a key that does not begin with the prefix: it was not asked for, and no service should send one.
    private func name(of key: ObjectKey) -> [UInt8]? {
        key.bytes.starts(with: prefix) ? Array(key.bytes[prefix.count...]) : nil
    }

    /// AWS lists general purpose buckets so (ListObjectsV2, read 2026-11-28); any other service must have been seen to.
    public var listsInByteOrder: Bool { client.isAWS || reliedOn[.byteOrder] == .yes }

    public func head(_ name: [UInt8], asksChecksum: Bool) async throws(StoreError) -> ObjectDetails {
        do {
            return ObjectDetails(
                try await client.headObject(bucket: bucket, key: key(name), asksChecksum: asksChecksum)
            )
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
            guard details.state == expected else { throw replacedError(name) }
            guard let written = answer.response.written else {
                throw S3Error(
                    code: .malformedAnswer,
                    operation: "GetObject",
                    bucket: bucket,
                    key: key(name),
                    message: "the answer had no body"
                )
            }
            return (details, ContentDigest(written.md5))
        } catch {
            throw StoreError(error)
        }
    }

    public func put(
        _ name: [UInt8],
        body: UploadBody,
        modified: UnixTime,
        mode: UInt16,
        expecting expected: ObjectExpectation
    ) async throws(StoreError) -> (RemoteState, ContentDigest) {
        do {
            let capabilities = reliedOn
            var options = writing.options(key(name).bytes, modified: modified, mode: mode)
            if capabilities[.crc64nvme] == .yes { options.checksum = .crc64nvme }
            switch expected {
            case .nothing: options.ifNoneMatch = capabilities[.putIfNoneMatch] == .yes ? "*" : nil
            case .version(let etag): options.ifMatch = capabilities.matching(etag)
            case .anything: break
            }
            let result = try await client.putObject(
                bucket: bucket,
                key: key(name),
                body: RequestBody(body),
                options: options
            )
            return (RemoteState(etag: ETag(result.etag), size: body.length), ContentDigest(result.md5))
        } catch {
            throw StoreError(error)
        }
    }

    public func putMarker(_ name: [UInt8]) async throws(StoreError) {
        do {
            let options = writing.options
            _ = try await client.putObject(bucket: bucket, key: key(name), body: .bytes([]), options: options)
        } catch {
            throw StoreError(error)
        }
    }

    public func probe(_ nonce: [UInt8]) async throws(StoreError) -> Capabilities {
        let probe = CapabilityProbe(client: client, bucket: bucket, prefix: prefix, writing: writing, nonce: nonce)
        do {
            return try await probe.run().capabilities
        } catch {
            throw StoreError(error)
        }
    }

    public func rely(on capabilities: Capabilities) {
        trusted.capabilities.withLock { $0 = capabilities }
    }

    public func delete(_ name: [UInt8], expecting etag: ETag) async throws(StoreError) {
        do {
            try await client.deleteObject(bucket: bucket, key: key(name), ifMatch: "\"\(etag.value)\"")
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

    /// What the service is relied on to do.
    var reliedOn: Capabilities { trusted.capabilities.withLock { $0 } }

    func key(_ name: [UInt8]) -> ObjectKey { only ?? ObjectKey(prefix + name) }

    /// What goes with every object: mtime and mode in rclone's form.
    static func metadata(modified: UnixTime, mode: UInt16) -> [String: String] {
        ["mtime": modified.metadataText, "mode": String(mode & 0o7777, radix: 8)]
    }

    /// The object is not the one that was asked for, whatever the status says.
    private func replacedError(_ name: [UInt8]) -> S3Error {
        S3Error(
            code: .preconditionFailed,
            operation: "GetObject",
            bucket: bucket,
            key: key(name),
            status: 200,
            message: "the object is another than the one that was listed"
        )
    }

    func replaced(_ name: [UInt8]) -> StoreError { StoreError(replacedError(name)) }
}

extension Capabilities {
    /// How a PUT names the version that it may replace; nil where the service would not look.
    fileprivate func matching(_ etag: ETag) -> String? {
        self[.putIfMatch] == .yes || self[.putIfMatchUnquoted] == .yes ? spelled(etag.value) : nil
    }
}

extension ObjectDetails {
    init(_ object: S3Object) {
        self.init(
            state: RemoteState(etag: ETag(object.etag), size: object.size),
            modified: object.metadata["mtime"].flatMap(UnixTime.init(metadataText:)),
            mode: object.metadata["mode"].flatMap { UInt16($0, radix: 8) }.map { $0 & 0o777 },
            lastModified: object.modified.map { UnixTime($0) },
            notedDigest: object.metadata["syncd-digest"].flatMap { ETag($0).contentDigest }
                ?? object.metadata["md5chksum"].flatMap(ContentDigest.init(base64:)),
            etagIsOpaque: object.etagIsOpaque,
            checksum: object.checksum.map(ContentChecksum.init)
        )
    }
}

extension StoreError {
    init(_ error: S3Error) {
        let code: Code
        var cause: FileSystemError?
        switch error.code {
        case .noSuchKey: code = .notFound
        case .noSuchUpload: code = .uploadGone
        case .invalidPart: code = .partsRefused
        case .noSuchBucket: code = .noSuchBucket
        case .accessDenied: code = .accessDenied
        case .credentialsRefused: code = .credentialsRefused
        case .credentialsUnreachable: code = .unreachable
        case .preconditionFailed, .conflict: code = .preconditionFailed
        case .slowDown: code = .slowDown
        case .badDigest: code = .badDigest
        case .invalidObjectState: code = .archived
        case .malformedAnswer: code = .malformedAnswer
        case .invalidRange, .keyTooLong, .entityTooLarge, .notImplemented, .internalError, .other: code = .refused
        case .transport: (code, cause) = Self.transportCode(error)
        }
        self.init(
            code: code,
            message: error.description,
            status: error.status,
            operation: error.operation,
            cause: cause
        )
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
