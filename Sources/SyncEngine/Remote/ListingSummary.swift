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

    mutating func note(marker path: RelativePath) {
        if markers.count < Self.maximumKept { markers.append(path) } else { furtherMarkers += 1 }
    }

    mutating func note(_ problem: Problem) {
        if problems.count < Self.maximumKept { problems.append(problem) } else { furtherProblems += 1 }
    }

    /// The same with its names in byte order, whatever the order in which segments ended.
    var sorted: ListingSummary {
        var sorted = self
        sorted.markers.sort { bytesPrecede($0.bytes, $1.bytes) }
        sorted.problems.sort { bytesPrecede($0.path, $1.path) }
        return sorted
    }

    /// Adds what another part of the same listing showed.
    mutating func add(_ other: ListingSummary) {
        objects += other.objects
        skipped += other.skipped
        furtherMarkers += other.furtherMarkers
        furtherProblems += other.furtherProblems
        for marker in other.markers { note(marker: marker) }
        for problem in other.problems { note(problem) }
    }
}
