import S3API
import Text

/// A place in a bucket as people write it: `s3://bucket/key`, or `bucket/key`. The key is taken as it stands, without any
/// decoding.
struct ObjectAddress: Hashable, Sendable {
    var bucket: String
    /// Empty for the bucket itself.
    var key: ObjectKey

    static let scheme = "s3://"

    init(bucket: String, key: ObjectKey) {
        self.bucket = bucket
        self.key = key
    }

    /// - Throws: what is wrong with it.
    init(_ text: String) throws(UsageError) {
        let hasScheme = text.lowercased().hasPrefix(Self.scheme)
        let rest = hasScheme ? text.dropFirst(Self.scheme.count) : text[...]
        let halves = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bucket = halves.first, !bucket.isEmpty else {
            throw UsageError(message: "\"\(printable(text))\" names no bucket: write it like s3://bucket/key")
        }
        self.bucket = String(bucket)
        key = ObjectKey(halves.count > 1 ? String(halves[1]) : "")
    }

    /// - Throws: what to write instead, where only a bucket is named.
    func requireKey() throws(UsageError) {
        guard key.bytes.isEmpty else { return }
        throw UsageError(message: "\(self) names no object: write it like s3://\(bucket)/key")
    }
}

extension ObjectAddress: CustomStringConvertible {
    /// For people: what cannot be seen is escaped.
    var description: String { "\(Self.scheme)\(printable(bucket))/\(escaped(key.bytes))" }
}
