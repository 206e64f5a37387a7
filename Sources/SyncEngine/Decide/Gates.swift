/// Why a gate stopped a folder.
public enum HaltReason: Hashable, Sendable {
    case rootMissing
    /// The root is not the one that was adopted; what differs, for the operator.
    case rootReplaced(String)
    /// A complete walk found no file, while base holds `baseCount`.
    case rootEmptied(baseCount: Int64)
    /// A complete listing found no object, while base holds `baseCount`.
    case remoteEmptied(baseCount: Int64)
    /// `wanted` deletes and overwrites, after `done` deletes in the last hour, are more than `percent` of `of` entries.
    case tooManyDeletes(wanted: Int64, done: Int64, of: Int64, percent: Int)
    /// `wanted` deletes would leave at most one of `of` entries.
    case nothingLeft(wanted: Int64, of: Int64)
    /// `count` entries would be deleted that were never in base.
    case foreign(count: Int64)

    /// What was found, in a sentence or two.
    public var summary: String {
        switch self {
        case .rootMissing:
            "The folder's root is not there; syncd never creates one. Nothing has been done. Is the disk mounted?"
        case .rootReplaced(let difference):
            "The folder's root is another directory than before (\(difference)). Nothing has been done. Is the disk mounted?"
        case .rootEmptied(let count):
            "The folder holds no file that is to be synced, and \(count) \(count == 1 ? "was" : "were") in it."
                + " Nothing has been done. Is the disk mounted? Does a pattern exclude everything?"
        case .remoteEmptied(let count):
            "The bucket's prefix is empty, and \(count) \(count == 1 ? "object was" : "objects were") in it."
                + " Nothing has been done. Is it the right bucket?"
        case .tooManyDeletes(let wanted, let done, let total, let percent):
            Self.share(wanted, done, total, percent) + " None of that has been done."
        case .nothingLeft(let wanted, let total):
            "\(wanted) of \(total) entries would be deleted, which leaves \(wanted < total ? "one" : "none")."
                + " None of that has been done."
        case .foreign(let count):
            "\(count) \(count == 1 ? "entry" : "entries") that syncd never wrote would be deleted."
                + (count == 1 ? " It is still there." : " They are still there.")
        }
    }

    private static func share(_ wanted: Int64, _ done: Int64, _ total: Int64, _ percent: Int) -> String {
        let count = wanted > total ? "\(wanted) entries" : "\(wanted) of \(total) entries"
        let before = done > 0 ? ", after \(done) in the last hour" : ""
        let share = total > 0 ? "\(min(100, (wanted + done) * 100 / total)) % of \(total), and " : ""
        return "\(count) would be deleted or overwritten\(before) (\(share)more than \(percent) % wants an approval)."
    }

    /// True if `syncd approve` lets the folder go on; false where only mending the cause does.
    public var isApprovable: Bool {
        switch self {
        case .rootMissing: false
        case .rootReplaced, .rootEmptied, .remoteEmptied, .tooManyDeletes, .nothingLeft, .foreign: true
        }
    }
}

/// How a root stands to the one that was adopted.
public enum RootJudgement: Hashable, Sendable {
    /// None was adopted before.
    case adopt
    /// The same; its device numbers may be new.
    case same
    case replaced(HaltReason)
}

/// Whether this is the root that was adopted. An id decides where there is one; else the file system and the inode.
public func judgeRoot(recorded: RootIdentity?, current: RootIdentity) -> RootJudgement {
    guard let recorded else { return .adopt }
    if let id = recorded.id {
        if current.id == id { return .same }
        return .replaced(.rootReplaced(current.id.map { "its id is \($0), was \(id)" } ?? "it has no id, had \(id)"))
    }
    if recorded.fileSystemID == current.fileSystemID, recorded.inode == current.inode { return .same }
    let difference =
        recorded.fileSystemID == current.fileSystemID
        ? "inode \(current.inode), was \(recorded.inode)"
        : "file system \(hexadecimal(current.fileSystemID)), was \(hexadecimal(recorded.fileSystemID))"
    return .replaced(.rootReplaced(difference))
}

