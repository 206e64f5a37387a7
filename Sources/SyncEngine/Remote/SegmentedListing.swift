/// A listing by what names begin with, as directories show them. It is right in whatever order the store lists: what was there
/// from the first request to the last lies in a directory that was there as long.
struct PrefixListing {
    let lister: RemoteLister
    let plan: ListingPlan

    func list(_ observe: @escaping RemoteLister.Observe) async throws -> ListingSummary {
        let root = ListingSegment(kind: .directory, estimate: plan.sample.total)
        var summary = ListingSummary()
        try await sideBySide([root], lanes: lister.policy.lanes) { [lister] segment in
            (segment, try await SegmentLister(lister, segment).list(observe))
        } finish: { segment, outcome in
            switch outcome {
            case .complete(let end):
                summary.add(end.summary)
                return plan.segments(of: end.directories, in: segment.start)
            case .interrupted:
                // Too many directories: it is listed flat, and nothing of it counts twice.
                return [ListingSegment(kind: .flat(above: nil), start: segment.start, estimate: segment.estimate)]
            }
        }
        return summary
    }
}

/// A listing by ranges of names, which is right in byte order only.
struct RangeListing {
    let lister: RemoteLister
    /// Each begins where the one before ends.
    let segments: [ListingSegment]

    /// - Returns: nil where the store's order is another after all: names may be missing.
    func list(_ observe: @escaping RemoteLister.Observe) async throws -> ListingSummary? {
        var ends: [ListingSegment: SegmentEnd] = [:]
        do {
            try await sideBySide(segments, lanes: lister.policy.lanes) { [lister] segment in
                (segment, try await SegmentLister(lister, segment).list(observe))
            } finish: { segment, outcome in
                switch outcome {
                case .complete(let end), .interrupted(let end): ends[segment] = end
                }
                return []
            }
        } catch is ListingDisorder {
            return nil
        }
        let all = segments.compactMap { ends[$0] }
        // What stands behind the end of each must be what the next one begins with: a store with an order of its own leaves out
        // whole directories behind a name, and nothing else would show it.
        for (end, next) in zip(all, all.dropFirst()) where end.beyond != next.first { return nil }
        return all.reduce(into: ListingSummary()) { $0.add($1.summary) }
    }
}

/// Runs `body` on segments, the largest first, at most `lanes` at once; `finish` is told of each in the caller's isolation, and
/// names those that follow from it.
/// - Throws: the first error, when all that ran has ended.
private func sideBySide(
    _ segments: [ListingSegment],
    lanes: Int,
    _ body: @escaping @Sendable (ListingSegment) async throws -> (ListingSegment, SegmentLister.Outcome),
    finish: (ListingSegment, SegmentLister.Outcome) -> [ListingSegment]
) async throws {
    try await withThrowingTaskGroup(of: (ListingSegment, SegmentLister.Outcome).self) { group in
        var waiting = segments
        var running = 0
        while true {
            waiting.sort { $0.estimate < $1.estimate }
            while running < lanes, let segment = waiting.popLast() {
                group.addTask { try await body(segment) }
                running += 1
            }
            guard let (segment, outcome) = try await group.next() else { return }
            running -= 1
            waiting += finish(segment, outcome)
        }
    }
}
