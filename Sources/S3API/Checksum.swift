internal import CChecksum
import Text

/// A checksum of an object's whole content, as S3 services keep it beside the object: also where the ETag says nothing.
/// AWS makes a CRC-64/NVME of every object that was written since 2024-12 ("Checking object integrity in Amazon S3", read
/// 2026-11-28).
public struct Checksum: Hashable, Sendable {
    /// Those that are known here, the better one first.
    public enum Algorithm: String, CaseIterable, Sendable {
        case crc64nvme
        case crc32c

        /// `x-amz-checksum-crc64nvme`.
        public var header: String { "x-amz-checksum-\(rawValue)" }

        /// How S3 writes it: big-endian.
        fileprivate var byteCount: Int {
            switch self {
            case .crc64nvme: 8
            case .crc32c: 4
            }
        }
    }

    public let algorithm: Algorithm
    /// A CRC-32C stands in the lower half.
    public let value: UInt64

    public init(_ algorithm: Algorithm, value: UInt64) {
        self.algorithm = algorithm
        self.value = value
    }

    /// Of all these bytes.
    public init(_ algorithm: Algorithm, of bytes: [UInt8]) {
        var hasher = ChecksumHasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        self = hasher.checksum
    }

    /// As it stands in a header; nil for anything but Base64 of the right length.
    public init?(_ algorithm: Algorithm, base64: String) {
        guard let bytes = Base64.decode(base64), bytes.count == algorithm.byteCount else { return nil }
        self.init(algorithm, value: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// As it stands in a header.
    public var base64: String {
        let count = algorithm.byteCount
        return Base64.encode((0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(count - 1 - $0))) })
    }

    /// What an answer's headers say of the object's whole content; nil where they say nothing, or only of its parts.
    init?(stated headers: HTTPFields) {
        guard headers["x-amz-checksum-type"] != "COMPOSITE" else { return nil }
        for algorithm in Algorithm.allCases {
            // A checksum of parts' checksums bears their number: `AAAAAA==-2`.
            if let text = headers[algorithm.header], let checksum = Checksum(algorithm, base64: text) {
                self = checksum
                return
            }
        }
        return nil
    }
}

/// Takes the checksum of bytes that come in pieces.
public struct ChecksumHasher: Sendable {
    /// Of all bytes so far.
    public private(set) var checksum: Checksum

    public init(_ algorithm: Checksum.Algorithm) {
        checksum = Checksum(algorithm, value: 0)
    }

    /// Adds bytes that follow those before.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let value =
            switch checksum.algorithm {
            case .crc64nvme: cchecksum_crc64nvme(checksum.value, bytes.baseAddress, bytes.count)
            case .crc32c:
                UInt64(cchecksum_crc32c(UInt32(truncatingIfNeeded: checksum.value), bytes.baseAddress, bytes.count))
            }
        checksum = Checksum(checksum.algorithm, value: value)
    }
}
