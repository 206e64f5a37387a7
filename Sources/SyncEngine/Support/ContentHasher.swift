import COpenSSL

/// MD5 over bytes that come in pieces.
struct ContentHasher: ~Copyable {
    private let context: OpaquePointer

    init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory for a digest") }
        self.context = context
        restart()
    }

    deinit { EVP_MD_CTX_free(context) }

    func update(_ bytes: UnsafeRawBufferPointer) {
        let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(status == 1, "EVP_DigestUpdate failed: the digest was not initialised")
    }

    /// The digest of all bytes since the last one; the next starts afresh.
    func finish() -> [UInt8] {
        let digest = [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            let status = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
            precondition(status == 1, "EVP_DigestFinal_ex failed: the digest was not initialised")
            count = 16
        }
        restart()
        return digest
    }

    private func restart() {
        let status = EVP_DigestInit_ex(context, EVP_md5(), nil)
        precondition(status == 1, "OpenSSL refuses MD5, without which no ETag can be read: is it in FIPS mode?")
    }
}
