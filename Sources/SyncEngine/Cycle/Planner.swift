/// Lists what a cycle would do, change by change.
struct Planner {
    private let index: any Index
    private let folder: Int64
    private let decider: Decider

    init(_ context: CycleContext, folder: Int64, decider: Decider) {
        index = context.index
        self.folder = folder
        self.decider = decider
    }

    /// The first `limit` changes that transfer or delete, in byte order.
    func list(limit: Int) async throws -> [PlannedChange] {
        var reader = AttentionReader(index, folder: folder)
        var planned: [PlannedChange] = []
        while planned.count < limit, let entry = try await reader.next() {
            let change = decider.change(for: entry)
            switch change {
            case .upload, .download, .deleteRemote, .deleteLocal, .conflict:
                planned.append(PlannedChange(path: entry.path, change: change, bytes: entry.bytesMoved(by: change)))
            case .nothing, .compare, .adopt, .forget, .leave:
                continue
            }
        }
        return planned
    }
}
