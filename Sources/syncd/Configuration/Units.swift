/// Reads durations and sizes as a configuration writes them: a whole number and a unit, nothing between.
enum Units {
    /// `90s`, `15m`, `1h`, `7d`; nil for anything else. At most ten years.
    static func duration(_ text: String) -> Duration? {
        guard let unit = text.last, let factor = ["s": 1, "m": 60, "h": 3_600, "d": 86_400][unit],
            let number = whole(text.dropLast()),
            case let (seconds, overflow) = number.multipliedReportingOverflow(by: Int64(factor)),
            !overflow, seconds <= 3_653 * 86_400
        else { return nil }
        return .seconds(seconds)
    }

    /// Bytes: `65536`, `64KiB`, `8MiB`, `1GiB`, or `8MB` in powers of ten; nil for anything else.
    static func size(_ text: String) -> Int64? {
        let units: [(name: String, bytes: Int64)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
            ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
            ("B", 1), ("", 1),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.name) }),
            let number = whole(text.dropLast(unit.name.count)),
            case let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes), !overflow
        else { return nil }
        return bytes
    }

    private static func whole(_ digits: Substring) -> Int64? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int64(digits)
    }
}
