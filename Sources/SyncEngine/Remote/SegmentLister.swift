import S3API

/// What the pages of one segment showed.
struct SegmentEnd: Sendable {
    var summary = ListingSummary()
    /// What lies deeper, where the segment is a directory.
    var directories: Set<[UInt8]> = []
    /// The first and the last name that any page held, whether or not it lies in the segment.
    var first: [UInt8]?
    var last: [UInt8]?
    /// The first name behind a range's end.
    var beyond: [UInt8]?
}

/// Lists one segment page after page; the next page is asked for while the index takes the last one.
struct SegmentLister {
    private let lister: RemoteLister
    private let segment: ListingSegment

    /// How a segment ended.
    enum Outcome: Sendable {
        case complete(SegmentEnd)
        /// There are more pages, which were not wanted.
        case interrupted(SegmentEnd)
    }

    init(_ lister: RemoteLister, _ segment: ListingSegment) {
        self.lister = lister
        self.segment = segment
    }

    /// `isEnough` is asked after each page but the last, with the number of objects that it held.
    /// - Throws: ``ListingDisorder`` for a segment that shows what cannot lie in it, and a range whose names do not come in byte
    ///   order.
    func list(
        _ observe: ([RemoteObservation]) async throws -> Void,
        until isEnough: (Int) -> Bool = { _ in false }
    ) async throws -> Outcome {
        var end = SegmentEnd()
        var progress = ListingProgress()
        var page = try await self.page(after: nil)
        while true {
            guard progress.note(continuation: page.continuation, isEmpty: page.isEmpty) else {
                throw StoreError(code: .malformedAnswer, message: ListingProgress.complaint)
            }
            let isAtEnd = try note(page, &end)
            let observed = page.objects.compactMap { take($0, &end.summary) }
            end.directories.formUnion(page.directories)
            guard let continuation = page.continuation, !isAtEnd else {
                if !observed.isEmpty { try await observe(observed) }
                return .complete(end)
            }
            let isTooWide = end.directories.count > ListingPlan.maximumDirectories
            if isTooWide || isEnough(page.objects.count) {
                if !observed.isEmpty { try await observe(observed) }
                return .interrupted(end)
            }
            async let next = self.page(after: continuation)
            if !observed.isEmpty { try await observe(observed) }
            page = try await next
        }
    }

    private func page(after continuation: String?) async throws -> ObjectPage {
        try lister.stop.check()
        var query = NameQuery(start: segment.start, continuation: continuation)
        switch segment.kind {
        case .flat: break
        case .directory: query.groupsDirectories = true
        case .range(let after, _): query.after = after
        }
        let page = try await lister.store.list(query)
        lister.progress.update { $0.pagesListed += 1 }
        return page
    }

    /// Looks at a page's names before what they name is taken. - Returns: whether a range has come to its end.
    private func note(_ page: ObjectPage, _ end: inout SegmentEnd) throws -> Bool {
        let directoriesLie = page.directories.allSatisfy { isDirectlyInside($0) }
        guard directoriesLie, page.objects.allSatisfy({ $0.name.starts(with: segment.start) }) else {
            throw ListingDisorder()
        }
        guard let last = page.objects.last?.name else { return false }
        end.first = end.first ?? page.objects[0].name
        defer { end.last = last }
        guard case .range(let after, let through) = segment.kind else { return false }
        var previous = end.last ?? after
        for object in page.objects {
            if let previous, !bytesPrecede(previous, object.name) { throw ListingDisorder() }
            previous = object.name
        }
        guard let through, bytesPrecede(through, last) else { return false }
        end.beyond = page.objects.first { bytesPrecede(through, $0.name) }?.name
        return true
    }

    /// Whether a name is that of a directory which lies in this one, and in no other beneath it.
    private func isDirectlyInside(_ name: [UInt8]) -> Bool {
        guard case .directory = segment.kind, name.starts(with: segment.start) else { return false }
        let rest = name[segment.start.count...]
        return rest.firstIndex(of: UInt8(ascii: "/")) == rest.endIndex - 1
    }

    private func take(_ object: ListedObject, _ summary: inout ListingSummary) -> RemoteObservation? {
        if case .range(_, let through?) = segment.kind, bytesPrecede(through, object.name) { return nil }
        return lister.classify(object, into: &summary)
    }
}

/// A store that lists otherwise than it was taken to: nothing may be concluded from what it did not show.
struct ListingDisorder: Error {}

extension ObjectPage {
    fileprivate var isEmpty: Bool { objects.isEmpty && directories.isEmpty }
}
