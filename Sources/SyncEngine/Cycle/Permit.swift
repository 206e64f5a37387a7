/// What the quantity gates let this cycle destroy.
struct Permit: Sendable {
    /// Deletes of entries that were once agreed on, and overwrites of versions that never were.
    var allowsUnapproved: Bool
    /// Deletes of entries that were never in base always want an approval, whatever their share.
    let approvals: Approvals
    /// The rows of what was judged. What a reaction or a transfer of this cycle found meanwhile was weighed by nobody.
    let judged: BitSet

    /// Whether the operator approved this very change. What was approved does not count against the next hour.
    func isApproved(_ change: Change, of entry: Entry) async throws -> Bool {
        guard let gated = GatedChange(entry, change) else { return false }
        return try await approvals.contains(gated)
    }

    func allows(_ change: Change, of entry: Entry) async throws -> Bool {
        guard let gated = GatedChange(entry, change) else { return true }
        guard judged.contains(entry.id) else { return false }
        switch change {
        case .deleteRemote(foreign: true), .deleteLocal(foreign: true):
            return try await approvals.contains(gated)
        case .deleteRemote(foreign: false), .deleteLocal(foreign: false), .upload, .download:
            if allowsUnapproved { return true }
            return try await approvals.contains(gated)
        case .nothing, .compare, .adopt, .forget, .conflict, .leave:
            return true
        }
    }
}
