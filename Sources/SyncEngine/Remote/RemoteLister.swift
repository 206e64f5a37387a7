import S3API

/// What a complete listing showed.
struct ListingSummary: Sendable {
    /// Objects that are eligible for syncing.
    var objects: Int64 = 0
    /// Directories that folder markers name.
    var markers: [RelativePath] = []
    /// Markers beyond the bound, counted only.
    var furtherMarkers: Int64 = 0
    /// Keys that are rightly not synced: excluded ones, and our own.
    var skipped: Int64 = 0
    /// Keys that cannot be names here.
    var problems: [Problem] = []
    /// Problems beyond the bound, counted only.
    var furtherProblems: Int64 = 0

    /// Problems and markers that are kept one by one.
    static let maximumKept = 10_000
}

/// Lists all objects of a folder's prefix, page by page, and hands on those that can be files here.
///
/// No order is assumed: the index matches by path. A listing that fails, repeats itself or goes round in circles throws,
/// and then nothing may be concluded from what it did not show.
struct RemoteLister {
    let store: any ObjectLister
    let rules: IgnoreRules
    let progress: CycleProgress
    var stop = StopSignal()

    /// `observe` takes up to a page of objects, at most as many as the store puts into one.
    func list(observe: ([RemoteObservation]) async throws -> Void) async throws -> ListingSummary {
        var summary = ListingSummary()
        var continuation: String?
        var listing = ListingProgress()
        repeat {
            try stop.check()
            let page = try await store.list(beginningWith: [], continuation: continuation)
            let observed = page.objects.compactMap { classify($0, into: &summary) }
            if !observed.isEmpty { try await observe(observed) }
            progress.update { $0.pagesListed += 1 }
            continuation = page.continuation
            guard listing.note(continuation: continuation, isEmpty: page.objects.isEmpty) else {
                throw StoreError(code: .malformedAnswer, message: ListingProgress.complaint)
            }
        } while continuation != nil
        return summary
    }

    /// The observation that an object makes, nil if it makes none; counted in `summary` either way.
    private func classify(_ object: ListedObject, into summary: inout ListingSummary) -> RemoteObservation? {
        switch RemoteName(object.name, size: object.state.size) {
        case .file(let path):
            if rules.excludes(path) {
                summary.skipped += 1
                return nil
            }
            summary.objects += 1
            return RemoteObservation(path: path, state: object.state)
        case .marker(let path):
            guard let path, !rules.excludes(path) else { return nil }
            if summary.markers.count < ListingSummary.maximumKept {
                summary.markers.append(path)
            } else {
                summary.furtherMarkers += 1
            }
            return nil
        case .invalid(.reserved):
            summary.skipped += 1
            return nil
        case .invalid(let reason):
            if summary.problems.count < ListingSummary.maximumKept {
                summary.problems.append(reason.problem(name: object.name))
            } else {
                summary.furtherProblems += 1
            }
            return nil
        }
    }
}
