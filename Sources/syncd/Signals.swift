import Dispatch
import Glibc
import Synchronization

/// What signals do to a command.
enum Signals {
    /// A pipe or socket whose reader has gone is an error of the write, never the end of the process.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Runs `work`; the first SIGINT or SIGTERM cancels its task, the second ends the process at once. `onFirst` is
    /// called just before the work is cancelled.
    static func cancelling<Result: Sendable>(
        onFirst: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable () async -> Result
    ) async -> Result {
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let received = Received()
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if received.note() > 1 { _exit(128 + number) }
                onFirst()
                continuation.yield()
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return await withTaskGroup(of: Result?.self) { group in
            group.addTask { await work() }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            for await result in group {
                group.cancelAll()
                if let result { return result }
            }
            preconditionFailure("the work ends with a result")
        }
    }

    /// How many signals came.
    private final class Received: Sendable {
        private let count = Atomic(0)

        func note() -> Int {
            count.add(1, ordering: .relaxed).newValue
        }
    }
}
