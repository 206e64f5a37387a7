extension UnixTime {
    /// Seconds and nine decimals, as rclone writes `x-amz-meta-mtime`: `1700000000.123456789`.
    var metadataText: String {
        // Below zero the seconds round towards it and the sign stands in front: -0.5 is "-0.500000000".
        let magnitude = nanoseconds.magnitude
        let decimals = String(magnitude % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - decimals.utf8.count)
        return "\(nanoseconds < 0 ? "-" : "")\(magnitude / 1_000_000_000).\(zeros)\(decimals)"
    }

    /// Reads what ``metadataText`` writes, with any number of decimals, or none; nil for anything else.
    init?(metadataText text: String) {
        var digits = text[...]
        let isNegative = digits.hasPrefix("-")
        if isNegative { digits = digits.dropFirst() }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, Self.isDigits(first), let seconds = Int64(first) else { return nil }
        var fraction: Int64 = 0
        if parts.count == 2 {
            let decimals = parts[1].prefix(9)
            guard Self.isDigits(parts[1]), let value = Int64(decimals) else { return nil }
            fraction = value
            for _ in decimals.utf8.count..<9 { fraction *= 10 }
        }
        self =
            isNegative
            ? UnixTime(seconds: -seconds, nanoseconds: -fraction)
            : UnixTime(seconds: seconds, nanoseconds: fraction)
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

extension ContentDigest {
    /// Reads 24 characters of base64 with padding, as rclone writes `x-amz-meta-md5chksum`; nil for anything else.
    init?(base64 text: String) {
        var bits: UInt32 = 0
        var bytes: [UInt8] = []
        let characters = Array(text.utf8)
        guard characters.count == 24, characters.suffix(2).elementsEqual("==".utf8) else { return nil }
        for (position, character) in characters.dropLast(2).enumerated() {
            guard let value = Self.sextet(character) else { return nil }
            bits = bits << 6 | UInt32(value)
            if position % 4 == 3 {
                bytes += [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8)]
                bytes.append(UInt8(truncatingIfNeeded: bits))
            }
        }
        // 22 characters are 132 bits: the last two of them carry the sixteenth byte and four bits of nothing.
        bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
        self.init(bytes)
    }

    private static func sextet(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
