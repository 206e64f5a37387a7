/// Rows by id, such as those that an observation saw: one bit each, in pages of 8 KiB, so that a strange id costs one page.
struct BitSet: Sendable {
    private var pages: [Int64: [UInt64]] = [:]

    private static let emptyPage = [UInt64](repeating: 0, count: 1_024)
    /// Ids of one page, as a power of two.
    private static let pageBits: Int64 = 16

    mutating func insert(_ id: Int64) {
        let (page, word, bit) = Self.place(of: id)
        pages[page, default: Self.emptyPage][word] |= bit
    }

    func contains(_ id: Int64) -> Bool {
        let (page, word, bit) = Self.place(of: id)
        return pages[page].map { $0[word] & bit != 0 } ?? false
    }

    private static func place(of id: Int64) -> (page: Int64, word: Int, bit: UInt64) {
        let offset = UInt64(bitPattern: id) & (1 << UInt64(pageBits) - 1)
        return (id >> pageBits, Int(offset >> 6), 1 << (offset & 63))
    }
}
