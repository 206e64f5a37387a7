/// AWS Signature Version 4 for S3: pure; the time is an argument.
///
/// - SeeAlso: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header", read 2026-11-22.
struct SigV4: Sendable {
    var accessKeyID: String
    var region: String
    /// By AWS's name.
    var service = "s3"
    /// Of ``signingKey(secret:day:region:service:)`` for the day of the request.
    var signingKey: [UInt8]

    /// What is signed of a request.
    struct Request: Sendable {
        var method: String
        /// Percent-encoded, as it is sent.
        var path: String
        /// Names and values percent-encoded; in any order.
        var query: [(name: String, value: String)]
        /// All headers to be signed, `host` among them.
        var headers: [(name: String, value: String)]
        /// Lower-case hexadecimal SHA-256 of the body, or `UNSIGNED-PAYLOAD`.
        var payloadHash: String
    }

    /// The value of the `Authorization` header.
    /// `time` is `20130524T000000Z`, the same as in `x-amz-date`.
    func authorization(_ request: Request, time: String) -> String {
        let (canonical, signedHeaders) = Self.canonicalRequest(request)
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let digest = Digests.hexadecimal(Digests.sha256(Array(canonical.utf8)))
        let toSign = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(digest)"
        let signature = Digests.hexadecimal(Digests.hmacSHA256(key: signingKey, Array(toSign.utf8)))
        return "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope),SignedHeaders=\(signedHeaders),"
            + "Signature=\(signature)"
    }

    static func canonicalRequest(_ request: Request) -> (text: String, signedHeaders: String) {
        let headers = request.headers.map { (name: $0.name.lowercased(), value: canonicalValue($0.value)) }
            .sorted { $0.name < $1.name }
        let names = headers.map(\.name).joined(separator: ";")
        var text = ""
        text.reserveCapacity(1_024)
        for line in [request.method, request.path, canonicalQuery(request.query)] {
            text += line
            text += "\n"
        }
        for header in headers {
            text += header.name
            text += ":"
            text += header.value
            text += "\n"
        }
        text += "\n"
        text += names
        text += "\n"
        text += request.payloadHash
        return (text, names)
    }

    /// Sorted by name, then value, in the order of bytes; a name without value is signed as `name=`.
    static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
        query.sorted { ($0.name, $0.value) < ($1.name, $1.value) }.map { "\($0.name)=\($0.value)" }
            .joined(separator: "&")
    }

    /// Without spaces at the ends, runs of spaces as one.
    private static func canonicalValue(_ value: String) -> String {
        let spaces = value.utf8.count { $0 == 32 }
        // One space that stands inside is as it should be, and most values have none.
        guard spaces > 1 || value.utf8.first == 32 || value.utf8.last == 32 else { return value }
        return value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    /// The key that signs all requests of one day in one region to one service.
    /// `day` is `20130524`.
    static func signingKey(secret: String, day: String, region: String, service: String = "s3") -> [UInt8] {
        var key = Digests.hmacSHA256(key: Array("AWS4\(secret)".utf8), Array(day.utf8))
        for part in [region, service, "aws4_request"] { key = Digests.hmacSHA256(key: key, Array(part.utf8)) }
        return key
    }
}
