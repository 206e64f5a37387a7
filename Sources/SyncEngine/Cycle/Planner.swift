/// Lists what a cycle would do, change by change.
struct Planner {
    let query: AttentionQuery
    let decider: Decider
    let permit: Permit
    /// Bytes of the folder's prefix.
    let prefixLength: Int

    /// The first `limit` changes that transfer or delete, in byte order.
    func list(limit: Int) async throws -> [PlannedChange] {
        var reader = AttentionReader(query)
        var planned: [PlannedChange] = []
        while planned.count < limit, let entry = try await reader.next() {
            let change = decider.change(for: entry)
            switch change {
            case .upload where keyProblem(of: entry.path, prefixLength: prefixLength) != nil:
                continue
            case .upload, .download, .deleteRemote, .deleteLocal, .conflict:
                planned.append(try await plan(change, of: entry))
            case .nothing, .compare, .adopt, .forget, .leave:
                continue
            }
        }
        return planned
    }

    private func plan(_ change: Change, of entry: Entry) async throws -> PlannedChange {
        let bytes: Int64? =
            switch change {
            case .upload, .download, .conflict: entry.bytesMoved(by: change)
            case .nothing, .compare, .adopt, .deleteRemote, .deleteLocal, .forget, .leave: nil
            }
        return PlannedChange(
            path: entry.path,
            change: change,
            bytes: bytes,
            modified: entry.local?.modified,
            isGated: try await !permit.allows(change, of: entry)
        )
    }
}
