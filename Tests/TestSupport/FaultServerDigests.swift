import COpenSSL
import Glibc

/// Digests and the texts that they are written in, for judging what a client sends without the client's own code.
public enum FaultDigests {
    /// 16 bytes.
    public static func md5(_ bytes: [UInt8]) -> [UInt8] { digest(bytes, EVP_md5(), length: 16) }

    /// 32 bytes.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] { digest(bytes, EVP_sha256(), length: 32) }

    private static func digest(_ bytes: [UInt8], _ kind: OpaquePointer?, length: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: length)
        let status = EVP_Digest(bytes, bytes.count, &result, nil, kind, nil)
        precondition(status == 1, "OpenSSL refuses a digest")
        return result
    }

    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        let status = HMAC(EVP_sha256(), key, CInt(key.count), message, message.count, &result, nil)
        precondition(status != nil, "OpenSSL refuses HMAC-SHA-256")
        return result
    }

    /// Two lower-case digits a byte.
    public static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// With padding.
    public static func base64(_ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&text, bytes, CInt(bytes.count))
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }

    /// The ETag of an object of one piece: its MD5.
    public static func etag(_ content: [UInt8]) -> String { hexadecimal(md5(content)) }

    /// The ETag of an object of several parts: the MD5 of their MD5s, and how many they are.
    public static func etag(parts: [[UInt8]]) -> String {
        "\(hexadecimal(md5(parts.flatMap { md5($0) })))-\(parts.count)"
    }
}

/// Times as services write and read them, in seconds since 1970.
enum FaultTime {
    /// `Sun, 22 Nov 2026 09:12:04 GMT`.
    static func http(_ seconds: Int64) -> String { format(seconds, "%a, %d %b %Y %H:%M:%S GMT") }

    /// `2026-11-22T09:12:04.000Z`.
    static func iso8601(_ seconds: Int64) -> String { format(seconds, "%Y-%m-%dT%H:%M:%S.000Z") }

    private static func format(_ seconds: Int64, _ pattern: String) -> String {
        var time = time_t(seconds)
        var fields = tm()
        gmtime_r(&time, &fields)
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, pattern, &fields)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Of `20130524T000000Z`; nil for anything else.
    static func signing(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> CInt? {
            let digits = bytes[range]
            guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
            return CInt(String(decoding: digits, as: UTF8.self))
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8), let hour = number(9..<11),
            let minute = number(11..<13), let second = number(13..<15)
        else { return nil }
        var fields = tm()
        fields.tm_year = year - 1_900
        fields.tm_mon = month - 1
        (fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec) = (day, hour, minute, second)
        return Int64(timegm(&fields))
    }
}