private func hexadecimal(_ fileSystemID: UInt64) -> String { String(fileSystemID, radix: 16) }

/// Whether a side that held entries is empty now. Only a complete walk can say that a root is.
public func judgeEmptied(
    baseCount: Int64,
    scanIsComplete: Bool,
    filesSeen: Int64,
    objectsSeen: Int64
) -> HaltReason? {
    guard baseCount > 0 else { return nil }
    if filesSeen == 0, scanIsComplete { return .rootEmptied(baseCount: baseCount) }
    return objectsSeen == 0 ? .remoteEmptied(baseCount: baseCount) : nil
}

/// What the quantity gates weigh. Nothing that was approved is counted here.
public struct QuantityInput: Hashable, Sendable {
    /// Deletes of entries that were once agreed on.
    public var wantedDeletes: Int64
    /// Overwrites of versions that were never agreed on.
    public var wantedOverwrites: Int64
    /// Deletes of entries that were never in base.
    public var foreignDeletes: Int64
    /// Deletes done in the last hour.
    public var deletesDone: Int64
    /// Entries in base now.
    public var baseCount: Int64
    /// 0 to 100.
    public var maxDeletePercent: Int

    public init(
        wantedDeletes: Int64,
        wantedOverwrites: Int64,
        foreignDeletes: Int64,
        deletesDone: Int64,
        baseCount: Int64,
        maxDeletePercent: Int
    ) {
        self.wantedDeletes = wantedDeletes
        self.wantedOverwrites = wantedOverwrites
        self.foreignDeletes = foreignDeletes
        self.deletesDone = deletesDone
        self.baseCount = baseCount
        self.maxDeletePercent = maxDeletePercent
    }
}

/// What the quantity gates say.
public struct QuantityJudgement: Hashable, Sendable {
    public var halt: HaltReason?
    /// Whether deletes of known entries and foreign overwrites may be done without approval.
    public var allowsUnapproved: Bool
    /// What to remember until the next cycle.
    public var memory: GateMemory?
}

extension GateMemory {
    /// How long deletes count together, in nanoseconds: an hour.
    public static let window: Int64 = 3_600 * 1_000_000_000
}

/// Fewer destructive changes than this never halt a folder by their share.
private let minimumCount: Int64 = 10

/// Whether so many deletes and overwrites may be done unasked.
public func judgeQuantity(_ input: QuantityInput, memory: GateMemory?, now: UnixTime) -> QuantityJudgement {
    let wanted = input.wantedDeletes + input.wantedOverwrites
    let kept = memory.flatMap { $0.isHalted || now.nanoseconds - $0.since.nanoseconds < GateMemory.window ? $0 : nil }
    guard wanted > 0 else {
        let foreign: HaltReason? = input.foreignDeletes > 0 ? .foreign(count: input.foreignDeletes) : nil
        let memory = kept.flatMap { $0.isHalted ? nil : $0 }
        return QuantityJudgement(halt: foreign, allowsUnapproved: true, memory: memory)
    }
    var current = kept ?? GateMemory(baseCount: input.baseCount, since: now, isHalted: false)
    // What comes and goes again and again counts anew each time, but there is no more than all.
    let sum = min(wanted + input.deletesDone, max(wanted, current.baseCount))
    let isLargeShare =
        input.maxDeletePercent < 100 && sum >= minimumCount
        && sum * 100 > Int64(input.maxDeletePercent) * current.baseCount
    let remaining = input.baseCount - input.wantedDeletes
    let leavesNothing = input.wantedDeletes > 0 && input.baseCount >= 5 && remaining <= 1
    current.isHalted = isLargeShare || leavesNothing
    let reason: HaltReason?
    if isLargeShare {
        reason = .tooManyDeletes(
            wanted: wanted,
            done: input.deletesDone,
            of: current.baseCount,
            percent: input.maxDeletePercent
        )
    } else if leavesNothing {
        reason = .nothingLeft(wanted: input.wantedDeletes, of: input.baseCount)
    } else {
        reason = input.foreignDeletes > 0 ? .foreign(count: input.foreignDeletes) : nil
    }
    return QuantityJudgement(halt: reason, allowsUnapproved: !current.isHalted, memory: current)
}
