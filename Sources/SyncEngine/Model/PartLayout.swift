/// From which size on objects travel in parts, and how large these are. Only tests use other figures than the standard.
public struct PartPolicy: Hashable, Sendable {
    /// In bytes: objects of this size and more travel in parts.
    public var threshold: Int64
    /// Of a part that is not the last, in bytes.
    public var minimumPartSize: Int64
    /// Of one upload (AWS, "Amazon S3 multipart upload limits", read 2026-11-22).
    public var maximumParts: Int64 = 10_000
    /// Parts of one object that are sent at once.
    public var partsAtOnce = 8

    /// 16 MiB, and parts of at least 8 MiB: S3 takes none below 5 MiB.
    public static let standard = PartPolicy(threshold: 16 << 20, minimumPartSize: 8 << 20)

    public init(threshold: Int64, minimumPartSize: Int64) {
        self.threshold = threshold
        self.minimumPartSize = minimumPartSize
    }

    /// Bytes of one part; by the same source.
    private static let maximumPartSize: Int64 = 5 << 30
    private static let mebibyte: Int64 = 1 << 20
    /// The largest object in bytes: 48.8 TiB with 10,000 parts.
    public var maximumSize: Int64 { maximumParts * Self.maximumPartSize }

    /// Whether an object of so many bytes travels in parts.
    public func isLarge(_ bytes: Int64) -> Bool { bytes >= threshold }

    /// How we upload `size` bytes: in parts of the minimal size, or of the smallest whole number of MiB that makes no
    /// more than ``maximumParts`` of them; nil for nothing, and for more than ``maximumSize``.
    public func layout(of size: Int64) -> PartLayout? {
        guard size > 0, size <= maximumSize else { return nil }
        let needed = (size - 1) / maximumParts + 1
        let rounded = (needed + Self.mebibyte - 1) / Self.mebibyte * Self.mebibyte
        return PartLayout(size: size, partSize: needed <= minimumPartSize ? minimumPartSize : rounded)
    }

    /// Part sizes in MiB that common tools upload with.
    private static let usual: [Int64] = [8, 5, 10, 15, 16, 50, 64, 100]

    /// Layouts that may have left the ETag of an object: those of usual part sizes with the right number of parts, our
    /// own first. Empty if the ETag names no number of parts.
    public func layouts(explaining etag: ETag, size: Int64) -> [PartLayout] {
        guard let count = etag.partCount, size > 0 else { return [] }
        let own = layout(of: size).map(\.partSize)
        let sizes = [own].compactMap { $0 } + Self.usual.map { $0 * Self.mebibyte }.filter { $0 != own }
        return sizes.map { PartLayout(size: size, partSize: $0) }.filter { $0.count == count }
    }
}

/// How an object that is too large for one request is cut: equal parts, but for the last.
///
/// Ours follows from the size alone, so that it can be found again: from the size of a file whose upload a crash ended,
/// and from the size of an object whose ETag is to be explained.
public struct PartLayout: Hashable, Sendable {
    /// Of the whole, in bytes.
    public let size: Int64
    /// Of every part but the last, in bytes; at least 1.
    public let partSize: Int64

    /// `size` is at least 1, `partSize` too.
    public init(size: Int64, partSize: Int64) {
        precondition(size > 0 && partSize > 0, "a layout of nothing")
        self.size = size
        self.partSize = partSize
    }

    /// The number of parts, at least 1.
    public var count: Int { Int((size - 1) / partSize + 1) }

    /// The bytes of a part; `number` is 1 to ``count``.
    public func bytes(of number: Int) -> Range<Int64> {
        precondition((1...count).contains(number), "part \(number) of \(count)")
        let start = Int64(number - 1) * partSize
        return start..<min(start + partSize, size)
    }
}
