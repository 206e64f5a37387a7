import TestSupport
import Testing

@testable import S3API

struct S3TimeTests {
    /// Seconds by `date -u -d … +%s` of GNU coreutils.
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0, 0), ("2013-05-24T00:00:00Z", 1_369_353_600, 0),
            ("2026-11-22T09:12:04.120Z", 1_795_338_724, 120_000_000), ("2000-02-29T23:59:59Z", 951_868_799, 0),
            ("1969-12-31T23:59:59.5Z", -1, 500_000_000), ("2026-11-22T09:12:04.123456789Z", 1_795_338_724, 123_456_789),
            ("2026-11-22T09:12:04.1234567891Z", 1_795_338_724, 123_456_789), ("2100-03-01T00:00:00Z", 4_107_542_400, 0),
            ("9999-12-31T23:59:59Z", 253_402_300_799, 0), ("1600-01-01T00:00:00Z", -11_676_096_000, 0),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ] as [(String, Int64, Int32)]
    )
    func `a time in a listing is read`(text: String, seconds: Int64, nanoseconds: Int32) {
        #expect(S3Time(iso8601: Array(text.utf8)) == S3Time(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(
        arguments: [
            "", "2026-11-22", "2026-11-22T09:12:04", "2026-11-22 09:12:04Z", "2026-11-22T09:12:04.Z",
            "2026-11-22T09:12:04,5Z", "2026-11-22T09:12:04+01:00", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2100-02-29T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
            "0000-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789xZ", "2026-01-01T-1:00:00Z", "20x6-01-01T00:00:00Z",
        ]
    )
    func `a time that no calendar has is none`(text: String) {
        #expect(S3Time(iso8601: Array(text.utf8)) == nil)
    }

    @Test(
        arguments: [
            ("Sun, 22 Nov 2026 09:12:04 GMT", 1_795_338_724), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799), ("Sun, 6 Nov 1994 08:49:37 GMT", 784_111_777),
        ] as [(String, Int64)]
    )
    func `a time in a header is read`(text: String, seconds: Int64) {
        #expect(S3Time(http: text) == S3Time(seconds: seconds))
    }

    @Test(
        arguments: [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 22 nov 2026 09:12:04 GMT",
            "Sun, 22 Nov 2026 09:12:04 CET", "Sun, 22 Nov 2026 09:12 GMT", "Sun, 31 Nov 2026 09:12:04 GMT",
            "Sun, 22 Nov 999999999 09:12:04 GMT", "Sun, 22 Nov 0 09:12:04 GMT", "Sun, 22 Nov 2026 09:12:04:00 GMT",
        ]
    )
    func `another form of a header's time is none`(text: String) {
        #expect(S3Time(http: text) == nil)
    }

    @Test(
        arguments: [
            (0, "19700101T000000Z"), (1_369_353_600, "20130524T000000Z"), (1_369_439_999, "20130524T235959Z"),
            (951_868_799, "20000229T235959Z"), (-1, "19691231T235959Z"), (4_107_542_400, "21000301T000000Z"),
        ] as [(Int64, String)]
    )
    func `a signature's time is written`(seconds: Int64, text: String) {
        #expect(S3Time(seconds: seconds).signingText == text)
    }

    @Test(arguments: 0..<500 as Range<UInt64>)
    func `reading what was written gives the time`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let time = S3Time(seconds: Int64.random(in: -62_135_596_800...253_402_300_799, using: &random))
        let parts = Array(time.signingText)
        let text =
            "\(String(parts[0..<4]))-\(String(parts[4..<6]))-\(String(parts[6..<8]))T\(String(parts[9..<11])):"
            + "\(String(parts[11..<13])):\(String(parts[13..<15]))Z"
        #expect(S3Time(iso8601: Array(text.utf8)) == time, "seed \(seed)")
    }

    @Test func `times are ordered by nanoseconds within a second`() {
        #expect(S3Time(seconds: 1, nanoseconds: 9) < S3Time(seconds: 2))
        #expect(S3Time(seconds: 1, nanoseconds: 8) < S3Time(seconds: 1, nanoseconds: 9))
    }
}
