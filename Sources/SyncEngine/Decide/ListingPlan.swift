/// A part of a bucket that is listed for itself, page after page.
struct ListingSegment: Hashable, Sendable {
    /// How what lies in it is asked for.
    enum Kind: Hashable, Sendable {
        /// Every name that begins with ``ListingSegment/start``: a directory with all beneath it, or all that there is.
        case flat
        /// What lies in one directory itself; the directories there make segments of their own.
        case directory
        /// Names behind `after` up to and with `through`, in byte order; nil for no bound.
        case range(after: [UInt8]?, through: [UInt8]?)
    }

    var kind: Kind
    /// Empty, or ending in `/`.
    var start: [UInt8] = []
    /// About how many objects it holds; 0 where nobody knows.
    var estimate: Double = 0
}

/// How a listing is cut into segments that are listed side by side: by directories, in whatever order the store lists, or by
/// ranges of names, which is right only in byte order.
///
/// Cuts are made at whole names of directories only: services take what begins in the middle of a name, or of a character,
/// each in a way of its own.
struct ListingPlan: Sendable {
    let sample: NameSample
    /// Segments that are listed at once; at least 1.
    let lanes: Int

    /// Objects in a page of a listing.
    private static let pageSize = 1_000.0
    /// Segments of which nobody knows what they hold.
    private static let maximumUnknown = 64
    /// Directories that one directory may show before all of it is listed flat.
    static let maximumDirectories = 20_000

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

    /// Segments that hold all of `directories`, which lie in `above`; nil where `above` is better listed flat, since they hold
    /// so little that they would cost more requests than they save.
    func segments(of directories: Set<[UInt8]>, in above: [UInt8]) -> [ListingSegment]? {
        // Each may end with a page that is nearly empty. Three tenths more than page after page would take, and a few, are
        // worth it.
        let pages = sample.estimate(beginningWith: above) / Self.pageSize
        let most = sample.weight > 0 ? Int(pages * 0.25) + 12 : Self.maximumUnknown
        guard directories.count <= most else { return nil }
        let sorted = directories.sorted { bytesPrecede($0, $1) }
        return sorted.map { segment(of: $0, isAlone: sorted.count == 1) }
    }

    /// A directory that holds much, or is the only one, by what lies in it.
    private func segment(of directory: [UInt8], isAlone: Bool) -> ListingSegment {
        let range = sample.range(of: directory)
        let deep = range.count { sample.names[$0][directory.count...].contains(UInt8(ascii: "/")) }
        let estimate = Double(range.count) * sample.weight
        let isLarge = estimate > 2 * max(Self.pageSize, sample.total / Double(lanes * 2))
        let looksInside = sample.weight > 0 ? isLarge && deep * 2 > range.count : isAlone
        return ListingSegment(kind: looksInside ? .directory : .flat, start: directory, estimate: estimate)
    }
}
