import Glibc

/// The executor that the engine runs on: a few threads of its own, because the engine's file system calls, hashes and
/// SQLite commits block, and blocking has no place on the shared pool.
///
/// Tasks, groups and default actors that are started on it stay on it. The threads live as long as the process.
public final class EngineExecutor: TaskExecutor, @unchecked Sendable {
    // @unchecked: `jobs`, `head` and `idle` are touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [UnownedJob] = []
    private var head = 0
    private var idle = 0

    /// - Parameter threads: at least 1.
    public init(threads: Int) {
        mutex = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        for number in 0..<max(1, threads) { start(number) }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        let mustWake = idle > 0
        pthread_mutex_unlock(mutex)
        if mustWake { pthread_cond_signal(wake) }
    }

    /// Returns when a thread has had time for it: not while all of them hang.
    public func ping() async {
        // The one way to have a job on this executor from outside it.
        await Task(executorPreference: self) {}.value
    }

    private func start(_ number: Int) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let status = pthread_create(&thread, nil, engineThread, context)
        precondition(status == 0, "pthread_create failed with \(status): the process may start no more threads")
        pthread_detach(thread)
    }

    fileprivate func runForever() {
        let executor = asUnownedTaskExecutor()
        while true {
            take().runSynchronously(on: executor)
        }
    }

    /// The oldest job; waits for one.
    private func take() -> UnownedJob {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while head == jobs.count {
            idle += 1
            pthread_cond_wait(wake, mutex)
            idle -= 1
        }
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1_024 {
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }
}

private func engineThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context { Unmanaged<EngineExecutor>.fromOpaque(context).takeRetainedValue().runForever() }
    return nil
}
