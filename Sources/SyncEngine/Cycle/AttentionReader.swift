/// The entries of a folder that need attention, one after the other in byte order, read in pages.
struct AttentionReader {
    private let index: any Index
    private let folder: Int64
    private var page: [Entry] = []
    private var position = 0
    private var last: RelativePath?
    private var isExhausted = false

    /// Entries that are read at once.
    private static let pageSize = 1_000

    init(_ index: any Index, folder: Int64) {
        self.index = index
        self.folder = folder
    }

    /// The next entry as it is in the index now; nil after the last.
    mutating func next() async throws -> Entry? {
        if position == page.count {
            guard !isExhausted else { return nil }
            page = try await index.attention(folder, after: last, limit: Self.pageSize)
            position = 0
            isExhausted = page.count < Self.pageSize
            guard let last = page.last else { return nil }
            self.last = last.path
        }
        defer { position += 1 }
        return page[position]
    }
}
