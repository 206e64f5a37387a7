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
            return .present(isBase: isBase, content: reading.relation(to: base.digest))
        case .restless: return .restless
        case .gone: return .gone(isAccepted: policy.direction == .up && !policy.deletes && entry.local == nil)
        case .unreadable: return .unknown
        }
    }

    var remote: SideEvidence {
        switch object {
        case .asBase(let bytes):
            return .present(isBase: true, content: bytes.map(proven) ?? .same)
        case .present(let details, let bytes?):
            if details.relation(to: bytes) == .different { return .damaged }
            return .present(isBase: details.state == base.remote, content: proven(bytes))
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
        case .asBase(let bytes): return reading.relation(to: bytes ?? base.digest)
        case .present(_, let bytes?): return reading.relation(to: bytes)
        case .present(let details, nil): return details.relation(to: reading)
        case .restless, .gone, .unreadable: return .unsettled
        }
    }

    /// How the bytes of an object that was read stand to base's. Digests of other parts cannot be compared; then what
    /// the file proves of both must do.
    private func proven(_ bytes: ContentDigest) -> ContentRelation {
        let direct = bytes.relation(to: base.digest)
        guard direct == .unsettled, case .read(let reading) = file else { return direct }
        switch (reading.relation(to: bytes), reading.relation(to: base.digest)) {
        case (.same, let own): return own
        case (.different, .same): return .different
        case (.different, .different), (.different, .unsettled), (.unsettled, _): return .unsettled
        }
    }

    /// How the content of an object that was not read stands to base's, as far as it says itself.
    private func claimed(_ details: ObjectDetails) -> ContentRelation {
        if details.state.size != base.remote.size { return .different }
        if details.state == base.remote, base.digest != nil { return .same }
        if case .read(let reading) = file, details.relation(to: reading) == .same {
            return reading.relation(to: base.digest)
        }
        return base.digest.map { details.relation(to: $0) } ?? .unsettled
    }
}

extension ContentDigest {
    /// Unsettled where there is nothing to compare with, and where the one is of other parts than the other.
    func relation(to other: ContentDigest?) -> ContentRelation {
        guard let other, other.partSize == partSize else { return .unsettled }
        return self == other ? .same : .different
    }
}

extension ContentComparer.Reading {
    /// Whether the file has the content of this digest; unsettled where it was not read for such parts.
    func relation(to digest: ContentDigest?) -> ContentRelation {
        guard let digest, let own = digests.first(where: { $0.partSize == digest.partSize }) else { return .unsettled }
        return own == digest ? .same : .different
    }
}

extension ObjectDetails {
    /// What the object says that the MD5 of its content is: by its ETag, and by what its writer noted.
    private var claims: [ContentDigest] {
        [etagIsOpaque ? nil : state.etag.contentDigest, notedDigest].compactMap { $0 }
    }

    /// Whether the object says that its content has this digest. An ETag of parts says so or nothing: it does not tell
    /// how they were cut.
    func relation(to digest: ContentDigest) -> ContentRelation {
        if !etagIsOpaque, digest.etag(size: state.size) == state.etag { return .same }
        if claims.contains(digest) { return .same }
        return claims.isEmpty || digest.partSize != nil ? .unsettled : .different
    }

    /// Whether the object says that its content is what was read.
    func relation(to reading: ContentComparer.Reading) -> ContentRelation {
        if state.size != reading.state.size { return .different }
        if let checksum { return reading.checksums.contains(checksum) ? .same : .different }
        let relations = reading.digests.map { relation(to: $0) }
        return relations.contains(.same) ? .same : relations.contains(.different) ? .different : .unsettled
    }
}
