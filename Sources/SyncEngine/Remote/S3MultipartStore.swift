public import S3API

/// Uploads in parts and downloads in ranges, through the S3 client.
extension S3ObjectStore {
    public var stampTime: UnixTime { UnixTime(seconds: client.stampTime.seconds) }

    public func createUpload(
        _ name: [UInt8],
        modified: UnixTime,
        mode: UInt16
    ) async throws(StoreError) -> (id: String, mayHaveTwin: Bool) {
        do {
            let created = try await client.createMultipartUpload(
                bucket: bucket,
                key: key(name),
                options: writing.options(key(name).bytes, modified: modified, mode: mode)
            )
            return (created.id, created.mayHaveTwin)
        } catch {
            throw StoreError(error)
        }
    }

    public func putPart(
        _ name: [UInt8],
        upload: String,
        number: Int,
        body: UploadBody
    ) async throws(StoreError) -> UploadedPart {
        do {
            let result = try await client.uploadPart(
                bucket: bucket,
                key: key(name),
                uploadID: upload,
                number: number,
                body: RequestBody(body)
            )
            return UploadedPart(number: number, etag: ETag(result.etag), digest: ContentDigest(result.md5))
        } catch {
            throw StoreError(uploadError: error)
        }
    }

    public func parts(_ name: [UInt8], upload: String) async throws(StoreError) -> [StoredPart] {
        do {
            let parts = try await client.listParts(bucket: bucket, key: key(name), uploadID: upload)
            return parts.map { StoredPart(number: $0.number, etag: ETag($0.etag), size: $0.size) }
        } catch {
            throw StoreError(uploadError: error)
        }
    }

    public func completeUpload(
        _ name: [UInt8],
        upload: String,
        parts: [UploadedPart],
        expecting expected: ObjectExpectation
    ) async throws(StoreError) -> ETag? {
        let condition = reliedOn.completing(expected)
        do {
            let etag = try await client.completeMultipartUpload(
                bucket: bucket,
                key: key(name),
                uploadID: upload,
                parts: parts.map { ($0.number, $0.etag.value) },
                condition: condition
            )
            return etag.map { ETag($0) }
        } catch {
            // Of a version that has gone AWS says NoSuchKey, and Ceph of an upload: either way it is to be looked at.
            let isMissing = error.code == .noSuchKey && condition != nil
            throw isMissing ? StoreError(error).withCode(.preconditionFailed) : StoreError(uploadError: error)
        }
    }

    public func abortUpload(_ name: [UInt8], upload: String) async throws(StoreError) {
        do {
            try await client.abortMultipartUpload(bucket: bucket, key: key(name), uploadID: upload)
        } catch {
            throw StoreError(uploadError: error)
        }
    }

    public func uploads(of name: [UInt8]) async throws(StoreError) -> [StoreUpload] {
        do {
            let own = key(name)
            let uploads = try await client.listMultipartUploads(bucket: bucket, prefix: own)
            return uploads.filter { $0.key == own }.map { upload in
                StoreUpload(id: upload.id, initiated: upload.initiated.map { UnixTime($0) })
            }
        } catch {
            throw StoreError(error)
        }
    }

    public func get(
        _ name: [UInt8],
        range: Range<Int64>,
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        let answer: GetResult
        do {
            answer = try await client.getObject(
                bucket: bucket,
                key: key(name),
                range: range.lowerBound...(range.upperBound - 1),
                ifMatch: "\"\(expected.etag.value)\"",
                sink: .descriptor(file.descriptor, offset: range.lowerBound, limit: Int64(range.count))
            )
        } catch {
            // More bytes than were asked for: the whole object came.
            if error.transport?.code == .bodyTooLarge { throw StoreError(error).withCode(.rangeIgnored) }
            throw StoreError(error)
        }
        let digest = try digest(of: answer, name, holding: range, expecting: expected)
        return (ObjectDetails(answer.object), digest)
    }

    public func digest(
        of name: [UInt8],
        range: Range<Int64>?,
        expecting expected: RemoteState
    ) async throws(StoreError) -> ContentDigest {
        let wanted = range ?? 0..<expected.size
        let answer: GetResult
        do {
            answer = try await client.getObject(
                bucket: bucket,
                key: key(name),
                range: range.map { $0.lowerBound...($0.upperBound - 1) },
                ifMatch: "\"\(expected.etag.value)\"",
                sink: .discard(limit: Int64(wanted.count))
            )
        } catch {
            let isWhole = range != nil && error.transport?.code == .bodyTooLarge
            throw isWhole ? StoreError(error).withCode(.rangeIgnored) : StoreError(error)
        }
        return try digest(of: answer, name, holding: wanted, expecting: expected)
    }

    /// The MD5 of what `answer` brought, which must be the bytes `range` of the version `expected`.
    private func digest(
        of answer: GetResult,
        _ name: [UInt8],
        holding range: Range<Int64>,
        expecting expected: RemoteState
    ) throws(StoreError) -> ContentDigest {
        guard ObjectDetails(answer.object).state == expected else { throw replaced(name) }
        // An answer that names no range holds the whole object; neither status nor If-Match can be relied on.
        let held = answer.contentRange.map { Range($0.bytes) } ?? 0..<expected.size
        guard let written = answer.response.written, held == range, written.count == Int64(range.count) else {
            throw StoreError(
                code: .rangeIgnored,
                message: "the answer to GetObject holds other bytes than were asked for"
            )
        }
        return ContentDigest(written.md5)
    }
}

extension Capabilities {
    /// What a Complete says of what it expects; nil where the service would not look.
    fileprivate func completing(_ expected: ObjectExpectation) -> CompleteCondition? {
        guard self[.completeIfMatch] == .yes else { return nil }
        switch expected {
        case .nothing: return .nothing
        case .version(let etag): return .version(spelled(etag.value))
        case .anything: return nil
        }
    }
}

extension StoreError {
    /// Ceph says NoSuchKey of an upload that it does not know.
    fileprivate init(uploadError error: S3Error) {
        self = error.code == .noSuchKey ? StoreError(error).withCode(.uploadGone) : StoreError(error)
    }

    fileprivate func withCode(_ code: Code) -> StoreError {
        var error = self
        error.code = code
        return error
    }
}

extension RequestBody {
    init(_ body: UploadBody) {
        switch body {
        case .bytes(let bytes): self = .bytes(bytes)
        case .file(let file, let offset, let length):
            self = .descriptor(file.descriptor, offset: offset, length: length)
        }
    }
}

extension UnixTime {
    /// The nearest time that fits: nanoseconds reach from 1677 to 2262.
    public init(_ time: S3Time) {
        self.init(seconds: time.seconds, nanoseconds: Int64(time.nanoseconds))
    }
}
