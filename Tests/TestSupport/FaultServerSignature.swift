public import S3API

/// Judges a signature as a strict service does: from what arrived and the secret, by code that shares nothing with the
/// signer.
public struct SignatureCheck: Sendable {
    /// Why a request is refused, as S3 answers it.
    public struct Objection: Error, Hashable, Sendable {
        public var status: Int
        public var code: String
        public var message: String
    }

    private let method: String
    private let target: String
    /// Names in lower case.
    private let headers: [(name: String, value: String)]
    /// Nil where it cannot be known.
    private let body: [UInt8]?

    /// `target` is path and query as they came; names of headers are in lower case.
    public init(method: String, target: String, headers: [(name: String, value: String)], body: [UInt8]?) {
        (self.method, self.target, self.headers, self.body) = (method, target, headers, body)
    }

    public init(_ request: HTTPRequest) {
        let body: [UInt8]? =
            switch request.body {
            case .none: []
            case .bytes(let bytes): bytes
            case .descriptor: nil
            }
        self.init(
            method: request.method.rawValue,
            target: request.target,
            headers: request.headers.map { ($0.name.lowercased(), $0.value) },
            body: body
        )
    }

    public init(_ request: LoopbackRequest) {
        let words = request.line.split(separator: " ").map(String.init)
        self.init(
            method: words.first ?? "",
            target: words.count > 1 ? words[1] : "",
            headers: request.headers.map { ($0.name.lowercased(), $0.value) },
            body: request.body
        )
    }

    /// The region that the signature is for; nil if there is none.
    public var region: String? {
        let scope = value("authorization").flatMap { field("Credential", of: $0) }?.split(separator: "/")
        return scope.flatMap { $0.count == 5 ? String($0[2]) : nil }
    }

    /// What is wrong with the body, if that is known: it must be what the signed hash and the MD5, if there is one, say.
    public func bodyObjection() -> Objection? {
        guard let body else { return nil }
        if let hash = value("x-amz-content-sha256"), hash != "UNSIGNED-PAYLOAD",
            hash != FaultDigests.hexadecimal(FaultDigests.sha256(body))
        {
            return Objection(status: 400, code: "XAmzContentSHA256Mismatch", message: "the body has another SHA-256")
        }
        guard let md5 = value("content-md5") else { return nil }
        guard md5.utf8.count == 24 else {
            return Objection(status: 400, code: "InvalidDigest", message: "Content-MD5 is no MD5")
        }
        guard md5 == FaultDigests.base64(FaultDigests.md5(body)) else {
            return Objection(status: 400, code: "BadDigest", message: "the body has another MD5")
        }
        return nil
    }

    /// What is wrong with the signature; nil if nothing is.
    public func objection(accessKeyID: String, secret: String) -> Objection? {
        guard let authorization = value("authorization") else { return denied("the request is not signed") }
        guard authorization.hasPrefix("AWS4-HMAC-SHA256 "),
            let credential = field("Credential", of: authorization),
            let names = field("SignedHeaders", of: authorization)?.split(separator: ";").map(String.init),
            let signature = field("Signature", of: authorization)
        else { return malformed("a part of the authorization is missing") }
        guard let time = value("x-amz-date"), let hash = value("x-amz-content-sha256") else {
            return denied("x-amz-date or x-amz-content-sha256 is missing")
        }
        guard names == names.sorted(), Set(names).count == names.count, names.contains("host") else {
            return malformed("bad SignedHeaders \(names)")
        }
        for header in headers where header.name.hasPrefix("x-amz-") && !names.contains(header.name) {
            return denied("\(header.name) was not signed")
        }
        let scope = credential.split(separator: "/").map(String.init)
        guard scope.count == 5, scope[3] == "s3", scope[4] == "aws4_request" else {
            return malformed("bad scope \(credential)")
        }
        guard scope[0] == accessKeyID else {
            return Objection(status: 403, code: "InvalidAccessKeyId", message: "the key \(scope[0]) is not known")
        }
        guard time.hasPrefix("\(scope[1])T") else {
            return mismatch("the day of the scope, \(scope[1]), is another than that of x-amz-date, \(time)")
        }
        guard let canonical = canonicalRequest(names, hash) else {
            return mismatch("\(target) is not encoded exactly once, or a signed header is missing")
        }
        let text =
            "AWS4-HMAC-SHA256\n\(time)\n\(scope[1...].joined(separator: "/"))\n"
            + FaultDigests.hexadecimal(FaultDigests.sha256(Array(canonical.utf8)))
        var key = Array("AWS4\(secret)".utf8)
        for part in scope[1...] { key = FaultDigests.hmacSHA256(key: key, Array(part.utf8)) }
        let expected = FaultDigests.hexadecimal(FaultDigests.hmacSHA256(key: key, Array(text.utf8)))
        return expected == signature ? nil : mismatch("the signature does not match")
    }

    private func denied(_ message: String) -> Objection {
        Objection(status: 403, code: "AccessDenied", message: message)
    }

    private func malformed(_ message: String) -> Objection {
        Objection(status: 400, code: "AuthorizationHeaderMalformed", message: message)
    }

    private func mismatch(_ message: String) -> Objection {
        Objection(status: 403, code: "SignatureDoesNotMatch", message: message)
    }

    private func canonicalRequest(_ names: [String], _ hash: String) -> String? {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard isCanonical(halves[0], allowing: "/"), halves[0].hasPrefix("/") else { return nil }
        var pairs: [[String]] = []
        if halves.count == 2 {
            for pair in halves[1].split(separator: "&") {
                let words = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard words.count == 2, words.allSatisfy({ isCanonical($0, allowing: "") }) else { return nil }
                pairs.append(words.map(String.init))
            }
        }
        pairs.sort { $0.lexicographicallyPrecedes($1) }
        var lines = [method, String(halves[0]), pairs.map { "\($0[0])=\($0[1])" }.joined(separator: "&")]
        for name in names {
            guard let value = value(name) else { return nil }
            lines.append("\(name):\(value.split(separator: " ").joined(separator: " "))")
        }
        return (lines + ["", names.joined(separator: ";"), hash]).joined(separator: "\n")
    }

    /// True if it is unreserved characters, `%XX` in upper case that no unreserved character needs, and those of
    /// `extra`.
    private func isCanonical(_ text: Substring, allowing extra: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.allSatisfy({ Self.upperCaseDigits.contains($0) }),
                    let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
                    !Self.unreserved.contains(value), !extra.utf8.contains(value)
                else { return false }
                rest = rest.dropFirst(2)
            } else if !Self.unreserved.contains(byte), !extra.utf8.contains(byte) {
                return false
            }
        }
        return true
    }

    private static let upperCaseDigits = Set("0123456789ABCDEF".utf8)
    private static let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    private func value(_ name: String) -> String? {
        let values = headers.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ",")
    }

    private func field(_ name: String, of authorization: String) -> String? {
        let fields = authorization.split(whereSeparator: { ", ".contains($0) })
        return fields.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }
}
