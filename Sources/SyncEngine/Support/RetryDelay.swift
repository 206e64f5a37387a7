/// How long an entry that failed waits before it is tried again: a minute at first, twice as long after each failure in
/// a row, an hour at most. An archived object is not back in minutes: it is asked for again every six hours.
public enum RetryDelay {
    private static let first: Int64 = 60 * 1_000_000_000
    private static let longest: Int64 = 3_600 * 1_000_000_000

    private static let archived: Int64 = 6 * longest

    /// In nanoseconds, after so many failures in a row; 1 or more. `kind` is what the last one was.
    public static func nanoseconds(failures: Int64, kind: Problem.Kind) -> Int64 {
        if kind == .archived { return archived }
        let doublings = min(max(0, failures - 1), 6)
        return min(first << doublings, longest)
    }
}
