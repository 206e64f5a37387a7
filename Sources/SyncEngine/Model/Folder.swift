/// Which side of a folder leads.
public enum Direction: String, Sendable, CaseIterable {
    /// The local folder is the master.
    case up
    /// The bucket is the master.
    case down
    /// Neither: changes travel both ways.
    case both
}

/// Which side keeps the name in a conflict; the other becomes a conflict copy.
public enum ConflictWinner: String, Sendable, CaseIterable {
    /// The one that was modified last.
    case newest
    case local
    case remote
}

/// One of the two places that a folder keeps the same.
public enum Side: String, Sendable, CaseIterable {
    case local
    case remote
}

/// What a decision needs to know of a folder's configuration.
public struct Policy: Hashable, Sendable {
    public var direction: Direction
    /// Whether what is gone on the leading side is deleted on the other. Always true in ``Direction/both``.
    public var deletes: Bool

    public init(direction: Direction, deletes: Bool) {
        self.direction = direction
        self.deletes = deletes
    }

    /// Whether objects are deleted because their files are gone.
    public var deletesRemote: Bool {
        switch direction {
        case .up: deletes
        case .down: false
        case .both: true
        }
    }
}

/// A configured pair of a local folder and a bucket's prefix: what one cycle works on.
public struct Folder: Sendable {
    /// Unique among the folders of a configuration; how the operator names it.
    public var name: String
    /// The root, an absolute path in bytes.
    public var root: [UInt8]
    /// Where the store is, for telling pairs apart; empty is AWS.
    public var endpoint: String
    public var bucket: String
    /// Empty, or ending in `/`.
    public var prefix: [UInt8]
    public var policy: Policy
    public var conflict: ConflictWinner
    /// Gitignore patterns, in order.
    public var exclude: [String]
    /// 0 to 100: beyond this share of the base, deletes wait for approval.
    public var maxDeletePercent: Int
    /// Days that the trash is kept; zero or more.
    public var trashDays: Int
    /// What the operator says of the service, before anything that is tried.
    public var capabilities = Capabilities()

    public init(
        name: String,
        root: [UInt8],
        endpoint: String,
        bucket: String,
        prefix: [UInt8],
        policy: Policy,
        conflict: ConflictWinner = .newest,
        exclude: [String] = [],
        maxDeletePercent: Int = 50,
        trashDays: Int = 30
    ) {
        self.name = name
        self.root = root
        self.endpoint = endpoint
        self.bucket = bucket
        self.prefix = prefix
        self.policy = policy
        self.conflict = conflict
        self.exclude = exclude
        self.maxDeletePercent = maxDeletePercent
        self.trashDays = trashDays
    }
}
