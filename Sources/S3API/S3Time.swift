/// A time as S3 writes it.
public struct S3Time: Hashable, Comparable, Sendable {
    /// Since 1970-01-01 00:00 UTC.
    public var seconds: Int64
    /// 0 to 999,999,999.
    public var nanoseconds: Int32

    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public static func < (left: S3Time, right: S3Time) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

extension S3Time {
    /// Reads `2026-11-22T09:12:04.120Z`, with any number of decimals or none; nil for anything else.
    init?(iso8601 text: [UInt8]) {
        guard text.count >= 20, text[4] == 45, text[7] == 45, text[10] == 84, text[13] == 58, text[16] == 58,
            text.last == 90, let year = Self.number(text[0..<4]), let month = Self.number(text[5..<7]),
            let day = Self.number(text[8..<10]), let hour = Self.number(text[11..<13]),
            let minute = Self.number(text[14..<16]), let second = Self.number(text[17..<19])
        else { return nil }
        var fraction: Int64 = 0
        if text.count > 20 {
            let decimals = text[20..<(text.count - 1)]
            // What is finer than a nanosecond is left out, but must be digits all the same.
            guard text[19] == 46, decimals.allSatisfy({ (48...57).contains($0) }),
                let value = Self.number(decimals.prefix(9))
            else { return nil }
            fraction = value
            for _ in min(decimals.count, 9)..<9 { fraction *= 10 }
        }
        self.init(year, month, day, hour, minute, second)
        nanoseconds = Int32(fraction)
    }

    /// Reads `Sun, 22 Nov 2026 09:12:04 GMT`, as HTTP headers have it; nil for anything else.
    init?(http text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Self.number(Array(parts[1].utf8)[...]),
            let month = Self.months.firstIndex(of: String(parts[2])), let year = Self.number(Array(parts[3].utf8)[...])
        else { return nil }
        let clock = parts[4].split(separator: ":").map { Self.number(Array($0.utf8)[...]) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2] else { return nil }
        self.init(year, Int64(month + 1), day, hour, minute, second)
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static let monthLengths: [Int64] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    /// Nil for a date that no calendar has.
    private init?(_ year: Int64, _ month: Int64, _ day: Int64, _ hour: Int64, _ minute: Int64, _ second: Int64) {
        guard (1...9_999).contains(year), (1...12).contains(month), day >= 1, hour < 24, minute < 60, second <= 60
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        guard day <= (month == 2 && isLeap ? 29 : Self.monthLengths[Int(month - 1)]) else { return nil }
        // Days since 1970 in the Gregorian calendar, by eras of 400 years that begin in March.
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        self.init(seconds: days * 86_400 + hour * 3_600 + minute * 60 + second)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard !digits.isEmpty, digits.count < 10 else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard (48...57).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - 48)
        }
        return value
    }

    /// `20130524T000000Z`, as `x-amz-date` wants it.
    var signingText: String {
        let days = seconds >= 0 ? seconds / 86_400 : -((-seconds + 86_399) / 86_400)
        let ofDay = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = Self.padded(year, 4) + Self.padded(month) + Self.padded(dayOfYear - (153 * march + 2) / 5 + 1)
        return "\(date)T\(Self.padded(ofDay / 3_600))\(Self.padded(ofDay / 60 % 60))\(Self.padded(ofDay % 60))Z"
    }

    private static func padded(_ value: Int64, _ width: Int = 2) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
