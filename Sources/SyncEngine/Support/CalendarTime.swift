/// A time as a calendar in UTC shows it.
public struct CalendarTime: Hashable, Sendable {
    public var year: Int64
    public var month: Int64
    public var day: Int64
    public var hour: Int64
    public var minute: Int64
    public var second: Int64

    /// In the proleptic Gregorian calendar: civil-from-days arithmetic over eras of 400 years that begin in March.
    public init(_ time: UnixTime) {
        let seconds = Self.floorDivide(time.nanoseconds, 1_000_000_000)
        let days = Self.floorDivide(seconds, 86_400)
        let ofDay = seconds - days * 86_400
        (hour, minute, second) = (ofDay / 3_600, ofDay / 60 % 60, ofDay % 60)
        let shifted = days + 719_468
        let era = Self.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `20261122T091204Z`.
    public var basic: String {
        "\(Self.padded(year, 4))\(Self.padded(month))\(Self.padded(day))T"
            + "\(Self.padded(hour))\(Self.padded(minute))\(Self.padded(second))Z"
    }

    /// `2026-11-22 091204`.
    public var spaced: String {
        "\(Self.padded(year, 4))-\(Self.padded(month))-\(Self.padded(day))"
            + " \(Self.padded(hour))\(Self.padded(minute))\(Self.padded(second))"
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }

    private static func padded(_ value: Int64, _ width: Int = 2) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
