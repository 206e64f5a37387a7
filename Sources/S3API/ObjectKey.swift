import Glibc

/// An object's key: bytes in the order of `memcmp`, as S3 sorts them. Never a `String`, whose `==` takes composed and
/// decomposed letters for the same key.
public struct ObjectKey: Hashable, Comparable, Sendable {
    public let bytes: [UInt8]

    /// The largest key in bytes that S3 takes (AWS, "Object key naming guidelines", read 2026-11-22).
    public static let maximumLength = 1_024

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(_ text: String) {
        bytes = Array(text.utf8)
    }

    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        let order = memcmp(left.bytes, right.bytes, min(left.bytes.count, right.bytes.count))
        return order < 0 || (order == 0 && left.bytes.count < right.bytes.count)
    }
}

extension ObjectKey: CustomStringConvertible {
    /// For people: bytes that are not UTF-8 show as U+FFFD.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
