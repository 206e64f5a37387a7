public import SyncEngine
import Synchronization

/// A clock that stands until it is told to go on. Each look at it moves it by a microsecond, so that no two writes have
/// one time.
public final class ManualClock: EngineClock {
    private let time: Mutex<UnixTime>

    public init(_ start: UnixTime = UnixTime(seconds: 1_800_000_000)) {
        time = Mutex(start)
    }

    public func now() -> UnixTime {
        time.withLock { time in
            time.nanoseconds += 1_000
            return time
        }
    }

    public func advance(seconds: Int64) {
        time.withLock { $0.nanoseconds += seconds * 1_000_000_000 }
    }

    /// Passes at once, on this clock.
    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        let (seconds, attoseconds) = duration.components
        time.withLock { $0.nanoseconds += seconds * 1_000_000_000 + attoseconds / 1_000_000_000 }
    }
}
