import Synchronization

/// Runs everything on one thread, one job after the other, the next one drawn from a seed among those that are ready:
/// the same seed gives the same order.
public final class SimulationExecutor: TaskExecutor {
    private struct State {
        var ready: [UnownedJob] = []
        var generator: SeededGenerator
    }

    private let state: Mutex<State>

    public init(seed: UInt64) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.ready.append(job) }
    }

    /// Runs `work` and all that it starts to the end, on the calling thread.
    /// - Precondition: nothing in `work` waits for another executor.
    public func run<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
        let result = Mutex<Value?>(nil)
        _ = Task(executorPreference: self) { @Sendable in
            let value = await work()
            result.withLock { $0 = value }
        }
        while let job = next() { job.runSynchronously(on: asUnownedTaskExecutor()) }
        guard let value = result.withLock({ $0 }) else { preconditionFailure("the work waits for another executor") }
        return value
    }

    private func next() -> UnownedJob? {
        state.withLock { state in
            guard !state.ready.isEmpty else { return nil }
            let index = Int.random(in: state.ready.indices, using: &state.generator)
            return state.ready.remove(at: index)
        }
    }
}
