/// When a listing is worth being cut into segments that are listed side by side.
public struct ListingPolicy: Hashable, Sendable {
    /// Segments that are listed at once; 1 for page after page.
    public var lanes: Int
    /// Seconds that the rest of a listing may take, page after page.
    public var patience: Double

    public init(lanes: Int, patience: Double) {
        self.lanes = max(1, lanes)
        self.patience = patience
    }

    /// Half of the requests that may be under way, 16 at most: more would only wait for the index.
    public static func standard(concurrency: Int) -> ListingPolicy {
        ListingPolicy(lanes: max(1, min(16, concurrency / 2)), patience: 0.5)
    }

    /// Whether the rest of a listing that showed `seen` objects of about `expected` in so many seconds is worth it.
    func isWorthCutting(seen: Int, of expected: Int64, after seconds: Double) -> Bool {
        guard lanes > 1, seen > 0 else { return false }
        // Where nothing is known, or it was wrong, as much again as has been seen.
        let rest = expected > seen ? Int(expected) - seen : seen
        return seconds * Double(rest) / Double(seen) > patience
    }
}
