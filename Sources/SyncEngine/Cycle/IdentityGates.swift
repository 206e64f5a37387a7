/// The gates that stop everything: is this the root that was adopted, and are both sides still there?
struct IdentityGates {
    private let context: CycleContext
    private let memory: FolderMemory
    /// False in a plan, which leaves no mark on the root.
    private let marksRoot: Bool

    /// Bytes of a root's id.
    private static let idLength = 16

    init(_ context: CycleContext, memory: FolderMemory, marksRoot: Bool) {
        self.context = context
        self.memory = memory
        self.marksRoot = marksRoot
    }

    /// Nil if the root is there and is the one that was adopted, or is adopted now.
    func checkRoot() async throws -> Halt? {
        let current: RootIdentity
        do {
            current = try context.files.rootIdentity()
        } catch {
            guard error.code == .notFound || error.code == .notDirectory else { throw error }
            return try await halt(.rootMissing, unless: nil)
        }
        switch judgeRoot(recorded: memory.root, current: current) {
        case .adopt:
            if marksRoot { try await context.index.setRoot(memory.id, try marked(current)) }
            return nil
        case .same:
            if memory.root != current { try await context.index.setRoot(memory.id, current) }
            return nil
        case .replaced(let reason):
            let halt = try await halt(reason, unless: .acceptRoot(current))
            if halt == nil, marksRoot {
                try await context.index.setRoot(memory.id, try marked(current))
                try await context.index.endApprovals(memory.id, of: [.acceptRoot])
            }
            return halt
        }
    }

    /// Nil if neither side is empty that was not empty when they last agreed.
    func checkEmptied(_ observed: Observed) async throws -> Halt? {
        let base = memory.baseCount
        guard base > 0 else {
            try await endAcceptance()
            return nil
        }
        // Where a side was not looked at as a whole, the index tells whether anything of it is left.
        let files: Int64 =
            if let scan = observed.scan, observed.isWholeScan { scan.files } else {
                try await context.index.holdsAny(memory.id, on: .local) ? 1 : 0
            }
        let objects: Int64 =
            if let listing = observed.listing { listing.objects } else {
                try await context.index.holdsAny(memory.id, on: .remote) ? 1 : 0
            }
        if let reason = judgeEmptied(
            baseCount: base,
            scanIsComplete: observed.scan?.isComplete ?? true,
            filesSeen: files,
            objectsSeen: objects
        ) {
            let side: Side = reason == .remoteEmptied(baseCount: base) ? .remote : .local
            return try await halt(reason, unless: .acceptEmptied(side))
        }
        if files > 0, objects > 0 { try await endAcceptance() }
        return nil
    }

    /// Neither side is empty any more: should one be again, that is another matter.
    private func endAcceptance() async throws {
        guard marksRoot else { return }
        try await context.index.endApprovals(memory.id, of: [.acceptEmptiedLocal, .acceptEmptiedRemote])
    }

    /// The identity of a root that has an id, written now if it had none and can hold one.
    private func marked(_ root: RootIdentity) throws -> RootIdentity {
        guard root.id == nil else { return root }
        let id = TemporaryName.hexadecimal(context.random.bytes(Self.idLength))
        try context.files.writeRootID(String(decoding: id, as: UTF8.self))
        return try context.files.rootIdentity()
    }

    /// The halt, with `change` waiting for approval; nil if that was approved.
    private func halt(_ reason: HaltReason, unless change: GatedChange?) async throws -> Halt? {
        let now = context.clock.now()
        if let change, try await !context.index.approved(memory.id, among: [change], at: now).isEmpty { return nil }
        try await context.index.clearWaiting(memory.id)
        if let change { try await context.index.addWaiting(memory.id, [change]) }
        return Halt(reason: reason)
    }
}
