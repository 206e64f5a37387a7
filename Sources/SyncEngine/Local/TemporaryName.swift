/// The names of our own temporary files: `.syncd.`, 16 hexadecimal digits, `.tmp`. Short enough for any file system
/// whatever the target's name, and never mistaken for somebody else's.
enum TemporaryName {
    private static let start = Array(".syncd.".utf8)
    private static let end = Array(".tmp".utf8)
    private static let randomBytes = 8

    static func make(_ random: any RandomSource) -> [UInt8] {
        start + hexadecimal(random.bytes(randomBytes)) + end
    }

    /// True if `name` is one that ``make(_:)`` may have made.
    static func isOne(_ name: [UInt8]) -> Bool {
        guard name.count == start.count + 2 * randomBytes + end.count, name.starts(with: start) else { return false }
        let digits = name.dropFirst(start.count).prefix(2 * randomBytes)
        return digits.allSatisfy(isDigit) && name.suffix(end.count).elementsEqual(end)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// Two lower-case digits a byte.
    static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
}
