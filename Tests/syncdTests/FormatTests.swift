import Glibc
import SyncEngine
import Testing
import Text

@testable import syncd

struct FormatTests {
    @Test(arguments: [
        (0, "0"), (999, "999"), (1_000, "1,000"), (48_210, "48,210"), (1_234_567, "1,234,567"), (-1_204, "-1,204"),
    ])
    func `thousands are grouped`(number: Int64, text: String) {
        #expect(Format.count(number) == text)
    }

    @Test(
        arguments: [
            (0, "0 bytes"), (1, "1 byte"), (1_023, "1,023 bytes"), (1_024, "1.0 KiB"), (4_096, "4.0 KiB"),
            (3_250_586, "3.1 MiB"), (104_857, "102 KiB"), (102_348, "99.9 KiB"), (102_400, "100 KiB"),
            (1_048_575, "1.0 MiB"), (1_048_576, "1.0 MiB"), (227_633_266_688, "212 GiB"), (.max, "8.0 EiB"),
        ] as [(Int64, String)]
    )
    func `sizes are binary, with one decimal below a hundred`(bytes: Int64, text: String) {
        #expect(Format.size(bytes) == text)
    }

    @Test
    func `a part is told in the unit of its whole`() {
        #expect(Format.size(2_040_109_465, of: 3_543_348_019) == "1.9 of 3.3 GiB")
        #expect(Format.size(12, of: 1_000) == "12 of 1,000 bytes")
        #expect(Format.size(0, of: 5 << 20) == "0.0 of 5.0 MiB")
    }

    @Test(arguments: [
        (Duration.milliseconds(1_149), "1.1 s"), (.seconds(28), "28 s"), (.seconds(95), "1 min 35 s"),
        (.seconds(120), "2 min"), (.seconds(10_920), "3 h 2 min"), (.seconds(187_200), "2 d 4 h"),
        (.seconds(-5), "0.0 s"),
    ])
    func `elapsed time is told in two units at most`(duration: Duration, text: String) {
        #expect(Format.elapsed(duration) == text)
    }

    @Test(arguments: [
        (-5, "just now"), (9, "just now"), (40, "40 s ago"), (125, "2 min ago"), (10_920, "3 h 2 min ago"),
    ])
    func `what is past is told coarsely`(seconds: Int, text: String) {
        #expect(Format.ago(.seconds(seconds)) == text)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_338_724_120_999_999, "2026-11-22T09:12:04.120Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func `timestamps are RFC 3339 in UTC`(nanoseconds: Int64, text: String) {
        #expect(Format.timestamp(UnixTime(nanoseconds: nanoseconds)) == text)
    }

    @Test
    func `a timestamp comes back to the millisecond, and nothing else is one`() {
        for text in ["2026-11-22T09:12:04.120Z", "1969-12-31T23:59:59.999Z", "2000-02-29T00:00:00.000Z"] {
            #expect(Format.time(text).map { Format.timestamp($0) } == text)
        }
        for text in ["", "2026-11-22T09:12:04Z", "2026-11-22 09:12:04.120Z", "2026-1a-22T09:12:04.120Z"] {
            #expect(Format.time(text) == nil)
        }
    }

    @Test(arguments: [
        (Array("new\nline.txt".utf8), #"new\nline.txt"#), (Array("a\u{1B}[31mb".utf8), #"a\u{1b}[31mb"#),
        (Array("back\\slash".utf8), #"back\\slash"#), (Array("é👩‍👩‍👧 ok".utf8), "é👩‍👩‍👧 ok"),
        (Array("x\u{202E}gpj.exe".utf8), #"x\u{202e}gpj.exe"#), ([0x61, 0xFF, 0xC3, 0x62], #"a\xff\xc3b"#), ([], ""),
        (Array("\u{85}\u{7F}".utf8), #"\u{85}\u{7f}"#),
    ])
    func `a path is shown in one line, with nothing in it that acts or hides`(bytes: [UInt8], text: String) {
        #expect(escaped(bytes) == text)
    }

    @Test
    func `a message keeps its backslashes and loses its control characters`() {
        #expect(printable(#"C:\x"#) == #"C:\x"#)
        #expect(printable("a\r\nb\u{1B}") == #"a\r\nb\u{1b}"#)
    }

    @Test(arguments: [
        ("plain-1.0_x", "plain-1.0_x"), ("a b", "'a b'"), ("", "''"), ("a'b", #"'a'\''b'"#), ("é", "'é'"),
    ])
    func `a word for a shell is quoted where it must be`(text: String, quoted: String) {
        #expect(shellQuoted(text) == quoted)
    }

    @Test
    func `long text is broken between words`() {
        #expect(Columns.wrap("one two three four", to: 9) == ["one two", "three", "four"])
        #expect(Columns.wrap("extraordinary", to: 5) == ["extraordinary"])
        #expect(Columns.wrap("", to: 5) == [])
    }
}
