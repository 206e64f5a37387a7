import Glibc

extension S3Environment {
    /// The system's clock, real pauses and the system's random numbers.
    public static let system = S3Environment(
        now: { S3Time(seconds: Int64(time(nil))) },
        sleep: { try await Task.sleep(for: $0) },
        chance: { Double.random(in: 0..<1) }
    )

    /// The time since the first use of this.
    public static let systemUptime: @Sendable () -> Duration = { ContinuousClock.now - began }

    private static let began = ContinuousClock.now
}
