/// Runs jobs, at most `limit` at once: one ends, one starts. A job's failure is a value of its result.
///
/// `next` and `finish` run in the caller's isolation, one at a time; when either throws, no further job starts, the
/// jobs under way end and are finished too, and then the first error is thrown. The same holds when the task is
/// cancelled.
func runBounded<Job: Sendable, Result: Sendable>(
    limit: Int,
    next: () async throws -> Job?,
    run: @escaping @Sendable (Job) async -> Result,
    finish: (Result) async throws -> Void
) async throws {
    var firstError: (any Error)?
    await withTaskGroup(of: Result.self) { group in
        var running = 0
        var isExhausted = false
        while true {
            do {
                while !isExhausted, firstError == nil, running < limit {
                    guard let job = try await next() else {
                        isExhausted = true
                        break
                    }
                    guard group.addTaskUnlessCancelled(operation: { await run(job) }) else {
                        throw CancellationError()
                    }
                    running += 1
                }
            } catch {
                firstError = firstError ?? error
            }
            guard let result = await group.next() else { return }
            running -= 1
            do {
                try await finish(result)
            } catch {
                firstError = firstError ?? error
            }
        }
    }
    if let firstError { throw firstError }
}
