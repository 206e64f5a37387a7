/// Reads objects for their digests alone.
struct ObjectReader: Sendable {
    private let store: any ObjectStore
    private let stop: StopSignal
    private let policy: PartPolicy
    private let slots: PartSlots

    /// Ranges of one object that wait for a slot or have one.
    private static let rangesAtOnce = 8

    init(_ context: CycleContext) {
        store = context.store
        stop = context.stop
        policy = context.parts
        slots = PartSlots(count: PartSlots.count(concurrency: context.concurrency))
    }

    /// The digest of the bytes of the version `state`: of the parts in which `known` or the ETag says that it was
    /// uploaded, if there are any, and if the store sends ranges; else of the whole.
    func digest(of path: RelativePath, _ state: RemoteState, as known: ContentDigest?) async throws -> ContentDigest {
        guard let layout = layout(state, known) else {
            return try await store.digest(of: path.bytes, range: nil, expecting: state)
        }
        do {
            return try await digest(of: path, state, in: layout)
        } catch let error as StoreError where error.code == .rangeIgnored {
            return try await store.digest(of: path.bytes, range: nil, expecting: state)
        }
    }

    /// Nil where the whole is to be read in one go.
    private func layout(_ state: RemoteState, _ known: ContentDigest?) -> PartLayout? {
        let likely = policy.layouts(explaining: state.etag, size: state.size)
        guard let known, state.size > 0 else { return likely.first }
        // The parts of base, unless the object was cut otherwise since.
        guard let partSize = known.partSize else { return nil }
        let own = PartLayout(size: state.size, partSize: partSize)
        return likely.isEmpty || likely.contains(own) ? own : likely.first
    }

    private func digest(
        of path: RelativePath,
        _ state: RemoteState,
        in layout: PartLayout
    ) async throws -> ContentDigest {
        var rest = (1...layout.count)[...]
        var parts = [ContentDigest?](repeating: nil, count: layout.count)
        try await runBounded(limit: Self.rangesAtOnce, until: stop) {
            rest.popFirst()
        } run: { number in
            await slots.withSlot {
                await Result.of {
                    try stop.check()
                    let range = layout.bytes(of: number)
                    return (number, try await store.digest(of: path.bytes, range: range, expecting: state))
                }
            }
        } finish: { result in
            let (number, digest) = try result.get()
            parts[number - 1] = digest
        }
        return ContentDigest(parts: parts.compactMap { $0 }, partSize: layout.partSize)
    }
}
