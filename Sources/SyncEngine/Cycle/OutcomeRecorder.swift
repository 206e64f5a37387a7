/// Collects outcomes and writes them to the index in groups, each group one transaction.
struct OutcomeRecorder {
    private let index: any Index
    private let folder: Int64
    private let clock: any EngineClock
    private let observer: (@Sendable (Outcome) -> Void)?
    private var pending: [Outcome] = []

    /// Outcomes that one transaction takes. A crash forgets at most these, and what they did is found again by content.
    private static let groupSize = 500

    init(_ context: CycleContext, folder: Int64) {
        index = context.index
        clock = context.clock
        observer = context.outcomes
        self.folder = folder
    }

    mutating func add(_ outcome: Outcome) async throws {
        if let observer {
            observer(outcome)
            guard outcome.endsJob else { return }
        }
        pending.append(outcome)
        if pending.count >= Self.groupSize { try await flush() }
    }

    mutating func flush() async throws {
        guard !pending.isEmpty else { return }
        let group = pending
        pending = []
        try await index.record(folder, group, at: clock.now())
    }
}
