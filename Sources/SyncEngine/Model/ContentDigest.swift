/// What names a file's content: its MD5, or the MD5 of its parts' MD5s, since S3 knows content by no other name that every
/// server honours.
public struct ContentDigest: Hashable, Sendable {
    /// 16 of them.
    public let bytes: [UInt8]
    /// The size in bytes of every part but the last, for the digest of parts; nil for the MD5 of the whole. Digests of
    /// the same content with other part sizes are other digests.
    public let partSize: Int64?

    /// - Precondition: `bytes` are 16.
    public init(_ bytes: [UInt8], partSize: Int64? = nil) {
        precondition(bytes.count == 16, "an MD5 has 16 bytes")
        self.bytes = bytes
        self.partSize = partSize
    }

    /// 32 lower-case hexadecimal digits, as an ETag shows them.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The ETag that an object of `size` bytes with this content has where ETags are digests.
    public func etag(size: Int64) -> ETag {
        guard let partSize else { return ETag(hexadecimal) }
        let count = size > 0 ? PartLayout(size: size, partSize: partSize).count : 1
        return ETag("\(hexadecimal)-\(count)")
    }
}

/// An object's entity tag without quotes or `W/`: opaque, but for what ``contentDigest`` and ``partCount`` read in it.
public struct ETag: Hashable, Sendable {
    /// As the server wrote it, hexadecimal digits in lower case so that `==` holds across servers' spellings.
    public let value: String

    /// - Parameter raw: as it stands in a header or a listing, quoted or not.
    public init(_ raw: String) {
        var text = raw[...]
        if text.hasPrefix("W/") { text = text.dropFirst(2) }
        if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") { text = text.dropFirst().dropLast() }
        let isHexadecimal = text.utf8.allSatisfy { Self.nibble($0) != nil || $0 == UInt8(ascii: "-") }
        value = isHexadecimal ? text.lowercased() : String(text)
    }

    /// The MD5 that this tag states, if it has the form of one. Under SSE-KMS or SSE-C the form may lie.
    public var contentDigest: ContentDigest? {
        let nibbles = value.utf8.compactMap(Self.nibble)
        guard value.utf8.count == 32, nibbles.count == 32 else { return nil }
        return ContentDigest(stride(from: 0, to: 32, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] })
    }

    /// The number of parts, if this tag has the form that a multipart upload leaves: 32 digits, `-`, a count.
    public var partCount: Int? {
        let halves = value.split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count == 2, halves[0].utf8.count == 32, let count = Int(halves[1]), count > 0 else { return nil }
        return count
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
