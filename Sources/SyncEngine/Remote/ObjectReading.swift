public import S3API

/// Reads one object from its first byte to its last, in ranges that are checked as they come: for whoever cannot write at
/// offsets, a pipe for instance.
public struct ObjectReading: Sendable {
    private let client: S3Client
    private let bucket: String
    private let key: ObjectKey
    private let policy: PartPolicy

    /// Of a range whose size the object's parts do not give, and of the largest that is held in memory, in bytes.
    private static let usualRange: Int64 = 8 << 20
    private static let largestRange: Int64 = 64 << 20

    public init(client: S3Client, bucket: String, key: ObjectKey, policy: PartPolicy = .standard) {
        self.client = client
        self.bucket = bucket
        self.key = key
        self.policy = policy
    }

    /// Hands on the bytes in their order; `take` returns false to end it early.
    /// - Returns: the size in bytes. - Throws: `.badDigest` at the end, where the bytes were not those that the ETag states;
    ///   `.preconditionFailed` where the object was replaced meanwhile.
    public func read(
        until stop: StopSignal,
        _ take: ([UInt8]) async -> Bool
    ) async throws(S3Error) -> Int64 {
        let object = try await client.headObject(bucket: bucket, key: key)
        let etag = ETag(object.etag)
        guard object.size > 0 else { return 0 }
        let likely = policy.layouts(explaining: etag, size: object.size).first { $0.partSize <= Self.largestRange }
        let layout = likely ?? PartLayout(size: object.size, partSize: min(object.size, Self.usualRange))
        let whole = ContentHasher()
        var digests: [ContentDigest] = []
        for number in 1...layout.count {
            guard !stop.isRequested else { throw error(.transport, "stopped on request") }
            let bytes = try await range(layout.bytes(of: number), of: object)
            bytes.withUnsafeBytes { whole.update($0) }
            if likely != nil { digests.append(ContentDigest(Self.md5(bytes))) }
            guard await take(bytes) else { return object.size }
        }
        let found = ContentDigest(whole.finish())
        let ofParts = digests.isEmpty ? found : ContentDigest(parts: digests, partSize: layout.partSize)
        let isStated = etag.contentDigest != nil || likely != nil
        let isRight = found.etag(size: object.size) == etag || ofParts.etag(size: object.size) == etag
        if isStated, !object.etagIsOpaque, !isRight {
            throw error(.badDigest, "the bytes are not those that the ETag states: do not use them")
        }
        return object.size
    }

    private static func md5(_ bytes: [UInt8]) -> [UInt8] {
        let hasher = ContentHasher()
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }

    private func range(_ wanted: Range<Int64>, of object: S3Object) async throws(S3Error) -> [UInt8] {
        let answer = try await client.getObject(
            bucket: bucket,
            key: key,
            range: wanted.lowerBound...(wanted.upperBound - 1),
            ifMatch: "\"\(object.etag)\"",
            sink: .memory(limit: Int(max(Self.largestRange, Int64(wanted.count))))
        )
        // Some services ignore conditions, and some ranges: what counts is what came.
        guard answer.object.etag == object.etag, answer.object.size == object.size else {
            throw error(.preconditionFailed, "the object was replaced while it was read")
        }
        let body = answer.response.body
        if body.count == wanted.count, answer.contentRange?.bytes.lowerBound ?? wanted.lowerBound == wanted.lowerBound {
            return body
        }
        throw error(.malformedAnswer, "the answer to a range held other bytes")
    }

    private func error(_ code: S3Error.Code, _ message: String) -> S3Error {
        S3Error(code: code, operation: "GetObject", bucket: bucket, key: key, message: message)
    }
}
