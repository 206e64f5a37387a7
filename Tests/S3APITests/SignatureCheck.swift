import S3API
import TestSupport

@testable import S3API

/// Judges a signature as a strict service does: from what arrived, and the secret.
struct SignatureCheck {
    var method: String
    var target: String
    var headers: [(name: String, value: String)]
    var body: [UInt8]?

    init(_ request: HTTPRequest) {
        method = request.method.rawValue
        target = request.target
        headers = request.headers.map { ($0.name.lowercased(), $0.value) }
        switch request.body {
        case .none: body = []
        case .bytes(let bytes): body = bytes
        case .descriptor: body = nil
        }
    }

    init(_ request: LoopbackRequest) {
        let words = request.line.split(separator: " ").map(String.init)
        method = words.first ?? ""
        target = words.count > 1 ? words[1] : ""
        headers = request.headers.map { ($0.name.lowercased(), $0.value) }
        body = request.body
    }

    /// What is wrong with it; nil if nothing is.
    func objection(secret: String = exampleCredentials.secretAccessKey) -> String? {
        guard let authorization = value("authorization"), authorization.hasPrefix("AWS4-HMAC-SHA256 "),
            let credential = field("Credential", of: authorization),
            let names = field("SignedHeaders", of: authorization)?.split(separator: ";").map(String.init),
            let signature = field("Signature", of: authorization),
            let time = value("x-amz-date"), let hash = value("x-amz-content-sha256")
        else { return "a header is missing" }
        guard names == names.sorted(), names.contains("host") else { return "bad SignedHeaders \(names)" }
        for header in headers where header.name.hasPrefix("x-amz-") && !names.contains(header.name) {
            return "\(header.name) is not signed"
        }
        if let body, hash != "UNSIGNED-PAYLOAD", hash != hexadecimal(Digests.sha256(body)) {
            return "the body is another than its hash says"
        }
        let scope = credential.split(separator: "/").map(String.init)
        guard scope.count == 5, scope[3] == "s3", scope[4] == "aws4_request", time.hasPrefix(scope[1]) else {
            return "bad scope \(credential)"
        }
        guard let canonical = canonicalRequest(names, hash) else { return "the target \(target) is not canonical" }
        let text =
            "AWS4-HMAC-SHA256\n\(time)\n\(scope[1...].joined(separator: "/"))\n"
            + hexadecimal(Digests.sha256(Array(canonical.utf8)))
        var key = Array("AWS4\(secret)".utf8)
        for part in scope[1...] { key = Digests.hmacSHA256(key: key, Array(part.utf8)) }
        let expected = hexadecimal(Digests.hmacSHA256(key: key, Array(text.utf8)))
        return expected == signature ? nil : "the signature does not match"
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
            let words = value(name)?.split(separator: " ").joined(separator: " ") ?? "(missing)"
            lines.append("\(name):\(words)")
        }
        return (lines + ["", names.joined(separator: ";"), hash]).joined(separator: "\n")
    }

    /// True if it is unreserved characters, `%XX` in upper case, and those of `extra`.
    private func isCanonical(_ text: Substring, allowing extra: String) -> Bool {
        let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~" + extra
        var rest = text
        while let character = rest.popFirst() {
            if character == "%" {
                guard rest.count >= 2, rest.prefix(2).allSatisfy({ "0123456789ABCDEF".contains($0) }) else {
                    return false
                }
                rest = rest.dropFirst(2)
            } else if !unreserved.contains(character) {
                return false
            }
        }
        return true
    }

    private func value(_ name: String) -> String? {
        let values = headers.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ",")
    }

    private func field(_ name: String, of authorization: String) -> String? {
        let fields = authorization.split(whereSeparator: { ", ".contains($0) })
        return fields.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
