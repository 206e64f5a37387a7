/// How long an entry that failed waits before it is tried again: a minute at first, twice as long after each failure in
/// a row, an hour at most.
public enum RetryDelay {
    private static let first: Int64 = 60 * 1_000_000_000
    private static let longest: Int64 = 3_600 * 1_000_000_000

    /// In nanoseconds, after so many failures in a row; 1 or more.
    public static func nanoseconds(failures: Int64) -> Int64 {
        let doublings = min(max(0, failures - 1), 6)
        return min(first << doublings, longest)
    }
}
