/// Everything by which an ETag may know a file's content, taken in one read: its MD5, and the multipart digests of the
/// part sizes that other tools use.
struct ContentFingerprint: ~Copyable {
    private let whole = ContentHasher()
    private let parts: [PartDigests]

    /// Part sizes in MiB that common tools upload with.
    private static let usualPartSizes: [Int64] = [5, 8, 10, 15, 16, 50, 64, 100]

    /// - Parameters:
    ///   - size: the file's, in bytes.
    ///   - etag: the tag to be explained: only part sizes that give its number of parts are tried.
    init(size: Int64, etag: ETag) {
        parts = Self.partSizes(size: size, count: etag.partCount).map(PartDigests.init)
    }

    /// The usual part sizes in bytes that cut `size` bytes into `count` parts.
    static func partSizes(size: Int64, count: Int?) -> [Int64] {
        guard let count else { return [] }
        return usualPartSizes.map { $0 << 20 }.filter { max(1, (size + $0 - 1) / $0) == Int64(count) }
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        whole.update(bytes)
        for part in parts { part.update(bytes) }
    }

    /// The MD5 of the whole, and an ETag for each part size that was tried.
    func finish() -> (digest: ContentDigest, multipartTags: [ETag]) {
        (ContentDigest(whole.finish()), parts.map { $0.finish() })
    }
}

/// The digest that a multipart upload with parts of one size leaves: the MD5 of the parts' MD5s, and their number.
private final class PartDigests {
    private let partSize: Int64
    private var part = ContentHasher()
    private var digests = ContentHasher()
    private var filled: Int64 = 0
    private var count = 0

    init(partSize: Int64) {
        self.partSize = partSize
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let length = Int(min(Int64(rest.count), partSize - filled))
            part.update(UnsafeRawBufferPointer(rebasing: rest[..<length]))
            filled += Int64(length)
            if filled == partSize { endPart() }
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        }
    }

    func finish() -> ETag {
        if filled > 0 || count == 0 { endPart() }
        return ETag("\(ContentDigest(digests.finish()).hexadecimal)-\(count)")
    }

    private func endPart() {
        part.finish().withUnsafeBytes { digests.update($0) }
        filled = 0
        count += 1
    }
}
