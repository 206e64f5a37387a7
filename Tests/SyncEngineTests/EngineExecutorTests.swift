import Synchronization
import Testing

@testable import SyncEngine

struct EngineExecutorTests {
    @Test func `every task that is started on it runs, and its children too`() async {
        let executor = EngineExecutor(threads: 3)
        let sum = await Task(executorPreference: executor) { @Sendable in
            await withTaskGroup(of: Int.self) { group in
                for number in 1...5_000 {
                    group.addTask {
                        await Task.yield()
                        return number
                    }
                }
                return await group.reduce(0, +)
            }
        }.value
        #expect(sum == 12_502_500)
    }

    @Test func `one thread that blocks does not stop the others`() async {
        let executor = EngineExecutor(threads: 2)
        let release = Mutex(false)
        let blocker = Task(executorPreference: executor) { @Sendable in
            while !release.withLock({ $0 }) { continue }
        }
        let other = Task(executorPreference: executor) { @Sendable in release.withLock { $0 = true } }
        await other.value
        await blocker.value
        #expect(release.withLock { $0 })
    }
}
