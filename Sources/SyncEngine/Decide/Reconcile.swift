/// What to do with one entry: pure, and total over everything that can be known of it.
///
/// The tables in docs/DECISIONS.md list every row of this function; a test compares the two.
/// `content` says whether both sides hold the same bytes; it matters only where both are present.
public func decide(
    hasBase: Bool,
    local: SideRelation,
    remote: SideRelation,
    content: ContentRelation,
    policy: Policy
) -> Change {
    switch (local, remote) {
    case (.unknown, _), (_, .unknown):
        return .leave(.unknown)
    case (.absent, .absent):
        return .forget
    case (.asBase, .asBase) where hasBase:
        return .nothing
    case (.asBase, .asBase), (.asBase, .changed), (.changed, .asBase), (.changed, .changed):
        switch content {
        case .unsettled: return .compare
        case .same: return .adopt
        case .different: return decideDifferent(hasBase: hasBase, local: local, remote: remote, policy.direction)
        }
    case (.asBase, .absent), (.changed, .absent):
        return decideLocalOnly(hasBase: hasBase, isChanged: local == .changed, policy)
    case (.absent, .asBase), (.absent, .changed):
        return decideRemoteOnly(hasBase: hasBase, isChanged: remote == .changed, policy)
    }
}

/// Both sides are present and hold different bytes.
private func decideDifferent(
    hasBase: Bool,
    local: SideRelation,
    remote: SideRelation,
    _ direction: Direction
) -> Change {
    switch direction {
    case .up:
        return .upload(replacing: hasBase && remote == .asBase ? .base : .foreign)
    case .down:
        return .download(replacing: hasBase && local == .asBase ? .base : .foreign)
    case .both:
        if hasBase, remote == .asBase { return .upload(replacing: .base) }
        if hasBase, local == .asBase { return .download(replacing: .base) }
        return .conflict
    }
}

private func decideLocalOnly(hasBase: Bool, isChanged: Bool, _ policy: Policy) -> Change {
    switch policy.direction {
    case .up:
        return .upload(replacing: .nothing)
    case .down:
        if policy.deletes { return .deleteLocal(foreign: !hasBase) }
        return .leave(hasBase ? .deletesOff : .foreign)
    case .both:
        // An edit wins over a delete, and what was never in base is new.
        return hasBase && !isChanged ? .deleteLocal(foreign: false) : .upload(replacing: .nothing)
    }
}

private func decideRemoteOnly(hasBase: Bool, isChanged: Bool, _ policy: Policy) -> Change {
    switch policy.direction {
    case .up:
        // A version that another writer put there is not ours to delete unasked, and nothing would keep it.
        if policy.deletes { return .deleteRemote(foreign: !hasBase || isChanged) }
        return .leave(hasBase ? .deletesOff : .foreign)
    case .down:
        return .download(replacing: .nothing)
    case .both:
        return hasBase && !isChanged ? .deleteRemote(foreign: false) : .download(replacing: .nothing)
    }
}

/// Which side keeps the name in a conflict.
func decideWinner(
    _ policy: ConflictWinner,
    localModified: UnixTime,
    remoteModified: UnixTime
) -> Side {
    switch policy {
    case .local: .local
    case .remote: .remote
    // Of two of one time the one that others have seen already.
    case .newest: localModified > remoteModified ? .local : .remote
    }
}

/// What to do with an entry as the index holds it.
/// `localUnknown` says that the local side was not observed in this cycle.
/// `remoteUnknown` says that the remote side was not.
public func decide(
    _ entry: Entry,
    localUnknown: Bool,
    remoteUnknown: Bool,
    content: ContentRelation,
    policy: Policy
) -> Change {
    decide(
        hasBase: entry.base != nil,
        local: localUnknown ? .unknown : entry.localRelation,
        remote: remoteUnknown ? .unknown : entry.remoteRelation,
        content: content,
        policy: policy
    )
}

extension Entry {
    /// How the local side stands to the base. A racy identity proves nothing: it counts as changed until the content
    /// was looked at again.
    public var localRelation: SideRelation {
        guard let local else { return .absent }
        guard let base, base.local == local, !isRacy else { return .changed }
        return .asBase
    }

    /// How the remote side stands to the base.
    public var remoteRelation: SideRelation {
        guard let remote else { return .absent }
        return base?.remote == remote ? .asBase : .changed
    }
}
