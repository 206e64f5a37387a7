/// Decides on entries with what this cycle knows of both sides.
struct Decider: Sendable {
    let policy: Policy
    let unknown: UnknownPaths

    /// `content` is nil for what the entry itself says.
    func change(for entry: Entry, content: ContentRelation? = nil) -> Change {
        decide(
            entry,
            localUnknown: unknown.covers(entry.path),
            remoteUnknown: false,
            content: content ?? entry.contentRelation,
            policy: policy
        )
    }
}

extension Entry {
    /// What the sizes and an earlier comparison say of the content of both sides.
    var contentRelation: ContentRelation {
        guard let local, let remote else { return .unsettled }
        return isKnownDifferent || local.size != remote.size ? .different : .unsettled
    }
}

/// What an approval let through.
public struct Approval: Hashable, Sendable {
    /// How many changes of each kind waited and may be done now; empty if nothing waited.
    public var changes: [GatedChange.Action: Int64]
    /// When it ends.
    public var until: UnixTime

    public init(changes: [GatedChange.Action: Int64], until: UnixTime) {
        self.changes = changes
        self.until = until
    }
}

/// What the operator approved, as far as it still holds.
struct Approvals: Sendable {
    private let index: any Index
    private let folder: Int64
    private let now: UnixTime
    private let isEmpty: Bool

    init(_ context: CycleContext, folder: Int64) async throws {
        index = context.index
        self.folder = folder
        now = context.clock.now()
        isEmpty = try await !context.index.hasApprovals(folder, at: now)
    }

    func contains(_ change: GatedChange) async throws -> Bool {
        guard !isEmpty else { return false }
        return try await !index.approved(folder, among: [change], at: now).isEmpty
    }
}

extension GatedChange {
    /// How long an approval holds, in nanoseconds: 24 hours.
    static let lifetime: Int64 = 24 * 3_600 * 1_000_000_000

    /// A path that stands for a side as a whole: reserved, so that no entry can have it.
    private static let wholeSide = RelativePath(unchecked: Array(".syncd-whole-side".utf8), in: nil)

    /// What a gate weighs in `change`; nil if it destroys nothing that was not agreed on.
    init?(_ entry: Entry, _ change: Change) {
        switch change {
        case .deleteRemote: self.init(destroying: entry.remote, of: entry, .deleteRemote)
        case .upload(replacing: .foreign): self.init(destroying: entry.remote, of: entry, .overwriteRemote)
        case .deleteLocal: self.init(destroying: entry.local, of: entry, .deleteLocal)
        case .download(replacing: .foreign): self.init(destroying: entry.local, of: entry, .overwriteLocal)
        case .nothing, .compare, .adopt, .upload, .download, .forget, .conflict, .leave: return nil
        }
    }

    private init(destroying state: RemoteState?, of entry: Entry, _ action: Action) {
        self.init(path: entry.path, action: action, identity: state.map { "\($0.etag.value) \($0.size)" } ?? "")
    }

    private init(destroying state: LocalState?, of entry: Entry, _ action: Action) {
        let identity = state.map { "\($0.inode) \($0.size) \($0.modified.nanoseconds) \($0.changed.nanoseconds)" }
        self.init(path: entry.path, action: action, identity: identity ?? "")
    }

    /// The acceptance of another root than the one that was adopted.
    static func acceptRoot(_ root: RootIdentity) -> GatedChange {
        let identity = "\(root.id ?? "-") \(root.fileSystemID) \(root.inode)"
        return GatedChange(path: wholeSide, action: .acceptRoot, identity: identity)
    }

    /// The acceptance that a side which held entries is empty now.
    static func acceptEmptied(_ side: Side) -> GatedChange {
        let action: Action =
            switch side {
            case .local: .acceptEmptiedLocal
            case .remote: .acceptEmptiedRemote
            }
        return GatedChange(path: wholeSide, action: action, identity: "empty")
    }
}
