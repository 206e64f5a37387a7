import SyncEngine
import Testing

/// What paths, keys, tags and times can be.
struct NamesTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(arguments: [
        ("", InvalidPath.emptySegment), ("/a", .emptySegment), ("a//b", .emptySegment), ("a/", .emptySegment),
        (".", .dotSegment), ("a/../b", .dotSegment), ("a/.", .dotSegment), ("a\0b", .nulByte),
        (".syncd-trash", .reserved),
        ("a/.syncd.x", .reserved), (String(repeating: "n", count: 256), .segmentTooLong),
        (String(repeating: "n/", count: 2_047) + "nn", .tooLong),
    ])
    func `what cannot be a path is refused`(text: String, reason: InvalidPath) {
        #expect(throws: reason) { try RelativePath(bytes(text)) }
    }

    @Test func `everything else can`() throws {
        for text in ["a", "...", ".hidden", " ", "a\nb", "-rf", "\\", String(repeating: "n", count: 255), "syncd"] {
            #expect(try RelativePath(bytes(text)).bytes == bytes(text))
        }
        #expect(try RelativePath([0xFF, 0xFE]).bytes == [0xFF, 0xFE])
        #expect(try RelativePath(bytes("é")) != RelativePath(bytes("e\u{301}")), "NFC and NFD are two names")
    }

    @Test func `paths sort as their bytes do, and lie beneath by whole segments`() throws {
        let names = ["a", "a-", "a/x", "a0", "b"]
        #expect(try names.shuffled().map { try RelativePath(bytes($0)) }.sorted().map(\.bytes) == names.map(bytes))
        #expect(try RelativePath(bytes("a/b/c")).isBeneath(RelativePath(bytes("a/b"))))
        #expect(try !RelativePath(bytes("a/bc")).isBeneath(RelativePath(bytes("a/b"))))
        #expect(try !RelativePath(bytes("a/b")).isBeneath(RelativePath(bytes("a/b"))))
        #expect(try RelativePath(bytes("a/b")).parent?.bytes == bytes("a"))
        #expect(try RelativePath(bytes("a")).parent == nil)
    }

    @Test func `a listed key is a file, a marker or neither`() throws {
        #expect(RemoteName(bytes("a/b"), size: 0) == .file(try RelativePath(bytes("a/b"))))
        #expect(RemoteName(bytes("a/"), size: 0) == .marker(try RelativePath(bytes("a"))))
        #expect(RemoteName([], size: 0) == .marker(nil))
        #expect(RemoteName(bytes("a/"), size: 1) == .invalid(.emptySegment), "content that no file could hold")
        #expect(RemoteName(bytes("/"), size: 0) == .invalid(.emptySegment))
        #expect(RemoteName(bytes("../a"), size: 5) == .invalid(.dotSegment))
        #expect(RemoteName(bytes(".syncd/probe"), size: 0) == .invalid(.reserved))
    }

    @Test func `a path that no key can be is a problem`() throws {
        let long = try RelativePath(bytes(String(repeating: "n/", count: 500) + "n"))
        #expect(keyProblem(of: long, prefixLength: 23) == nil)
        #expect(keyProblem(of: long, prefixLength: 24)?.kind == .name)
        #expect(keyProblem(of: try RelativePath([0x61, 0xFF]), prefixLength: 0)?.kind == .name)
        #expect(keyProblem(of: try RelativePath(bytes("a\nb%é")), prefixLength: 0) == nil)
        #expect(try RelativePath(bytes("a\\b")).neededFeatures == [.backslashes])
        #expect(try RelativePath(bytes("a\n\\b")).neededFeatures == [.backslashes, .controlCharacters])
        for odd in [UInt8(1), 9, 0x1F, 0x7F] {
            #expect(try RelativePath([0x61, odd]).neededFeatures == [.controlCharacters])
        }
        #expect(try RelativePath(bytes("a b%é~")).neededFeatures.isEmpty)
    }

    @Test func `a tag is one however it is written, and says what it can`() {
        let digest = "900150983cd24fb0d6963f7d28e17f72"
        for text in [digest, "\"\(digest)\"", "W/\"\(digest)\"", digest.uppercased()] {
            #expect(ETag(text).value == digest)
            #expect(ETag(text).contentDigest?.hexadecimal == digest)
        }
        #expect(ETag("\(digest)-3").partCount == 3)
        #expect(ETag("\(digest)-3").contentDigest == nil)
        #expect(ETag("\(digest)-0").partCount == nil)
        #expect(ETag("Opaque-Tag") != ETag("opaque-tag"))
        #expect(ETag("Opaque-Tag").contentDigest == nil)
    }

    @Test(
        arguments: [
            (0, "19700101T000000Z"), (951_782_399, "20000228T235959Z"), (951_782_400, "20000229T000000Z"),
            (4_107_542_399, "21000228T235959Z"), (4_107_542_400, "21000301T000000Z"), (-1, "19691231T235959Z"),
            (1_800_000_000, "20270115T080000Z"),
        ] as [(Int64, String)]
    )
    func `a time has its calendar`(seconds: Int64, text: String) {
        #expect(CalendarTime(UnixTime(seconds: seconds)).basic == text)
    }

    @Test func `a calendar counts every second once`() {
        var previous = CalendarTime(UnixTime(seconds: -200_000_000)).basic
        for step in 1...5_000 {
            let next = CalendarTime(UnixTime(seconds: -200_000_000 + Int64(step) * 86_399)).basic
            #expect(previous < next)
            previous = next
        }
    }
}
