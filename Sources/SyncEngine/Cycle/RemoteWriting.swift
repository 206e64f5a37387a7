/// How sure one pass is of what it replaces and deletes in the bucket: by a condition where the store was seen to look at
/// it, else by a look just before, else by this cycle's own listing.
struct RemoteWriting: Sendable {
    let looksBeforePuts: Bool
    /// The same of objects that travel in parts, whose conditions fewer stores look at.
    let looksBeforeCompleting: Bool
    let looksBeforeDeletes: Bool
    /// Each delete names the version that may go.
    let guardsDeletes: Bool

    /// `listed` says that this pass has listed the bucket. What an `up` folder owns may rest on that; what others write to may
    /// not.
    init(_ direction: Direction, _ capabilities: Capabilities, listed: Bool) {
        let mayRestOnListing: Bool
        switch direction {
        case .up, .down: mayRestOnListing = listed
        case .both: mayRestOnListing = false
        }
        looksBeforePuts = !mayRestOnListing && !capabilities.guardsPuts
        looksBeforeCompleting = !mayRestOnListing && capabilities[.completeIfMatch] != .yes
        guardsDeletes = !mayRestOnListing && capabilities[.deleteIfMatch] == .yes
        looksBeforeDeletes = !mayRestOnListing && !guardsDeletes
    }
}

extension WriteGuards {
    /// Of a cycle that lists, by what is known of its service.
    /// Nil for a folder that writes nothing to the bucket, and while one of its conditions was neither tried nor told.
    public init?(_ folder: Folder, seen: Capabilities?) {
        let conditions: [Capabilities.Feature] = [.putIfNoneMatch, .putIfMatch, .deleteIfMatch]
        let known = folder.capabilities.completed(by: seen ?? Capabilities())
        guard folder.policy.direction != .down, seen != nil || conditions.allSatisfy({ known[$0] != .unknown }) else {
            return nil
        }
        let writing = RemoteWriting(folder.policy.direction, known, listed: true)
        overwrites = known.guardsPuts ? .condition : writing.looksBeforePuts ? .head : .listing
        deletes = writing.guardsDeletes ? .condition : writing.looksBeforeDeletes ? .head : .listing
        switch known[.completeIfMatch] {
        case .yes: parts = .condition
        case .no: parts = writing.looksBeforeCompleting ? .head : .listing
        case .unknown: parts = nil
        }
    }
}
