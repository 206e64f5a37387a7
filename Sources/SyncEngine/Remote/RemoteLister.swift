/// What a complete listing showed.
struct ListingSummary: Sendable {
    /// Objects that are eligible for syncing.
    var objects: Int64 = 0
    /// Directories that folder markers name.
    var markers: [RelativePath] = []
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

    /// Pages without an object that are followed before the listing counts as broken.
    private static let maximumEmptyPages = 100

    /// `observe` takes up to a page of objects, at most as many as the store puts into one.
    func list(observe: ([RemoteObservation]) async throws -> Void) async throws -> ListingSummary {
        var summary = ListingSummary()
        var continuation: String?
        var tokens: Set<String> = []
        var emptyPages = 0
        repeat {
            try stop.check()
            let page = try await store.list(beginningWith: [], continuation: continuation)
            let observed = page.objects.compactMap { classify($0, into: &summary) }
            if !observed.isEmpty { try await observe(observed) }
            progress.update { $0.pagesListed += 1 }
            emptyPages = page.objects.isEmpty ? emptyPages + 1 : 0
            continuation = page.continuation
            let isNew = continuation.map { tokens.insert($0).inserted } ?? true
            try checkProgress(isNew: isNew, emptyPages: emptyPages)
        } while continuation != nil
        return summary
    }

    /// `isNew` says that the continuation token was never given before.
    private func checkProgress(isNew: Bool, emptyPages: Int) throws(StoreError) {
        if !isNew || emptyPages > Self.maximumEmptyPages {
            throw StoreError(
                code: .malformedAnswer,
                message: "the listing goes round in circles: the service answered with a continuation token it had"
                    + " given before, or with empty pages without end"
            )
        }
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
            if let path, !rules.excludes(path), summary.markers.count < ListingSummary.maximumKept {
                summary.markers.append(path)
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
