import S3API

/// A checksum of a whole content, as a store states it: equal content has equal ones, also where ETags say nothing.
public struct ContentChecksum: Hashable, Sendable {
    let checksum: Checksum

    init(_ checksum: Checksum) {
        self.checksum = checksum
    }

    /// The one that services state of new objects by themselves, of all these bytes.
    public init(of bytes: [UInt8]) {
        self.init(Checksum(.crc64nvme, of: bytes))
    }
}

/// Takes all the checksums that stores state, of bytes that come in pieces.
struct ChecksumTaker {
    private var hashers = Checksum.Algorithm.allCases.map(ChecksumHasher.init)

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        for index in hashers.indices { hashers[index].update(bytes) }
    }

    /// Of all bytes so far.
    var checksums: Set<ContentChecksum> { Set(hashers.map { ContentChecksum($0.checksum) }) }
}
