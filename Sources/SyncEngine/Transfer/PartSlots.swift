/// Parts and ranges that may be under way at once, over all large objects: first come, first served, so that no object
/// keeps another waiting.
actor PartSlots {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var head = 0

    /// `count` is at least 1.
    init(count: Int) {
        precondition(count > 0, "no slot for a part")
        free = count
    }

    /// How many there are with `concurrency` requests at once in all: a quarter of them, 1 to 8. More would only make
    /// the parts of one object slower.
    static func count(concurrency: Int) -> Int { max(1, min(8, concurrency / 4)) }

    /// Runs `body` when a slot is free.
    func withSlot<Value: Sendable, Failure: Error>(
        _ body: @Sendable () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        if free > 0 {
            free -= 1
        } else {
            // A task that is cancelled waits all the same: those before it are cancelled too, and end soon.
            await withCheckedContinuation { waiting.append($0) }
        }
        defer { release() }
        return try await body()
    }

    private func release() {
        guard head < waiting.count else {
            free += 1
            return
        }
        waiting[head].resume()
        head += 1
        if head == waiting.count {
            waiting.removeAll()
            head = 0
        }
    }
}
