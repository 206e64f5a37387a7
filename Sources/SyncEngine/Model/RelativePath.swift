import Glibc

/// A path below a folder's root, or below a bucket's prefix: bytes, compared as `memcmp` compares.
///
/// Never a `String`: Swift holds composed and decomposed "é" for the same text, while a file system and a bucket hold
/// two names. The root itself has no `RelativePath`; where it can be meant, the parameter is optional.
public struct RelativePath: Hashable, Comparable, Sendable {
    /// One or more segments, joined by `/`; without a leading or trailing `/`.
    public let bytes: [UInt8]

    /// The largest path in bytes: Linux's `PATH_MAX` less the final NUL.
    public static let maximumLength = 4_095
    /// The largest name in bytes between two `/`: Linux's `NAME_MAX`.
    public static let maximumSegmentLength = 255
    /// Names that begin with this belong to syncd, on both sides, and are never synced.
    public static let reservedPrefix: [UInt8] = Array(".syncd".utf8)

    /// - Throws: the first reason why `bytes` cannot be a path below a folder on this system.
    public init(_ bytes: [UInt8]) throws(InvalidPath) {
        if bytes.count > Self.maximumLength { throw .tooLong }
        var rest = bytes[...]
        // Without an array of segments: every entry that is read from the index passes here.
        while let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
            if let reason = InvalidPath(segment: rest[..<slash]) { throw reason }
            rest = rest[(slash + 1)...]
        }
        if let reason = InvalidPath(segment: rest) { throw reason }
        self.bytes = bytes
    }

    /// The path of the entry `name` in `directory` (nil: the root). The caller vouches that `name` is one valid segment.
    public init(unchecked name: [UInt8], in directory: RelativePath?) {
        guard let directory else {
            bytes = name
            return
        }
        var joined: [UInt8] = []
        joined.reserveCapacity(directory.bytes.count + 1 + name.count)
        joined.append(contentsOf: directory.bytes)
        joined.append(UInt8(ascii: "/"))
        joined.append(contentsOf: name)
        bytes = joined
    }

    /// The path of bytes that are known to be one, being made of another.
    init(trusted bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The last segment.
    public var name: ArraySlice<UInt8> {
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return bytes[...] }
        return bytes[(slash + 1)...]
    }

    /// The directory that holds this entry; nil where that is the root.
    public var parent: RelativePath? {
        bytes.lastIndex(of: UInt8(ascii: "/")).map { RelativePath(trusted: Array(bytes[..<$0])) }
    }

    /// True if this path lies below `directory`, by whole segments: `photos2/x` is not beneath `photos`.
    public func isBeneath(_ directory: RelativePath) -> Bool {
        bytes.count > directory.bytes.count && bytes[directory.bytes.count] == UInt8(ascii: "/")
            && bytes.starts(with: directory.bytes)
    }

    public static func < (left: RelativePath, right: RelativePath) -> Bool {
        bytesPrecede(left.bytes, right.bytes)
    }
}

/// True if `left` sorts before `right` in the order of `memcmp`, a prefix before what it begins.
func bytesPrecede(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    let order = memcmp(left, right, min(left.count, right.count))
    return order < 0 || (order == 0 && left.count < right.count)
}

/// Why some bytes are no path that can exist below a folder.
public enum InvalidPath: Error, Hashable, Sendable {
    /// `//`, a leading or a trailing `/`, or no bytes at all.
    case emptySegment
    /// A segment that is `.` or `..`.
    case dotSegment
    /// A NUL byte.
    case nulByte
    /// A segment of more than ``RelativePath/maximumSegmentLength`` bytes.
    case segmentTooLong
    /// More than ``RelativePath/maximumLength`` bytes.
    case tooLong
    /// A segment that begins with ``RelativePath/reservedPrefix``.
    case reserved

    init?(segment: ArraySlice<UInt8>) {
        if segment.isEmpty {
            self = .emptySegment
        } else if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) {
            self = .dotSegment
        } else if segment.contains(0) {
            self = .nulByte
        } else if segment.count > RelativePath.maximumSegmentLength {
            self = .segmentTooLong
        } else if segment.starts(with: RelativePath.reservedPrefix) {
            self = .reserved
        } else {
            return nil
        }
    }
}
