/// A listing by directories. It is right in whatever order the store lists: what was there from the first request to the last
/// lies in a directory that was there as long.
struct PrefixListing {
    let lister: RemoteLister
    let plan: ListingPlan

    /// - Throws: ``ListingDisorder`` where the store shows what cannot be.
    func list(_ observe: @escaping RemoteLister.Observe) async throws -> ListingSummary {
        let root = ListingSegment(kind: .directory, estimate: plan.sample.total)
        var summary = ListingSummary()
        try await sideBySide([root], lanes: lister.policy.lanes) { [lister] segment in
            (segment, try await SegmentLister(lister, segment).list(observe))
        } finish: { segment, outcome in
            if case .complete(let end) = outcome {
                guard segment.kind == .directory else {
                    summary.add(end.summary, of: segment)
                    return []
                }
                if let segments = plan.segments(of: end.directories, in: segment.start) {
                    summary.add(end.summary, of: segment)
                    return segments
                }
            }
            // It holds too many: all of it is listed flat, and nothing counts twice.
            return [ListingSegment(kind: .flat, start: segment.start, estimate: segment.estimate)]
        }
        return summary
    }
}

extension ListingSummary {
    /// Adds what a directory showed. SeaweedFS makes up a marker of an empty one that is asked for by its name (4.48, by its
    /// source, read 2026-11-28), which no other listing shows.
    fileprivate mutating func add(_ other: ListingSummary, of segment: ListingSegment) {
        var other = other
        if other.objects == 0, other.markers.count == 1, other.markers[0].bytes + [UInt8(ascii: "/")] == segment.start {
            other.markers = []
        }
        add(other)
    }
}

/// A listing by ranges of names, which is right in byte order only.
struct RangeListing {
    let lister: RemoteLister
    /// Each begins where the one before ends.
    let segments: [ListingSegment]

    /// - Throws: ``ListingDisorder`` where the store's order is another after all, and names may be missing.
    func list(_ observe: @escaping RemoteLister.Observe) async throws -> ListingSummary {
        var ends: [ListingSegment: SegmentEnd] = [:]
        try await sideBySide(segments, lanes: lister.policy.lanes) { [lister] segment in
            (segment, try await SegmentLister(lister, segment).list(observe))
        } finish: { segment, outcome in
            if case .complete(let end) = outcome { ends[segment] = end }
            return []
        }
        let all = segments.compactMap { ends[$0] }
        // What stands behind the end of each must be what the next one begins with: a store with an order of its own leaves out
        // whole directories behind a name, and nothing else would show it.
        for (end, next) in zip(all, all.dropFirst()) where end.beyond != next.first { throw ListingDisorder() }
        guard all.count == segments.count else { throw ListingDisorder() }
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
