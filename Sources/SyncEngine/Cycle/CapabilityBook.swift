/// What is known of a store's ways with a folder's objects: by the configuration's word, or because it was tried.
///
/// It is tried only just before something that depends on it, by folders that write, and kept in the index: a cycle with
/// nothing to do asks nothing.
struct CapabilityBook {
    private let context: CycleContext
    private let folder: Int64

    /// For how long what was seen is relied on: services are updated.
    static let lifetime: Int64 = 7 * 24 * 3_600 * 1_000_000_000

    init(_ context: CycleContext, folder: Int64) {
        self.context = context
        self.folder = folder
    }

    /// Lets the store rely on what is known without a request.
    func open(_ memory: FolderMemory) {
        context.store.rely(on: merged(young(memory.capabilities)))
    }

    /// What is known once `features` are: tried now, unless the configuration or a trial of the last days tells. What could
    /// not be found out stays unknown.
    /// - Throws: what keeps the store from being asked at all.
    func knowing(_ features: Set<Capabilities.Feature>) async throws -> Capabilities {
        let known = merged(young(try await context.index.memory(of: context.folder)?.capabilities))
        guard features.contains(where: { known[$0] == .unknown }) else { return known }
        let tried = try await context.store.probe(context.random.bytes(8))
        let kept = KnownCapabilities(verdicts: tried, triedAt: context.clock.now())
        try await context.index.setCapabilities(folder, kept)
        context.store.rely(on: merged(kept))
        return merged(kept)
    }

    private func young(_ kept: KnownCapabilities?) -> KnownCapabilities? {
        kept.flatMap {
            (0..<Self.lifetime).contains(context.clock.now().nanoseconds - $0.triedAt.nanoseconds) ? $0 : nil
        }
    }

    /// The configuration's word goes first.
    private func merged(_ kept: KnownCapabilities?) -> Capabilities {
        context.folder.capabilities.completed(by: kept?.verdicts ?? Capabilities())
    }
}
