/// Everything by which a file's content may be known, taken in one read: its MD5, the digests of parts of the sizes that
/// are asked for or that other tools use, and its checksums.
struct ContentFingerprint: ~Copyable {
    private let whole = ContentHasher()
    private let parts: [PartDigests]
    private var taker = ChecksumTaker()

    /// - Parameters:
    ///   - size: the file's, in bytes.
    ///   - etag: the tag to be explained: of the usual part sizes only those that give its number of parts are tried.
    ///   - policy: how we upload ourselves.
    ///   - known: a digest to be compared with, whose part size is tried as well; nil where there is none.
    init(size: Int64, etag: ETag, policy: PartPolicy, known: ContentDigest?) {
        var sizes = Set(policy.layouts(explaining: etag, size: size).map(\.partSize))
        if let own = known?.partSize { sizes.insert(own) }
        parts = sizes.sorted().map(PartDigests.init)
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        whole.update(bytes)
        for part in parts { part.update(bytes) }
        taker.update(bytes)
    }

    /// Those that stores state.
    var checksums: Set<ContentChecksum> { taker.checksums }

    /// The MD5 of the whole first, then a digest for each part size that was tried.
    func finish() -> [ContentDigest] {
        [ContentDigest(whole.finish())] + parts.map { $0.finish() }
    }
}

/// The digest that a multipart upload with parts of one size leaves: the MD5 of the parts' MD5s.
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

    func finish() -> ContentDigest {
        if filled > 0 || count == 0 { endPart() }
        return ContentDigest(digests.finish(), partSize: partSize)
    }

    private func endPart() {
        part.finish().withUnsafeBytes { digests.update($0) }
        filled = 0
        count += 1
    }
}

extension ContentDigest {
    /// The digest of an object from the MD5s of its parts, in their order.
    init(parts: [ContentDigest], partSize: Int64) {
        let hasher = ContentHasher()
        for part in parts { part.bytes.withUnsafeBytes { hasher.update($0) } }
        self.init(hasher.finish(), partSize: partSize)
    }
}
