import TestSupport
import Testing
import Text

@testable import S3API

struct DigestTests {
    /// RFC 1321, section A.5; FIPS 180-4 examples (NIST, "SHA256.pdf").
    static let answers: [(text: String, md5: String, sha256: String)] = [
        (
            "", "d41d8cd98f00b204e9800998ecf8427e",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ),
        (
            "abc", "900150983cd24fb0d6963f7d28e17f72",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "8215ef0796a20bcaaae116d3876c664a",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ]

    @Test(arguments: answers)
    func `MD5 and SHA-256 give the published answers`(text: String, md5: String, sha256: String) {
        let hasher = BodyHasher(withSHA256: true)
        Array(text.utf8).withUnsafeBytes { hasher.update($0) }
        let result = hasher.finish()
        #expect(Digests.hexadecimal(result.md5) == md5)
        #expect(result.sha256.map(Digests.hexadecimal) == sha256)
        #expect(Digests.hexadecimal(Digests.sha256(Array(text.utf8))) == sha256)
    }

    /// RFC 4231, test cases 1, 2 and 6, and an empty key.
    @Test(
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ]
    )
    func `HMAC-SHA-256 gives the published answers`(key: [UInt8], message: String, expected: String) {
        #expect(Digests.hexadecimal(Digests.hmacSHA256(key: key, Array(message.utf8))) == expected)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `a body hashed in pieces gives what it gives whole`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let body = (0..<Int.random(in: 0...5_000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
        }
        let pieces = BodyHasher(withSHA256: true)
        var rest = body[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0...700, using: &random))
            piece.withUnsafeBytes { pieces.update($0) }
            rest = rest.dropFirst(piece.count)
        }
        let whole = BodyHasher(withSHA256: true)
        body.withUnsafeBytes { whole.update($0) }
        let (left, right) = (pieces.finish(), whole.finish())
        #expect(left.md5 == right.md5 && left.sha256 == right.sha256, "seed \(seed)")
        #expect(left.sha256 == Digests.sha256(body), "seed \(seed)")
    }

    @Test func `the SHA-256 is left out where it is not wanted`() {
        let result = BodyHasher(withSHA256: false).finish()
        #expect(result.sha256 == nil)
        #expect(Digests.hexadecimal(result.md5) == "d41d8cd98f00b204e9800998ecf8427e")
    }

    /// RFC 4648, section 10.
    @Test(
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func `base64 is padded`(text: String, expected: String) {
        #expect(Base64.encode(Array(text.utf8)) == expected)
    }

    @Test func `base64 has all 64 letters`() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        var bytes: [UInt8] = []
        for group in stride(from: 0, to: 64, by: 4) {
            let bits = group << 18 | (group + 1) << 12 | (group + 2) << 6 | (group + 3)
            bytes += [UInt8(bits >> 16 & 255), UInt8(bits >> 8 & 255), UInt8(bits & 255)]
        }
        #expect(Base64.encode(bytes) == alphabet)
    }

    @Test func `hexadecimal has two lower-case digits a byte`() {
        #expect(Digests.hexadecimal([0, 1, 0x7F, 0xAB, 0xFF]) == "00017fabff")
        #expect(Digests.hexadecimal([]) == "")
    }

    // MARK: Percent-encoding

    @Test(arguments: OddKey.all)
    func `decoding an encoded key gives the key`(odd: OddKey) {
        #expect(PercentEncoding.encode(odd.bytes, keepingSlash: true) == odd.encoded)
        #expect(PercentEncoding.decode(Array(odd.encoded.utf8)) == odd.bytes)
        #expect(PercentEncoding.decode(Array(PercentEncoding.encode(odd.bytes, keepingSlash: false).utf8)) == odd.bytes)
    }

    @Test func `every byte but the unreserved ones is encoded, in upper case`() {
        let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        for byte in UInt8.min...UInt8.max {
            let hex = String(byte, radix: 16, uppercase: true)
            let expected = unreserved.contains(byte) ? String(UnicodeScalar(byte)) : "%\(byte < 16 ? "0" : "")\(hex)"
            #expect(PercentEncoding.encode([byte], keepingSlash: false) == expected)
        }
    }

    @Test(
        arguments: [
            ("a+b", "a b"), ("a%2Bb", "a+b"), ("a%20b", "a b"), ("%2f%2F", "//"), ("plain", "plain"), ("", ""),
            ("%25%32%35", "%25"), ("+%2B+", " + "),
        ]
    )
    func `a listing's plus is a space, its %2B a plus`(encoded: String, decoded: String) {
        #expect(PercentEncoding.decode(Array(encoded.utf8)) == Array(decoded.utf8))
    }

    @Test(arguments: ["%", "%4", "a%", "%G0", "%0G", "100% sure", "%%20"])
    func `a percent sign without two digits is refused`(text: String) {
        #expect(PercentEncoding.decode(Array(text.utf8)) == nil)
    }
}
