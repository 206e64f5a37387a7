import S3API

/// What the index knows of the names to be listed.
protocol ListingKnowledge: Sendable {
    /// About how many there are; 0 where nothing is known.
    var expected: Int64 { get }
    /// Some of them, drawn evenly.
    func sample() async throws -> NameSample
}

/// Lists all objects of a folder's prefix, and hands on those that can be files here: page after page, or, where that takes
/// long, in segments side by side.
///
/// No order is assumed: the index matches by path. A listing that fails, repeats itself or goes round in circles throws,
/// and then nothing may be concluded from what it did not show.
struct RemoteLister: Sendable {
    let store: any ObjectLister
    let rules: IgnoreRules
    let progress: CycleProgress
    var stop = StopSignal()
    var policy = ListingPolicy(lanes: 1, patience: 0)
    var clock: any EngineClock = SystemClock()
    var knowledge: any ListingKnowledge = Unknown()

    /// Takes up to a page of objects, at most as many as the store puts into one.
    typealias Observe = @Sendable ([RemoteObservation]) async throws -> Void

    private struct Unknown: ListingKnowledge {
        let expected: Int64 = 0

        func sample() async throws -> NameSample { NameSample([], of: 0) }
    }

    /// Page after page.
    func listInTurn(observe: ([RemoteObservation]) async throws -> Void) async throws -> ListingSummary {
        do {
            switch try await SegmentLister(self, ListingSegment(kind: .flat)).list(observe) {
            case .complete(let end): return end.summary
            case .interrupted: throw ListingDisorder()
            }
        } catch is ListingDisorder {
            let message = "the answer to a listing of objects holds directories, which were not asked for"
            throw StoreError(code: .malformedAnswer, message: message)
        }
    }

    /// As it is quicker: `observe` may be called from several tasks at once, and with the same object more than once.
    ///
    /// Where it was done in segments, what `isSure` says no to is listed again, page after page: services are known to have lost
    /// objects behind prefixes and markers.
    func list(
        observe: @escaping Observe,
        isSure: () async throws -> Bool = { true }
    ) async throws -> ListingSummary {
        let begun = clock.now()
        var seen = 0
        let pages = SegmentLister(self, ListingSegment(kind: .flat))
        do {
            let outcome = try await pages.list(observe) { page in
                seen += page
                return takesLong(since: begun, seen: seen)
            }
            switch outcome {
            case .complete(let end): return end.summary
            case .interrupted(let end):
                let summary = try await listInSegments(behind: end, observe)
                if try await isSure() { return summary.sorted }
            }
        } catch is ListingDisorder {
            // The store's ways are others than they were taken for.
        }
        return try await listInTurn(observe: observe)
    }

    /// `first` are the pages that showed that the rest will take long.
    private func listInSegments(behind first: SegmentEnd, _ observe: @escaping Observe) async throws -> ListingSummary {
        let plan = ListingPlan(sample: try await knowledge.sample(), lanes: policy.lanes)
        guard store.listsInByteOrder, plan.sample.weight > 0, let last = first.last else {
            return try await PrefixListing(lister: self, plan: plan).list(observe)
        }
        var summary = try await RangeListing(lister: self, segments: plan.ranges(after: last)).list(observe)
        summary.add(first.summary)
        return summary
    }

    /// Whether the rest, page after page, will take longer than there is patience for.
    private func takesLong(since begun: UnixTime, seen: Int) -> Bool {
        let seconds = Double(clock.now().nanoseconds - begun.nanoseconds) / 1e9
        return policy.isWorthCutting(seen: seen, of: knowledge.expected, after: seconds)
    }

    /// The observation that an object makes, nil if it makes none; counted in `summary` either way.
    func classify(_ object: ListedObject, into summary: inout ListingSummary) -> RemoteObservation? {
        switch RemoteName(object.name, size: object.state.size) {
        case .file(let path):
            if rules.excludes(path) {
                summary.skipped += 1
                return nil
            }
            summary.objects += 1
            return RemoteObservation(path: path, state: object.state)
        case .marker(let path):
            if let path, !rules.excludes(path) { summary.note(marker: path) }
            return nil
        case .invalid(.reserved):
            summary.skipped += 1
            return nil
        case .invalid(let reason):
            summary.note(reason.problem(name: object.name))
            return nil
        }
    }
}
