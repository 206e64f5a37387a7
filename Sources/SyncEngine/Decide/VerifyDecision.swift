/// What verifying found of one side of an entry that has a base.
public enum SideEvidence: Hashable, Sendable {
    /// Present. `isBase`: by all that can be seen without reading, it is the file or the object that base recorded.
    /// `content`: whether its bytes are those that base recorded.
    case present(isBase: Bool, content: ContentRelation)
    /// Present, and another each time it was read.
    case restless
    /// Present, and its bytes are not those that it says itself.
    case damaged
    /// Gone. `isAccepted`: an earlier cycle saw that, and left the other side as it was because the folder does not
    /// delete.
    case gone(isAccepted: Bool)
    /// It could not be looked at.
    case unknown
}

/// What verifying says of one side of an entry. Everything but ``notSynced`` is a fault.
public enum FindingKind: String, Sendable, CaseIterable {
    /// The bytes changed, and nothing that changes with them did.
    case rotten
    /// It was there when both sides last agreed, and is gone.
    case missing
    /// It was changed on the side that follows, so that the next cycle would replace it.
    case differing
    /// It could not be read, so that nothing is known of it.
    case unreadable
    /// It was changed on the side that leads, and the next cycle carries that over.
    case notSynced
}

/// What verifying says of one entry.
public struct VerifyVerdict: Hashable, Sendable {
    public var local: FindingKind?
    public var remote: FindingKind?
    /// True if nothing was found, and nothing tells the content of a side either.
    public var isUnverifiable: Bool

    public init(local: FindingKind? = nil, remote: FindingKind? = nil, isUnverifiable: Bool = false) {
        self.local = local
        self.remote = remote
        self.isUnverifiable = isUnverifiable
    }

    /// True if both sides hold what they should, as far as they were looked at.
    public var isVerified: Bool { local == nil && remote == nil && !isUnverifiable }

    /// True if anything is wrong that the next cycle would not set right on its own.
    public var isFault: Bool {
        [local, remote].contains { kind in
            switch kind {
            case .rotten, .missing, .differing, .unreadable: true
            case .notSynced, nil: false
            }
        }
    }
}

/// What verifying says of an entry: pure, and total over everything that can be found.
///
/// `content` says whether both sides hold the same bytes; it matters only where both are present.
public func judge(
    local: SideEvidence,
    remote: SideEvidence,
    content: ContentRelation,
    direction: Direction
) -> VerifyVerdict {
    let (here, there) = (Standing(local), Standing(remote))
    if here == .unproven, there == .unproven, content == .different {
        // One of the two changed unseen; that which follows is what the next cycle would put right.
        return direction == .down ? VerifyVerdict(local: .differing) : VerifyVerdict(remote: .differing)
    }
    if here == .changed, there == .changed {
        // Both were changed to the same: the next cycle finds nothing to transfer.
        if content == .same { return VerifyVerdict() }
        if direction == .both { return VerifyVerdict(local: .differing, remote: .differing) }
    }
    var verdict = VerifyVerdict(
        local: finding(here, leads: direction != .down),
        remote: finding(there, leads: direction != .up)
    )
    let isUnproven = here == .unproven || there == .unproven
    verdict.isUnverifiable = verdict.isVerified && isUnproven && content != .same
    return verdict
}

private func finding(_ standing: Standing, leads: Bool) -> FindingKind? {
    switch standing {
    case .whole, .unproven, .accepted: nil
    case .rotten: .rotten
    case .changed: leads ? .notSynced : .differing
    case .gone: .missing
    case .unknown: .unreadable
    }
}

/// What the evidence of one side comes to.
private enum Standing {
    case whole
    /// As base by its looks; what base held is not known.
    case unproven
    case rotten
    case changed
    case gone
    case accepted
    case unknown

    init(_ evidence: SideEvidence) {
        switch evidence {
        case .present(_, .same): self = .whole
        case .present(isBase: true, .different), .damaged: self = .rotten
        case .present(isBase: true, .unsettled): self = .unproven
        // A version that nobody agreed on counts as another content until it is known to be the same: whoever encrypts
        // a bucket's objects with keys of his own leaves sizes as they are and ETags that say nothing.
        case .present(isBase: false, .different), .present(isBase: false, .unsettled), .restless: self = .changed
        case .gone(let isAccepted): self = isAccepted ? .accepted : .gone
        case .unknown: self = .unknown
        }
    }
}
