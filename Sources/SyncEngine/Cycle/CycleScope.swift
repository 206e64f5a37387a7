/// What one cycle looks at, and how far it goes.
public struct CycleScope: Sendable {
    /// What of the local side is looked at.
    public enum Local: Sendable {
        case whole
        /// Changes that a watcher saw: these paths, each with all beneath it.
        case paths([RelativePath])
        /// Nothing: the cycle goes by what is known.
        case none
    }

    public var local: Local
    /// Whether the bucket is listed.
    public var lists: Bool
    /// Whether deletes are carried out, or wait until more of them can be judged together.
    public var deletes: Bool
    /// Whether entries that failed are tried again before their time.
    public var isImpatient: Bool
    /// True for a plan, which only looks: what is excluded now stays known, and the root gets no mark.
    var isPlan = false

    public init(local: Local, lists: Bool, deletes: Bool, isImpatient: Bool) {
        self.local = local
        self.lists = lists
        self.deletes = deletes
        self.isImpatient = isImpatient
    }

    /// Both sides as a whole, and everything that follows from that.
    public static let whole = CycleScope(local: .whole, lists: true, deletes: true, isImpatient: true)

    /// The same, to see what would be done.
    static var plan: CycleScope {
        var scope = whole
        scope.isPlan = true
        return scope
    }

    /// A reaction: what changed at `paths` goes up, as far as that destroys nothing unasked. All else is left to a cycle.
    public static func reaction(to paths: [RelativePath]) -> CycleScope {
        CycleScope(local: .paths(paths), lists: false, deletes: false, isImpatient: true)
    }

    /// True for a reaction, which may run beside a cycle of the same folder.
    public var isReaction: Bool {
        switch local {
        case .paths: true
        case .whole, .none: false
        }
    }

    /// The entries that are decided on.
    var entries: EntryScope {
        switch local {
        case .paths(let paths): .paths(paths)
        case .whole, .none: .whole
        }
    }
}

/// What earlier observations found beside what the index holds. A cycle that looks at a part goes by it for the rest.
struct FolderView: Sendable {
    /// The device that the root lies on.
    var device: UInt64
    /// Paths that were not observed: they and all beneath them are unknown.
    var unknown: [RelativePath]
    /// Names that are rightly not synced, here and in the bucket.
    var skippedLocal: Int64
    var skippedRemote: Int64
    /// Directories that a folder marker names.
    var markers: [RelativePath]

    /// Before the first cycle.
    static let nothing = FolderView(device: 0, unknown: [], skippedLocal: 0, skippedRemote: 0, markers: [])

    /// Names that are rightly not synced.
    var skipped: Int64 { skippedLocal + skippedRemote }

    /// Takes over a look at `paths`, and no others.
    mutating func merge(_ scan: ScanResult, of paths: [RelativePath]) {
        let seen = UnknownPaths(paths)
        unknown.removeAll { seen.covers($0) }
        let known = scan.unknown.isEmpty ? [] : Set(unknown)
        unknown += scan.unknown.filter { !known.contains($0) }
    }
}
