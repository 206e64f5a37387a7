/// How one side of an entry stands to the base.
public enum SideRelation: String, Sendable, CaseIterable {
    case absent
    /// Present, with the identity that the base recorded.
    case asBase
    /// Present, and not as the base recorded, or there is no base.
    case changed
    /// Not observed; never the same as absent.
    case unknown
}

/// Whether both sides hold the same bytes, as far as that is known without a transfer.
public enum ContentRelation: String, Sendable, CaseIterable {
    case same
    case different
    /// Not looked at yet.
    case unsettled
}

/// What deciding on one entry yields.
public enum Change: Hashable, Sendable {
    /// What the receiving side holds now, which a transfer will replace.
    public enum Replaced: String, Hashable, Sendable {
        case nothing
        /// The version that the base recorded.
        case base
        /// A version that was never agreed on: replacing it counts for the quantity gate.
        case foreign
    }

    /// Why an entry is left as it is.
    public enum Reason: String, Hashable, Sendable {
        /// A side was not observed.
        case unknown
        /// Gone on the leading side, and the folder does not delete.
        case deletesOff
        /// Never in base, on the side that follows, and the folder does not delete.
        case foreign
    }

    /// Both sides are as the base.
    case nothing
    /// Both sides are present and their content must be compared before anything else can be said.
    case compare
    /// Both sides hold the same bytes: record that as the base, transfer nothing.
    case adopt
    case upload(replacing: Replaced)
    case download(replacing: Replaced)
    /// `foreign`: the object was never in base.
    case deleteRemote(foreign: Bool)
    /// `foreign`: the file was never in base.
    case deleteLocal(foreign: Bool)
    /// Gone on both sides: drop the entry.
    case forget
    /// Changed on both sides, differently: keep both.
    case conflict
    case leave(Reason)
}
