/// Which objects a listing is to show.
public struct ListQuery: Hashable, Sendable {
    /// What all keys begin with; empty for the whole bucket. For a search: prefix and term.
    public var prefix: ObjectKey
    /// Usually `/`: then keys that hold it behind the prefix come as common prefixes.
    public var delimiter: String?
    /// Only keys behind this one in the service's own order.
    public var startAfter: ObjectKey?
    public var continuation: String?
    /// 1 to 1,000; nil for the service's own choice.
    public var maxKeys: Int?

    public init(
        prefix: ObjectKey = ObjectKey([]),
        delimiter: String? = nil,
        startAfter: ObjectKey? = nil,
        continuation: String? = nil,
        maxKeys: Int? = nil
    ) {
        self.prefix = prefix
        self.delimiter = delimiter
        self.startAfter = startAfter
        self.continuation = continuation
        self.maxKeys = maxKeys
    }
}

extension S3Client {
    /// All buckets of the account, for those who may list them.
    public func listBuckets() async throws(S3Error) -> [S3Bucket] {
        let operation = Operation(
            name: "ListBuckets",
            method: .get,
            bucket: nil,
            sink: .memory(limit: HTTPLimits.listBody)
        )
        let response = try await perform(operation)
        do throws(XMLReader.Refusal) {
            return try S3Answers.buckets(response.body)
        } catch {
            throw malformed(operation, response, error)
        }
    }

    /// The region that a bucket lies in.
    public func bucketLocation(_ bucket: String) async throws(S3Error) -> String {
        let operation = Operation(
            name: "GetBucketLocation",
            method: .get,
            bucket: bucket,
            query: [("location", [])]
        )
        let response = try await perform(operation)
        do throws(XMLReader.Refusal) {
            return try S3Answers.location(response.body)
        } catch {
            throw malformed(operation, response, error)
        }
    }

    /// One page of a listing. The prefix is always sent: a policy may allow no other listing.
    public func listObjects(bucket: String, _ query: ListQuery) async throws(S3Error) -> ListPage {
        var parameters: [(name: String, value: [UInt8])] = [
            ("list-type", Array("2".utf8)), ("encoding-type", Array("url".utf8)), ("prefix", query.prefix.bytes),
        ]
        if let delimiter = query.delimiter { parameters.append(("delimiter", Array(delimiter.utf8))) }
        if let start = query.startAfter { parameters.append(("start-after", start.bytes)) }
        if let token = query.continuation { parameters.append(("continuation-token", Array(token.utf8))) }
        if let count = query.maxKeys { parameters.append(("max-keys", Array(String(count).utf8))) }
        let operation = Operation(
            name: "ListObjectsV2",
            method: .get,
            bucket: bucket,
            query: parameters,
            sink: .memory(limit: HTTPLimits.listBody)
        )
        let response = try await perform(operation)
        do throws(XMLReader.Refusal) {
            return try S3Answers.listPage(response.body)
        } catch {
            throw malformed(operation, response, error)
        }
    }

    /// What a whole answer says that is not what S3 answers; an `<Error>` in a 200 is one as well.
    func malformed(_ operation: Operation, _ response: HTTPResponse, _ refusal: XMLReader.Refusal) -> S3Error {
        if S3Answers.error(response.body) != nil {
            return S3Error(response, operation: operation.name, bucket: operation.bucket, key: operation.key)
        }
        return S3Error(
            code: .malformedAnswer,
            operation: operation.name,
            bucket: operation.bucket,
            key: operation.key,
            status: response.status,
            message: "the answer is not what S3 answers (\(refusal))",
            requestID: response.headers["x-amz-request-id"]
        )
    }
}
