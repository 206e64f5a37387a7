import Glibc
import SyncEngine

/// Numbers, sizes and times for people, the same in every locale.
enum Format {
    /// `1,204,310`.
    static func count(_ number: Int64) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    /// `1 file`, `2 files`.
    static func count(_ number: Int64, _ noun: String) -> String {
        "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    private static let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// `0 bytes`, `4.0 KiB`, `3.3 GiB`, `212 GiB`: one decimal below 100.
    static func size(_ bytes: Int64) -> String {
        let power = power(of: bytes)
        return number(bytes, power: power) + " " + (bytes == 1 ? "byte" : units[power])
    }

    /// `1.9 of 3.3 GiB`, in the unit of the whole.
    static func size(_ part: Int64, of whole: Int64) -> String {
        let power = power(of: whole)
        return "\(number(part, power: power)) of \(number(whole, power: power)) \(units[power])"
    }

    /// The power of 1024 that shows `bytes` with at most three digits before the point, rounding included.
    private static func power(of bytes: Int64) -> Int {
        var power = 0
        while power < units.count - 1, rounded(bytes, power: power) >= 10_240 { power += 1 }
        return power
    }

    /// Tenths of units.
    private static func rounded(_ bytes: Int64, power: Int) -> UInt64 {
        let bytes = UInt64(max(bytes, 0))
        let unit = UInt64(1) << (10 * UInt64(power))
        if power == 0 { return bytes.multipliedReportingOverflow(by: 10).overflow ? .max : bytes * 10 }
        return bytes / unit * 10 + (bytes % unit * 10 + unit / 2) / unit
    }

    private static func number(_ bytes: Int64, power: Int) -> String {
        if power == 0 { return count(bytes) }
        let tenths = rounded(bytes, power: power)
        return tenths < 1_000 ? "\(tenths / 10).\(tenths % 10)" : "\((tenths + 5) / 10)"
    }

    /// `1.1 s`, `28 s`, `1 min 35 s`, `3 h 2 min`, `2 d 4 h`; nothing below zero.
    static func elapsed(_ duration: Duration) -> String {
        let (whole, attoseconds) = max(duration, .zero).components
        if whole < 10 {
            let tenths = whole * 10 + attoseconds / 100_000_000_000_000_000
            return "\(tenths / 10).\(tenths % 10) s"
        }
        let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60)
        if days > 0 { return hours > 0 ? "\(days) d \(hours) h" : "\(days) d" }
        if hours > 0 { return minutes > 0 ? "\(hours) h \(minutes) min" : "\(hours) h" }
        if minutes > 0 { return seconds > 0 ? "\(minutes) min \(seconds) s" : "\(minutes) min" }
        return "\(seconds) s"
    }

    /// `just now`, `40 s ago`, `2 min ago`, `3 h 2 min ago`.
    static func ago(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        if seconds < 10 { return "just now" }
        return (seconds < 3_600 && seconds >= 60 ? "\(seconds / 60) min" : elapsed(.seconds(seconds))) + " ago"
    }

    /// `09:14` today, `2026-11-21 18:00` on other days, in the time zone of this machine.
    static func clock(_ time: UnixTime, now: UnixTime) -> String {
        let (then, today) = (local(time), local(now))
        let day = "\(then.tm_year + 1_900)-\(twoDigits(then.tm_mon + 1))-\(twoDigits(then.tm_mday))"
        let hour = "\(twoDigits(then.tm_hour)):\(twoDigits(then.tm_min))"
        let isToday = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday
        return isToday ? hour : "\(day) \(hour)"
    }

    private static func local(_ time: UnixTime) -> tm {
        var seconds = time_t(time.wholeSeconds)
        var broken = tm()
        localtime_r(&seconds, &broken)
        return broken
    }

    private static func twoDigits(_ number: some BinaryInteger) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-22T09:12:04.120Z`.
    static func timestamp(_ time: UnixTime) -> String {
        var seconds = time_t(time.wholeSeconds)
        var broken = tm()
        gmtime_r(&seconds, &broken)
        let milliseconds = (time.nanoseconds - time.wholeSeconds * 1_000_000_000) / 1_000_000
        let fraction = (milliseconds < 100 ? "0" : "") + twoDigits(milliseconds)
        return "\(broken.tm_year + 1_900)-\(twoDigits(broken.tm_mon + 1))-\(twoDigits(broken.tm_mday))"
            + "T\(twoDigits(broken.tm_hour)):\(twoDigits(broken.tm_min)):\(twoDigits(broken.tm_sec)).\(fraction)Z"
    }

    /// Reads what ``timestamp(_:)`` writes; nil for anything else.
    static func time(_ timestamp: String) -> UnixTime? {
        let bytes = Array(timestamp.utf8)
        let pattern = Array("0000-00-00T00:00:00.000Z".utf8)
        guard bytes.count == pattern.count else { return nil }
        for (byte, wanted) in zip(bytes, pattern) {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            guard wanted == UInt8(ascii: "0") ? isDigit : byte == wanted else { return nil }
        }
        let field = { (range: Range<Int>) in bytes[range].reduce(CInt(0)) { $0 * 10 + CInt($1 - UInt8(ascii: "0")) } }
        var broken = tm()
        broken.tm_year = field(0..<4) - 1_900
        broken.tm_mon = field(5..<7) - 1
        broken.tm_mday = field(8..<10)
        broken.tm_hour = field(11..<13)
        broken.tm_min = field(14..<16)
        broken.tm_sec = field(17..<19)
        return UnixTime(seconds: Int64(timegm(&broken)), nanoseconds: Int64(field(20..<23)) * 1_000_000)
    }
}

extension UnixTime {
    /// Rounded towards the past.
    var wholeSeconds: Int64 {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return rest < 0 ? seconds - 1 : seconds
    }
}

/// Text in columns.
enum Columns {
    /// The text with spaces after it up to `width` characters.
    static func pad(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// The text with spaces before it up to `width` characters.
    static func padLeft(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// The words of a text in lines of at most `width` characters; a longer word has a line of its own.
    static func wrap(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.isEmpty {
                line = String(word)
            } else if line.count + 1 + word.count <= width {
                line += " " + word
            } else {
                lines.append(line)
                line = String(word)
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }
}
