import Glibc

extension S3Environment {
    /// The system's clock, real pauses and the system's random numbers.
    public static let system = S3Environment(
        now: {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return S3Time(seconds: Int64(time.tv_sec))
        },
        sleep: { try await Task.sleep(for: $0) },
        chance: { Double.random(in: 0..<1) }
    )
}
