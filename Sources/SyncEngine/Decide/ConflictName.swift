/// The name under which the loser of a conflict is kept: `NAME (conflict 2026-11-28 102233 a1b2c3).EXT`, of its own time and
/// content, so that it is the same on every machine and after every crash.
enum ConflictName {
    /// Copies of one path at most; beyond, nothing is done to it any more.
    static let maximumCopies = 10
    private static let opening = Array(" (conflict ".utf8)
    /// Of all that is put between name and extension, in bytes at most: ` (conflict 2026-11-28 102233 a1b2c3d4e5f6)`.
    private static let markLength = 42
    /// An extension that is longer is a part of the name.
    private static let longestExtension = 16

    /// How much of the digest a name holds.
    enum Precision: Int, CaseIterable {
        /// Six hexadecimal digits.
        case usual = 6
        /// Where another file has that name already.
        case finer = 12
    }

    /// `modified` is the loser's, `digest` the MD5 of its whole content.
    static func make(
        for path: RelativePath,
        modified: UnixTime,
        digest: ContentDigest,
        _ precision: Precision = .usual
    ) -> RelativePath {
        let (stem, end) = halves(of: path)
        let mark = " (conflict \(CalendarTime(modified).spaced) \(digest.hexadecimal.prefix(precision.rawValue)))"
        return RelativePath(unchecked: stem + Array(mark.utf8) + end, in: path.parent)
    }

    /// Whether a name in the same directory is that of a copy of `path`.
    static func isCopy(_ name: [UInt8], of path: RelativePath) -> Bool {
        let (stem, end) = halves(of: path)
        return name.count >= stem.count + opening.count + end.count + 1 && name.starts(with: stem + opening)
            && name.suffix(end.count + 1) == ([UInt8(ascii: ")")] + end)[...]
    }

    /// What stands before the mark and behind it, short enough for a name of 255 bytes.
    private static func halves(of path: RelativePath) -> (stem: [UInt8], end: [UInt8]) {
        let name = path.name
        var end: ArraySlice<UInt8> = []
        if let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex,
            name.endIndex - dot <= longestExtension
        {
            end = name[dot...]
        }
        var stem = name.dropLast(end.count)
        let room = RelativePath.maximumSegmentLength - markLength - end.count
        if stem.count > room {
            stem = stem.prefix(room)
            // Not within a character: the name must stay what it was, UTF-8 or not.
            while let last = stem.last, last & 0xC0 == 0x80 { stem = stem.dropLast() }
            if let last = stem.last, last & 0xC0 == 0xC0 { stem = stem.dropLast() }
        }
        return (Array(stem), Array(end))
    }
}
