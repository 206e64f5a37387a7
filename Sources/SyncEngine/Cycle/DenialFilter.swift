/// Keeps what the service denies from being asked for a million times, and from keeping all else waiting.
///
/// After twenty denials in a row jobs are passed over, one at first and then ever more, before the next is tried. Once one
/// of those succeeds, what was passed over has its turn after all; what is left at the end waits for the next cycle.
struct DenialFilter<Job> {
    private var inARow = 0
    /// How many are passed over before the next try.
    private var stride = 1
    private var passedOver: [Job] = []
    /// What was passed over, to be tried before anything else, the last one first.
    private var again: [Job] = []
    private let maximumStride: Int

    /// So many denials, and nothing else between them, mean that it may be the keys and not the object.
    static var limit: Int { 20 }

    /// Of each stride at most `maximumStride` jobs are kept in memory.
    init(maximumStride: Int = 1_000) {
        self.maximumStride = maximumStride
    }

    /// The next job that is worth trying, of those that `source` yields.
    mutating func next(_ source: () async throws -> Job?) async throws -> Job? {
        guard inARow >= Self.limit else { return try await pull(source) }
        var skipped: [Job] = []
        while skipped.count < stride, let job = try await pull(source) { skipped.append(job) }
        // The last one of all is worth a try, however few were passed over before it.
        let tried = try await pull(source) ?? skipped.popLast()
        passedOver = Array((passedOver + skipped).suffix(maximumStride))
        stride = min(stride * 2, maximumStride)
        return tried
    }

    /// Whether jobs that were passed over have their turn yet, though `source` yields no more.
    var hasMore: Bool { inARow < Self.limit && !again.isEmpty }

    private mutating func pull(_ source: () async throws -> Job?) async throws -> Job? {
        if let job = again.popLast() { return job }
        return try await source()
    }

    /// Takes note of how a job ended.
    mutating func note(isDenial: Bool) {
        guard !isDenial else {
            inARow += 1
            return
        }
        (inARow, stride) = (0, 1)
        again += passedOver.reversed()
        passedOver = []
    }
}
