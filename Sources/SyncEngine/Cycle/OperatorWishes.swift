/// What an operator wants of one folder, noted in the index for the cycles to come.
public struct OperatorWishes: Sendable {
    private let context: CycleContext

    public init(_ context: CycleContext) {
        self.context = context
    }

    /// Approves, for 24 hours, what the last cycle was stopped from.
    public func approve() async throws(CycleFailure) -> Approval {
        do {
            let now = context.clock.now()
            let until = UnixTime(nanoseconds: now.nanoseconds + GatedChange.lifetime)
            let memory = try await context.index.open(context.folder)
            return Approval(changes: try await context.index.approveWaiting(memory.id, until: until), until: until)
        } catch {
            throw CycleFailure(of: error)
        }
    }

    /// Notes, for this process and later ones, whether the folder is to rest.
    public func setPaused(_ isPaused: Bool) async throws(CycleFailure) {
        do {
            let memory = try await context.index.open(context.folder)
            try await context.index.setPaused(memory.id, isPaused)
        } catch {
            throw CycleFailure(of: error)
        }
    }

    /// Whether the folder is to rest.
    public func isPaused() async throws(CycleFailure) -> Bool {
        do {
            return try await context.index.memory(of: context.folder)?.isPaused ?? false
        } catch {
            throw CycleFailure(of: error)
        }
    }
}
