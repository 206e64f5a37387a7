/// Runs jobs, at most `limit` at once, which is read anew before each: one ends, one starts. A job's failure is a value of
/// its result.
///
/// `next` and `finish` run in the caller's isolation, one at a time; when either throws, no further job starts, the
/// jobs under way end and are finished too, and then the first error is thrown. The same holds when the task is
/// cancelled, or `stop` is given.
func runBounded<Job: Sendable, Result: Sendable>(
    limit: @autoclosure () -> Int,
    until stop: StopSignal = StopSignal(),
    next: () async throws -> Job?,
    run: @escaping @Sendable (Job) async -> Result,
    finish: (Result) async throws -> Void
) async throws {
    try await runBounded(
        lanes: 1,
        limits: {
            let limit = limit()
            return ([limit], limit)
        },
        until: stop,
        next: { _ in try await next() },
        run,
        finish
    )
}

/// The same in `lanes` lanes, so that jobs of one kind, however long they take, never keep those of another from starting:
/// of each lane at most as many at once as `limits` says, of all together at most `total`. Both are at least 1, and may be
/// others each time. `next` is given the lane; `drained` is told when a lane has no more jobs and its last one has ended, while
/// others may go on for long.
func runBounded<Job: Sendable, Result: Sendable>(
    lanes: Int,
    limits: () -> (lanes: [Int], total: Int),
    until stop: StopSignal,
    next: (_ lane: Int) async throws -> Job?,
    _ run: @escaping @Sendable (Job) async -> Result,
    _ finish: (Result) async throws -> Void,
    drained: (_ lane: Int) async throws -> Void = { _ in }
) async throws {
    var firstError: (any Error)?
    await withTaskGroup(of: (lane: Int, result: Result).self) { group in
        var running = Array(repeating: 0, count: lanes)
        var isExhausted = Array(repeating: false, count: lanes)
        /// A lane that has room and may have jobs.
        func openLane() -> Int? {
            let limits = limits()
            guard running.reduce(0, +) < limits.total else { return nil }
            return running.indices.first { !isExhausted[$0] && running[$0] < limits.lanes[$0] }
        }
        while true {
            do {
                while firstError == nil, let lane = openLane() {
                    if stop.isRequested { throw CancellationError() }
                    guard let job = try await next(lane) else {
                        isExhausted[lane] = true
                        if running[lane] == 0 { try await drained(lane) }
                        continue
                    }
                    guard group.addTaskUnlessCancelled(operation: { (lane, await run(job)) }) else {
                        throw CancellationError()
                    }
                    running[lane] += 1
                }
            } catch {
                firstError = firstError ?? error
            }
            guard let ended = await group.next() else { return }
            running[ended.lane] -= 1
            do {
                try await finish(ended.result)
                if isExhausted[ended.lane], running[ended.lane] == 0 { try await drained(ended.lane) }
            } catch {
                firstError = firstError ?? error
            }
        }
    }
    if let firstError { throw firstError }
}
