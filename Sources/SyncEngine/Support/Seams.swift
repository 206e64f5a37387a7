/// The time, as the engine asks for it.
public protocol EngineClock: Sendable {
    /// The wall clock.
    func now() -> UnixTime
    func sleep(for duration: Duration) async throws
}

/// Chance, as the engine asks for it: names of temporary files, ids.
public protocol RandomSource: Sendable {
    func bytes(_ count: Int) -> [UInt8]
}
