import Synchronization

/// The wish that work come to an orderly end: what is under way ends or is saved, nothing new begins. Unlike the
/// cancellation of a task it breaks off no request.
public final class StopSignal: Sendable {
    private let state = Atomic(false)

    public init() {}

    /// True from the first ``request()`` on.
    public var isRequested: Bool { state.load(ordering: .acquiring) }

    /// May be called from any thread, and more than once.
    public func request() { state.store(true, ordering: .releasing) }

    /// - Throws: `CancellationError` if no more work is to be begun: the signal was given, or the task was cancelled.
    func check() throws {
        if isRequested { throw CancellationError() }
        try Task.checkCancellation()
    }
}
