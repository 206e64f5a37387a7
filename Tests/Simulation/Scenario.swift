import SyncEngine
import TestSupport

/// What a seed draws before anything happens: the folder, the service, the disks and the machines.
public struct Scenario: Sendable, CustomStringConvertible {
    var direction: Direction
    var conflict: ConflictWinner
    /// Machines that keep the same prefix; 2 only where the folder goes both ways.
    var machines: Int
    /// The service looks at what a PUT, a completion or a DELETE expects. Where it does not, nothing closes the window between a
    /// look and the write: then nobody else writes there in the middle of a cycle.
    var isGuarded: Bool
    var listsByDirectory: Bool
    var makesOpaqueTags: Bool
    var foldsBackslashes: Bool
    var pageSize: Int
    /// Segments that the bucket is listed in at once; 1 for page after page.
    var listingLanes: Int
    /// Steps of all that runs, which a page of a listing may take to arrive.
    var pageDelay: Int
    /// Contents of 8 bytes and more, which is all of them, travel in parts.
    var isLarge: Bool
    /// The disks take "A.TXT" for "a.txt", and one "é" for the other.
    var foldsNames: Bool
    /// How fine the disks' times are, in nanoseconds.
    var granularity: Int64
    /// What the clocks of the machines are ahead of the store's, in seconds.
    var clockOffsets: [Int64]
    /// Files and directories come in each other's place.
    var swaps: Bool
    var concurrency: Int
    /// Nothing goes wrong, and edits are made between cycles only.
    var isQuiet: Bool

    init(using generator: inout SeededGenerator) {
        direction = [.both, .both, .both, .up, .down].randomElement(using: &generator) ?? .both
        conflict = [.newest, .local, .remote].randomElement(using: &generator) ?? .newest
        machines = direction == .both && Bool.random(using: &generator) ? 2 : 1
        isGuarded = Int.random(in: 0..<4, using: &generator) != 0
        listsByDirectory = Int.random(in: 0..<4, using: &generator) == 0
        makesOpaqueTags = Int.random(in: 0..<6, using: &generator) == 0
        foldsBackslashes = Int.random(in: 0..<6, using: &generator) == 0
        foldsNames = Int.random(in: 0..<8, using: &generator) == 0
        pageSize = Int.random(in: 2...9, using: &generator)
        listingLanes = [1, 1, 3].randomElement(using: &generator) ?? 1
        pageDelay = Int.random(in: 0..<4, using: &generator) == 0 ? 40 : 0
        isLarge = Int.random(in: 0..<4, using: &generator) == 0
        let ticks: [Int64] = [1, 1, 4_000_000, 1_000_000_000, 2_000_000_000]
        granularity = ticks.randomElement(using: &generator) ?? 1
        clockOffsets = (0..<machines).map { _ in
            Bool.random(using: &generator) ? 0 : Int64.random(in: -90_000...90_000, using: &generator)
        }
        swaps = Int.random(in: 0..<3, using: &generator) == 0
        concurrency = [1, 4, 8].randomElement(using: &generator) ?? 4
        isQuiet =
            direction == .both && machines == 1 && !swaps && !foldsBackslashes
            && !foldsNames && Int.random(in: 0..<3, using: &generator) == 0
    }

    /// Names that users write to.
    var names: [String] {
        let common = ["a.txt", "b", "dir/c.txt", "dir/d", "e (1).tar.gz", "\u{E9}", "e\u{301}", "x y+%"]
        return common + (swaps ? ["s", "s/t", "s/t/u"] : [])
            + (foldsNames ? ["A.TXT", "DIR/d"] : []) + (foldsBackslashes && direction != .down ? ["dir\\c.txt"] : [])
    }

    public var description: String {
        let traits = [
            isGuarded ? "" : "unguarded", listsByDirectory ? "lists by directory" : "", makesOpaqueTags ? "opaque" : "",
            foldsBackslashes ? "folds backslashes" : "", foldsNames ? "folds names" : "", isLarge ? "in parts" : "",
            swaps ? "swaps" : "", listingLanes > 1 ? "in segments" : "", pageDelay > 0 ? "slow pages" : "",
            isQuiet ? "quiet" : "",
        ]
        return
            "\(direction), \(machines) machine(s), \(conflict) wins, tick \(granularity) ns, clocks \(clockOffsets), "
            + "pages of \(pageSize), \(concurrency) at once: " + traits.filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
