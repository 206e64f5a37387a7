/// Says to people what a verdict on an entry means.
struct FindingSentences {
    let evidence: EntryEvidence
    let verdict: VerifyVerdict

    init(_ evidence: EntryEvidence) {
        self.evidence = evidence
        verdict = evidence.verdict
    }

    /// One for each side that something was found of.
    var findings: [Finding] {
        let path = evidence.entry.path
        let here = verdict.local.map { Finding(path: path, side: .local, kind: $0, message: local($0)) }
        let there = verdict.remote.map { Finding(path: path, side: .remote, kind: $0, message: remote($0)) }
        return [here, there].compactMap { $0 }
    }

    private var policy: Policy { evidence.policy }

    private var isGoneOnBothSides: Bool { verdict.local == .missing && verdict.remote == .missing }

    /// True if a cycle would put the version of the leading side in the place of one that differs.
    private var isReplaced: Bool {
        guard !isUnexplained, policy.direction != .both, case .read = evidence.file else { return false }
        switch evidence.object {
        case .asBase, .present, .restless: return true
        case .gone, .unreadable: return false
        }
    }

    // MARK: Here

    private func local(_ kind: FindingKind) -> String {
        switch kind {
        case .rotten: "the content changed and its times did not: the disk may be failing; \(bucketCopy)"
        case .missing where isGoneOnBothSides: "it is gone on both sides"
        case .missing: "it is gone here; \(consequenceOfAbsence)"
        case .differing: localChange + (isReplaced ? "; the next cycle would replace it and move it to the trash" : "")
        case .unreadable: localReason
        case .notSynced: localChange
        }
    }

    private var bucketCopy: String {
        switch evidence.object {
        case .gone: "the bucket has no copy of it"
        case .asBase(_?) where verdict.remote == nil: "the bucket's copy is whole"
        case .present(_, _?) where verdict.remote == nil: "the bucket's copy is whole"
        case .asBase, .present, .restless, .unreadable:
            verdict.remote == nil
                ? "the bucket still holds what was agreed on" : "what is in the bucket is not as it was either"
        }
    }

    /// What the next cycle makes of a file that is gone.
    private var consequenceOfAbsence: String {
        switch policy.direction {
        case .down: "the next cycle fetches it again"
        case .both where Self.isChanged(evidence.remote):
            "the bucket's was changed since, and the next cycle fetches that"
        case .up, .both:
            policy.deletes ? "the next cycle would delete it in the bucket as well" : "the bucket's copy stays"
        }
    }

    private var localChange: String {
        switch evidence.file {
        case .restless: return "it kept changing while it was read"
        case .read(let reading):
            if isUnexplained { return "file and object hold different bytes, and which of them changed cannot be told" }
            let base = evidence.base.local
            guard reading.state.size == base.size, reading.state.modified == base.modified else { break }
            return "its content changed and its modification time did not: look at it before the next cycle"
        case .gone, .unreadable: break
        }
        return "it was changed here since the last cycle"
    }

    private var localReason: String {
        switch evidence.file {
        case .unreadable(let reason): reason
        case .read, .restless, .gone: "it could not be read"
        }
    }

    // MARK: In the bucket

    private func remote(_ kind: FindingKind) -> String {
        switch kind {
        case .rotten: "\(remoteDamage); \(localCopy)"
        case .missing where isGoneOnBothSides: "it is gone on both sides"
        case .missing: "it is gone from the bucket; \(consequenceOfRemoteAbsence)"
        case .differing: remoteChange + (isReplaced ? "; the next cycle would overwrite it" : "")
        case .unreadable: remoteReason
        case .notSynced: remoteChange
        }
    }

    private var remoteDamage: String {
        switch evidence.remote {
        case .damaged: "its bytes are not those that it states itself"
        case .present, .restless, .gone, .unknown: "its bytes are not those that were agreed on, though its ETag is"
        }
    }

    private var localCopy: String {
        switch evidence.file {
        case .gone: "there is no copy here"
        case .read where verdict.local == nil: "the file here is whole"
        case .read, .restless, .unreadable: "the file here is not as it was either"
        }
    }

    /// What the next cycle makes of an object that is gone.
    private var consequenceOfRemoteAbsence: String {
        switch policy.direction {
        case .up: "the next cycle uploads it again"
        case .both where Self.isChanged(evidence.local): "the file was changed since, and the next cycle uploads that"
        case .down, .both: policy.deletes ? "the next cycle would move the file to the trash" : "the file here stays"
        }
    }

    private var remoteChange: String {
        if isUnexplained { return "file and object hold different bytes, and which of them changed cannot be told" }
        switch evidence.object {
        case .restless: return "it was replaced each time it was read"
        case .present(let details, let bytes):
            let version = "\(details.state.size) bytes, ETag \(details.state.etag.abbreviated)"
            let isOpaque = bytes == nil && evidence.remote == .present(isBase: false, content: .unsettled)
            return "the bucket holds another version than was agreed on (\(version))"
                + (isOpaque ? ", and nothing tells its content" : "")
        case .asBase, .gone, .unreadable: return "it was changed in the bucket since the last cycle"
        }
    }

    private var remoteReason: String {
        switch evidence.object {
        case .unreadable(let reason): reason
        case .asBase, .present, .restless, .gone: "it could not be read"
        }
    }

    /// An edit wins over a delete where neither side leads.
    private static func isChanged(_ side: SideEvidence) -> Bool {
        if case .present(isBase: false, let content) = side { content != .same } else { false }
    }

    /// True if base knew no digest, and nothing but the two sides themselves says that they differ.
    private var isUnexplained: Bool {
        let unproven = SideEvidence.present(isBase: true, content: .unsettled)
        return evidence.local == unproven && evidence.remote == unproven
    }
}

extension ETag {
    /// Enough to tell one from another by eye: `5d41402a…`.
    fileprivate var abbreviated: String { value.count > 12 ? "\(value.prefix(8))…" : value }
}
