/// An upload that was created.
public struct CreatedUpload: Hashable, Sendable {
    public var id: String
    /// True if the request was sent more than once: an earlier try may have created another upload, of which nobody
    /// knows the id.
    public var mayHaveTwin: Bool

    public init(id: String, mayHaveTwin: Bool) {
        self.id = id
        self.mayHaveTwin = mayHaveTwin
    }
}

/// What must stand at a key for an upload to be completed there. Not every service looks.
public enum CompleteCondition: Hashable, Sendable {
    case nothing
    /// The version with this ETag, spelled as the service wants it: in quotes, or bare.
    case version(String)

    var header: (name: String, value: String) {
        switch self {
        case .nothing: ("if-none-match", "*")
        case .version(let tag): ("if-match", tag)
        }
    }
}

/// Multipart uploads, for objects of up to 10,000 parts (AWS, "Amazon S3 multipart upload limits", read 2026-11-22).
extension S3Client {
    /// Parts of one upload at most.
    public static let maximumParts = 10_000
    /// Pages of parts or uploads that are read at most.
    private static let maximumPages = 1_000
    /// Seconds that a service may need to put an object together without sending a byte.
    private static let completeTimeout = 600

    /// Begins an upload; its parts cost money until it is completed or aborted.
    public func createMultipartUpload(
        bucket: String,
        key: ObjectKey,
        options: PutOptions = PutOptions()
    ) async throws(S3Error) -> CreatedUpload {
        let operation = Operation(
            name: "CreateMultipartUpload",
            method: .post,
            bucket: bucket,
            key: key,
            query: [("uploads", [])],
            headers: options.headers + customerHeaders,
            needsNewConnection: true
        )
        let (response, attempts) = try await performCounting(operation)
        let id = try read(operation, response, S3Answers.uploadID)
        return CreatedUpload(id: id, mayHaveTwin: attempts > 1)
    }

    /// Sends one part, 5 MiB to 5 GiB unless it is the last; a part sent before under that number is replaced.
    /// The body is read twice, as by ``putObject(bucket:key:body:options:)``.
    public func uploadPart(
        bucket: String,
        key: ObjectKey,
        uploadID: String,
        number: Int,
        body: RequestBody
    ) async throws(S3Error) -> PutResult {
        precondition((1...Self.maximumParts).contains(number), "a part's number is 1 to \(Self.maximumParts)")
        return try await put(
            Operation(
                name: "UploadPart",
                method: .put,
                bucket: bucket,
                key: key,
                query: [("partNumber", Array(String(number).utf8)), ("uploadId", Array(uploadID.utf8))],
                headers: customerHeaders,
                body: body
            )
        )
    }

    /// The parts that the service holds, in its own order. Some services list a part that was sent twice twice.
    public func listParts(bucket: String, key: ObjectKey, uploadID: String) async throws(S3Error) -> [S3Part] {
        let operation = Operation(
            name: "ListParts",
            method: .get,
            bucket: bucket,
            key: key,
            query: [("uploadId", Array(uploadID.utf8))],
            sink: .memory(limit: HTTPLimits.listBody)
        )
        return try await allPages(operation, S3Answers.parts)
    }

    /// Unfinished uploads of keys that begin with `prefix`.
    public func listMultipartUploads(bucket: String, prefix: ObjectKey) async throws(S3Error) -> [S3Upload] {
        let operation = Operation(
            name: "ListMultipartUploads",
            method: .get,
            bucket: bucket,
            query: [("uploads", []), ("encoding-type", Array("url".utf8)), ("prefix", prefix.bytes)],
            sink: .memory(limit: HTTPLimits.listBody)
        )
        do {
            return try await allPages(operation, S3Answers.uploads)
        } catch {
            // That there are none is an error to `rclone serve`.
            if error.code == .noSuchUpload { return [] }
            throw error
        }
    }

    /// Makes an object of the parts, whose numbers ascend; with `condition` only where that stands.
    ///
    /// An `<Error>` inside a 200, which services send when they fail after they began to answer, is tried again like any
    /// other failure. Where the answer was lost, a second try may find the upload gone (`.noSuchUpload`): then look
    /// whether the object is there. With a condition it may find that very object in its way (`.preconditionFailed`).
    /// - Returns: the object's ETag; nil where the service does not say it.
    /// - Throws: `.malformedAnswer` for an answer that was cut short: whether the object was made is unknown;
    ///   `.conflict` where another writer was at it: then the upload is to be begun anew.
    public func completeMultipartUpload(
        bucket: String,
        key: ObjectKey,
        uploadID: String,
        parts: [(number: Int, etag: String)],
        condition: CompleteCondition? = nil
    ) async throws(S3Error) -> String? {
        let body = Self.completeBody(parts)
        let operation = Operation(
            name: "CompleteMultipartUpload",
            method: .post,
            bucket: bucket,
            key: key,
            query: [("uploadId", Array(uploadID.utf8))],
            headers: [("content-type", "application/xml")] + [condition?.header].compactMap { $0 },
            body: .bytes(body),
            bodySHA256: Digests.hexadecimal(Digests.sha256(body)),
            stallTimeout: Self.completeTimeout
        )
        var attempt = 0
        while true {
            attempt += 1
            let response = try await perform(operation)
            do throws(S3Error) {
                return try read(operation, response, S3Answers.completedETag)
            } catch {
                guard error.code != .malformedAnswer else { throw error }
                try await pause(after: attempt, error, nil)
            }
        }
    }

    private static func completeBody(_ parts: [(number: Int, etag: String)]) -> [UInt8] {
        var body = Array("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".utf8)
        for part in parts {
            body += Array("<Part><PartNumber>\(part.number)</PartNumber><ETag>\"".utf8)
            ObjectKey(part.etag).appendEscaped(to: &body)
            body += Array("\"</ETag></Part>".utf8)
        }
        return body + Array("</CompleteMultipartUpload>".utf8)
    }

    /// Gives an upload up; the service drops its parts. - Throws: `.noSuchUpload` where there is none.
    public func abortMultipartUpload(bucket: String, key: ObjectKey, uploadID: String) async throws(S3Error) {
        _ = try await perform(
            Operation(
                name: "AbortMultipartUpload",
                method: .delete,
                bucket: bucket,
                key: key,
                query: [("uploadId", Array(uploadID.utf8))]
            )
        )
    }

    // MARK: Answers

    private func allPages<Item: Sendable>(
        _ operation: Operation,
        _ parse: ([UInt8]) throws(XMLReader.Refusal) -> MultipartPage<Item>
    ) async throws(S3Error) -> [Item] {
        var items: [Item] = []
        var asked = operation
        var markers: Set<[[UInt8]]> = []
        for _ in 0..<Self.maximumPages {
            let response = try await perform(asked)
            let page = try read(asked, response, parse)
            items += page.items
            if page.next.isEmpty { return items }
            guard markers.insert(page.next.map(\.value)).inserted else { break }
            asked.query = operation.query + page.next
        }
        throw S3Error(
            code: .malformedAnswer,
            operation: operation.name,
            bucket: operation.bucket,
            key: operation.key,
            message: "the listing goes round in circles, or does not end"
        )
    }

    private func read<Value>(
        _ operation: Operation,
        _ response: HTTPResponse,
        _ parse: ([UInt8]) throws(XMLReader.Refusal) -> Value
    ) throws(S3Error) -> Value {
        do throws(XMLReader.Refusal) {
            return try parse(response.body)
        } catch {
            throw malformed(operation, response, error)
        }
    }
}
