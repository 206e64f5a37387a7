import Testing

@testable import SyncEngine

struct MetadataTextTests {
    @Test(
        arguments: [
            (0, "0.000000000"),
            (1, "0.000000001"),
            (1_700_000_000_123_456_789, "1700000000.123456789"),
            (-500_000_000, "-0.500000000"),
            (-1_000_000_001, "-1.000000001"),
            (Int64.max, "9223372036.854775807"),
        ] as [(Int64, String)]
    )
    func `a time is written with nine decimals and read back`(nanoseconds: Int64, text: String) {
        let time = UnixTime(nanoseconds: nanoseconds)
        #expect(time.metadataText == text)
        #expect(UnixTime(metadataText: text) == time)
    }

    @Test(
        arguments: [
            ("1700000000", 1_700_000_000_000_000_000),
            ("1700000000.5", 1_700_000_000_500_000_000),
            ("12.1234567891234", 12_123_456_789),
            ("-3.25", -3_250_000_000),
            ("99999999999999999", Int64.max),
        ] as [(String, Int64)]
    )
    func `other writers' decimals are read`(text: String, nanoseconds: Int64) {
        #expect(UnixTime(metadataText: text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: ["", ".", "1.", ".5", "1.x", "x", "--1", "1e9", "+1", " 1", "1.2.3", "99999999999999999999"])
    func `what is no time is nil`(text: String) {
        #expect(UnixTime(metadataText: text) == nil)
    }

    @Test func `a digest is read from base64`() {
        let digest = ContentDigest(base64: "1B2M2Y8AsgTpgAmY7PhCfg==")
        #expect(digest?.hexadecimal == "d41d8cd98f00b204e9800998ecf8427e")
    }

    @Test(arguments: ["", "1B2M2Y8AsgTpgAmY7PhCfg", "1B2M2Y8AsgTpgAmY7PhCfg=", "1B2M2Y8AsgTpgAmY7PhC*g==", "AAAA"])
    func `what is no base64 of sixteen bytes is nil`(text: String) {
        #expect(ContentDigest(base64: text) == nil)
    }
}
