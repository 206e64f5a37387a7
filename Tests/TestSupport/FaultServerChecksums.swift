import S3API

/// Checksums and the callers' own keys, as AWS has them.
extension FaultStore {
    /// Names the key that an object is encrypted by, without giving it away.
    public static let customerKeyHeader = "x-amz-server-side-encryption-customer-key-md5"

    /// What a body's checksum says against it; nil if nothing does.
    func checksumRefusal(_ request: FaultRequest) -> FaultAnswer? {
        guard quirks.comparesChecksums else { return nil }
        for algorithm in Checksum.Algorithm.allCases {
            guard let text = request.header(algorithm.header) else { continue }
            guard let stated = Checksum(algorithm, base64: text) else { return .error(400, "InvalidRequest") }
            guard stated == Checksum(algorithm, of: request.body) else { return .error(400, "BadDigest") }
        }
        return nil
    }

    /// Every object has a CRC-64/NVME, which is told to who asks.
    func checksumHeaders(_ object: FaultObject, _ request: FaultRequest) -> [(name: String, value: String)] {
        guard quirks.comparesChecksums, request.header("x-amz-checksum-mode") == "ENABLED" else { return [] }
        let checksum = object.checksum ?? Checksum(.crc64nvme, of: object.content)
        return [
            (checksum.algorithm.header, checksum.base64), ("x-amz-checksum-type", object.checksumType ?? "FULL_OBJECT"),
        ]
    }

    /// An object under a caller's key is read with that key, and no other with any.
    func customerKeyRefusal(_ object: FaultObject, _ request: FaultRequest) -> FaultAnswer? {
        object.customerKeyMD5 == request.header(Self.customerKeyHeader) ? nil : .error(400, "InvalidRequest")
    }
}
