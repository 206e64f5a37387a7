/// Which entries of a folder are decided on.
struct AttentionQuery: Sendable {
    let index: any Index
    let folder: Int64
    let scope: EntryScope
    /// Entries that failed and are to wait longer are passed by; nil for none.
    let dueBy: UnixTime?

    init(_ context: CycleContext, folder: Int64, scope: CycleScope) {
        index = context.index
        self.folder = folder
        self.scope = scope.entries
        dueBy = scope.isImpatient ? nil : context.clock.now()
    }
}

/// The entries that need attention, one after the other, read in pages: in byte order, or path by path.
struct AttentionReader {
    private let query: AttentionQuery
    private var page: [Entry] = []
    private var position = 0
    /// What is still to be read; nil for the folder as a whole.
    private var roots: ArraySlice<RelativePath?>
    private var last: RelativePath?

    /// Entries that are read at once.
    private static let pageSize = 1_000

    init(_ query: AttentionQuery) {
        self.query = query
        switch query.scope {
        case .whole: roots = [nil]
        case .paths(let paths): roots = paths.map { $0 }[...]
        }
    }

    /// The next entry as it is in the index now; nil after the last.
    mutating func next() async throws -> Entry? {
        while position == page.count {
            guard let root = roots.first else { return nil }
            page = try await query.index.attention(
                query.folder,
                beneath: root,
                after: last,
                dueBy: query.dueBy,
                limit: Self.pageSize
            )
            position = 0
            last = page.last?.path
            if page.count < Self.pageSize {
                roots.removeFirst()
                last = nil
            }
        }
        defer { position += 1 }
        return page[position]
    }
}
