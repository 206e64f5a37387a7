import COpenSSL

/// MD5, and what is wanted of SHA-256 and a checksum, of the same bytes, taken in one pass.
final class BodyHasher {
    private let md5: OpaquePointer
    private let sha256: OpaquePointer?
    private var crc: ChecksumHasher?

    /// - Parameters:
    ///   - withSHA256: whether the SHA-256 is wanted beside the MD5.
    ///   - checksum: which checksum is wanted as well.
    init(withSHA256: Bool, checksum: Checksum.Algorithm? = nil) {
        crc = checksum.map(ChecksumHasher.init)
        guard let md5 = EVP_MD_CTX_new() else { preconditionFailure("out of memory for a digest") }
        self.md5 = md5
        Self.check(EVP_DigestInit_ex(md5, EVP_md5(), nil))
        guard withSHA256 else {
            sha256 = nil
            return
        }
        sha256 = EVP_MD_CTX_new()
        Self.check(EVP_DigestInit_ex(sha256, EVP_sha256(), nil))
    }

    deinit {
        EVP_MD_CTX_free(md5)
        EVP_MD_CTX_free(sha256)
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        Self.check(EVP_DigestUpdate(md5, bytes.baseAddress, bytes.count))
        if let sha256 { Self.check(EVP_DigestUpdate(sha256, bytes.baseAddress, bytes.count)) }
        crc?.update(bytes)
    }

    /// Of all bytes so far; nil where none was wanted.
    var checksum: Checksum? { crc?.checksum }

    /// 16 bytes of MD5, and 32 of SHA-256 if that was wanted. To be called once.
    func finish() -> (md5: [UInt8], sha256: [UInt8]?) {
        (Self.final(md5, length: 16), sha256.map { Self.final($0, length: 32) })
    }

    private static func final(_ context: OpaquePointer, length: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            check(EVP_DigestFinal_ex(context, buffer.baseAddress, nil))
            count = length
        }
    }

    private static func check(_ status: CInt) {
        precondition(status == 1, "OpenSSL refuses a digest that S3 needs (is it in FIPS mode?)")
    }
}

/// SHA-256, keyed and not, and the texts that digests are written in.
enum Digests {
    static func md5(_ bytes: [UInt8]) -> [UInt8] {
        let hasher = BodyHasher(withSHA256: false)
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finish().md5
    }

    static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            let status = EVP_Digest(bytes, bytes.count, buffer.baseAddress, nil, EVP_sha256(), nil)
            precondition(status == 1, "OpenSSL refuses SHA-256")
            count = 32
        }
    }

    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            let result = HMAC(EVP_sha256(), key, CInt(key.count), message, message.count, buffer.baseAddress, nil)
            precondition(result != nil, "OpenSSL refuses HMAC-SHA-256")
            count = 32
        }
    }

    /// Two lower-case digits a byte.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { buffer in
            for (index, byte) in bytes.enumerated() {
                buffer[2 * index] = digit(byte >> 4)
                buffer[2 * index + 1] = digit(byte & 15)
            }
            return 2 * bytes.count
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
