/// The time, as the engine asks for it.
public protocol EngineClock: Sendable {
    /// The wall clock.
    func now() -> UnixTime
    /// Waits. - Throws: `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// Chance, as the engine asks for it: names of temporary files, ids.
public protocol RandomSource: Sendable {
    /// `count` bytes that nobody can guess; a simulation draws them from a seed.
    func bytes(_ count: Int) -> [UInt8]
}
