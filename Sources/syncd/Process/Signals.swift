import Dispatch
import Glibc
import SyncEngine
import Synchronization

/// What signals do to a command.
enum Signals {
    /// A pipe or socket whose reader has gone is an error of the write, never the end of the process.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// How long what is under way may take to end by itself after the first signal; then it is broken off. Service
    /// managers and users wait for ten seconds.
    static let grace = Duration.seconds(8)

    /// Runs `work`; the first SIGINT or SIGTERM gives the stop signal, and after ``grace`` cancels the work's task; the
    /// second ends the process at once. `onFirst` is called when the first has come.
    static func stopping<Result: Sendable>(
        onFirst: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable (StopSignal) async -> Result
    ) async -> Result {
        let stop = StopSignal()
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        for number in [SIGINT, SIGTERM] { signal(number, SIG_IGN) }
        let sources = exitingOnSecond {
            stop.request()
            onFirst()
            continuation.yield()
        }
        defer { for source in sources { source.cancel() } }
        return await withTaskGroup(of: Result?.self) { group in
            group.addTask { await work(stop) }
            group.addTask {
                for await _ in signals { break }
                try? await Task.sleep(for: grace)
                return nil
            }
            for await result in group {
                group.cancelAll()
                if let result { return result }
            }
            preconditionFailure("the work ends with a result")
        }
    }

    /// A hang-up that comes before anybody listens for it must not end the process.
    static func ignoreHangUp() {
        signal(SIGHUP, SIG_IGN)
    }

    /// Ends the process at once when SIGINT or SIGTERM comes for the second time; the first is somebody else's to take.
    /// - Returns: what has to live as long as that is to hold.
    static func exitOnSecond() -> [any DispatchSourceSignal] {
        exitingOnSecond {}
    }

    private static func exitingOnSecond(onFirst: @escaping @Sendable () -> Void) -> [any DispatchSourceSignal] {
        let received = Received()
        let registered = DispatchSemaphore(value: 0)
        let sources = [SIGINT, SIGTERM].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setRegistrationHandler { registered.signal() }
            source.setEventHandler {
                if received.note() > 1 { _exit(128 + number) }
                onFirst()
            }
            source.resume()
            return source
        }
        // A signal that came before would be lost: it is ignored already.
        for _ in sources { registered.wait() }
        return sources
    }

    /// How many signals came.
    private final class Received: Sendable {
        private let count = Atomic(0)

        func note() -> Int {
            count.add(1, ordering: .relaxed).newValue
        }
    }
}
