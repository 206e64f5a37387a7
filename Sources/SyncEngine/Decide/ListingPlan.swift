/// A part of a bucket that is listed for itself, page after page.
struct ListingSegment: Hashable, Sendable {
    /// How what lies in it is asked for.
    enum Kind: Hashable, Sendable {
        /// Every name that begins with ``ListingSegment/start``. Those in the directory `above` itself came with that directory
        /// already; nil where none did.
        case flat(above: [UInt8]?)
        /// What lies in one directory itself; the directories there make segments of their own.
        case directory
        /// Names behind `after` up to and with `through`, in byte order; nil for no bound.
        case range(after: [UInt8]?, through: [UInt8]?)
    }

    var kind: Kind
    var start: [UInt8] = []
    /// About how many objects it holds; 0 where nobody knows.
    var estimate: Double = 0
}

/// How a listing is cut into segments that are listed side by side.
///
/// By prefix it is right whatever the store's order: the directories that a directory shows, and what each of them holds, are
/// all there is. By ranges it is right only in byte order.
struct ListingPlan: Sendable {
    let sample: NameSample
    /// Segments that are listed at once; at least 1.
    let lanes: Int

    /// Objects in a page of a listing.
    private static let pageSize = 1_000.0
    /// Segments of which nobody knows what they hold.
    private static let maximumUnknown = 64

    /// Ranges that hold about as much each, all behind `after`.
    func ranges(after: [UInt8]) -> [ListingSegment] {
        let first = sample.names.firstIndex { bytesPrecede(after, $0) } ?? sample.names.count
        let rest = sample.names[first...]
        let pages = Double(rest.count) * sample.weight / Self.pageSize
        // Each segment wastes half a page at its end, and none is to be the last for long.
        let count = max(1, min(lanes * 4, Int(pages / 3), rest.count / 4))
        let bounds = (1..<max(count, 1)).map { rest[first + $0 * rest.count / count] }
        let starts = [after] + bounds
        return starts.indices.map { index in
            let through = index + 1 < starts.count ? starts[index + 1] : nil
            return ListingSegment(
                kind: .range(after: starts[index], through: through),
                estimate: Double(rest.count) * sample.weight / Double(count)
            )
        }
    }

    /// Directories that one directory may show before it is better listed flat: they are kept in memory, and such as hold next
    /// to nothing cost more requests than they save.
    static let maximumDirectories = 20_000

    /// Segments that hold all of `directories`, which lie in `above`: neighbours together where they hold little, by what
    /// their names begin with; a directory that holds much by what lies in it.
    func segments(of directories: [[UInt8]], in above: [UInt8]) -> [ListingSegment] {
        let sorted = directories.sorted { bytesPrecede($0, $1) }
        if sorted.count == 1, let only = sorted.first, only.count > above.count { return [segment(of: only)] }
        guard !sorted.isEmpty else { return [] }
        let total = max(1, sample.estimate(beginningWith: above))
        let isKnown = sample.weight > 0
        let target = max(Self.pageSize, total / Double(lanes * 2))
        // Three tenths more than page after page would take, and a few.
        let budget = 1.25 * total / Self.pageSize + 12
        var open = [Group(sorted[...], sample)]
        var closed: [Group] = []
        var cost = open[0].cost
        while let index = open.indices.max(by: { open[$0].weight(isKnown) < open[$1].weight(isKnown) }) {
            let group = open.remove(at: index)
            let parts = group.parts(sample)
            let grown = cost - group.cost + parts.reduce(0) { $0 + $1.cost }
            let isSmall = isKnown ? group.estimate <= target : group.names.count == 1
            let isTooMany = isKnown ? grown > budget : open.count + closed.count + parts.count > Self.maximumUnknown
            if parts.count < 2 || isSmall || isTooMany {
                closed.append(group)
            } else {
                cost = grown
                open += parts
            }
        }
        return closed.map { group in
            group.names.count == 1
                ? segment(
                    of: group.names[group.names.startIndex],
                    isLarge: isKnown && group.estimate > 2 * target,
                    above
                )
                : ListingSegment(kind: .flat(above: above), start: group.start, estimate: group.estimate)
        }
    }

    /// The one directory of its parent: what it holds is all there is.
    private func segment(of only: [UInt8]) -> ListingSegment {
        ListingSegment(kind: .directory, start: only, estimate: sample.estimate(beginningWith: only))
    }

    private func segment(of directory: [UInt8], isLarge: Bool, _ above: [UInt8]) -> ListingSegment {
        let kind: ListingSegment.Kind = isLarge && isDeep(directory) ? .directory : .flat(above: above)
        return ListingSegment(kind: kind, start: directory, estimate: sample.estimate(beginningWith: directory))
    }

    /// Whether most of what a directory holds lies in directories of it.
    private func isDeep(_ directory: [UInt8]) -> Bool {
        let range = sample.range(of: directory)
        let deep = range.count { sample.names[$0][directory.count...].contains(UInt8(ascii: "/")) }
        return deep * 2 > range.count
    }

    /// Directories whose names begin alike.
    private struct Group {
        /// In byte order; never empty.
        let names: ArraySlice<[UInt8]>
        /// What all begin with.
        let start: [UInt8]
        let estimate: Double

        init(_ names: ArraySlice<[UInt8]>, _ sample: NameSample) {
            self.names = names
            let (first, last) = (names[names.startIndex], names[names.endIndex - 1])
            start = Array(zip(first, last).prefix { $0 == $1 }.map(\.0))
            estimate = sample.estimate(beginningWith: start)
        }

        /// Requests that listing it takes at most, about.
        var cost: Double { estimate / ListingPlan.pageSize + 1 }

        func weight(_ isKnown: Bool) -> Double { isKnown ? estimate : Double(names.count) }

        /// Those that go on alike for one byte more.
        func parts(_ sample: NameSample) -> [Group] {
            guard names.count > 1 else { return [self] }
            var parts: [Group] = []
            var first = names.startIndex
            for index in names.indices {
                let isLast = index + 1 == names.endIndex
                if isLast || names[index + 1][start.count] != names[index][start.count] {
                    parts.append(Group(names[first...index], sample))
                    first = index + 1
                }
            }
            return parts
        }
    }
}
