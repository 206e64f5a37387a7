/// What the looks at both sides of an entry prove: the last step before it is judged. Values in, values out.
struct EntryEvidence {
    let entry: Entry
    let base: BaseState
    let policy: Policy
    let file: FileLook
    let object: ObjectLook

    var verdict: VerifyVerdict {
        judge(local: local, remote: remote, content: content, direction: policy.direction)
    }

    var local: SideEvidence {
        switch file {
        case .read(let reading):
            // A racy identity proves nothing: a write may have left it as it was.
            let isBase = reading.state == base.local && !entry.isRacy
            return .present(isBase: isBase, content: reading.digest.relation(to: base.digest))
        case .restless: return .restless
        case .gone: return .gone(isAccepted: policy.direction == .up && !policy.deletes && entry.local == nil)
        case .unreadable: return .unknown
        }
    }

    var remote: SideEvidence {
        switch object {
        case .asBase(let bytes):
            return .present(isBase: true, content: bytes.map { $0.relation(to: base.digest) } ?? .same)
        case .present(let details, let bytes?):
            let claims = details.claims
            if !claims.isEmpty, !claims.contains(bytes) { return .damaged }
            return .present(isBase: details.state == base.remote, content: bytes.relation(to: base.digest))
        case .present(let details, nil):
            return .present(isBase: details.state == base.remote, content: claimed(details))
        case .restless: return .restless
        case .gone: return .gone(isAccepted: policy.direction == .down && !policy.deletes && entry.remote == nil)
        case .unreadable: return .unknown
        }
    }

    /// Whether both sides hold the same bytes.
    var content: ContentRelation {
        guard case .read(let reading) = file else { return .unsettled }
        switch object {
        case .asBase(let bytes): return reading.digest.relation(to: bytes ?? base.digest)
        case .present(_, let bytes?): return reading.digest.relation(to: bytes)
        case .present(let details, nil): return details.relation(to: reading)
        case .restless, .gone, .unreadable: return .unsettled
        }
    }

    /// How the content of an object that was not read stands to base's, as far as it says itself.
    private func claimed(_ details: ObjectDetails) -> ContentRelation {
        if details.state.size != base.remote.size { return .different }
        if details.state == base.remote, base.digest != nil { return .same }
        if case .read(let reading) = file, details.relation(to: reading) == .same {
            return reading.digest.relation(to: base.digest)
        }
        return details.relation(to: base.digest)
    }
}

extension ContentDigest {
    /// Unsettled where there is nothing to compare with.
    func relation(to other: ContentDigest?) -> ContentRelation {
        guard let other else { return .unsettled }
        return self == other ? .same : .different
    }
}

extension ObjectDetails {
    /// Whether the object says that its content has this digest.
    fileprivate func relation(to digest: ContentDigest?) -> ContentRelation {
        guard let digest, !claims.isEmpty else { return .unsettled }
        return claims.contains(digest) ? .same : .different
    }

    /// Whether the object says that its content is what was read.
    fileprivate func relation(to reading: ContentComparer.Reading) -> ContentRelation {
        if state.size != reading.state.size { return .different }
        return reading.multipartTags.contains(state.etag) ? .same : relation(to: reading.digest)
    }
}
