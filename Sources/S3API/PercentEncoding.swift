/// URI encoding as Signature V4 wants it, and its reverse as listings use it.
enum PercentEncoding {
    private static let unreserved: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for byte in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~".utf8 {
            table[Int(byte)] = true
        }
        return table
    }()

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Every byte but the unreserved ones as `%XX` in upper case, exactly once.
    /// `keepingSlash` is true for a path, whose `/` stay; false for a query.
    static func encode(_ bytes: some Sequence<UInt8>, keepingSlash: Bool) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            if unreserved[Int(byte)] || (keepingSlash && byte == UInt8(ascii: "/")) {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads what `encoding-type=url` writes: `%XX`, and `+` for a space (a plus comes as `%2B`); nil if a `%` is not
    /// followed by two digits.
    static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return bytes }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "%"):
                guard position + 2 < bytes.count, let high = nibble(bytes[position + 1]),
                    let low = nibble(bytes[position + 2])
                else { return nil }
                decoded.append(high << 4 | low)
                position += 3
            case UInt8(ascii: "+"):
                decoded.append(UInt8(ascii: " "))
                position += 1
            case let byte:
                decoded.append(byte)
                position += 1
            }
        }
        return decoded
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
