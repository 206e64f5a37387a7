import SyncEngine

/// Feeds the service manager's watchdog, by nothing but progress: before each sign of life every folder's loop, every
/// thread that transfers, and the engine's own must have had their turn. One that hangs lets the watchdog bite.
struct Watchdog: Sendable {
    let interval: Duration
    let fleet: Fleet
    let pulses: [@Sendable () async -> Void]
    let clock: any EngineClock
    let notifier: ServiceNotifier

    /// Until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await fleet.ping()
            for pulse in pulses { await pulse() }
            notifier.alive()
            // Twice in each interval, and a little more often, as sd_watchdog_enabled(3) asks for.
            guard (try? await clock.sleep(for: interval / 3)) != nil else { return }
        }
    }
}
