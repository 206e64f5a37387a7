import Glibc
import Synchronization

/// Closed until it is opened, once; tasks and threads wait before it.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// A pipe whose writing end is closed to open the gate: threads wait for that with `poll`.
    private let reading: CInt
    private let writing: CInt

    public init() {
        var ends: [CInt] = [-1, -1]
        precondition(pipe(&ends) == 0, "no descriptor for a gate")
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        if !state.withLock({ $0.isOpen }) { close(writing) }
    }

    public var isOpen: Bool { state.withLock(\.isOpen) }

    public func open() {
        let waiting = state.withLock { state in
            if !state.isOpen { close(writing) }
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when the gate is open.
    public func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Blocks the thread until the gate is open, but at most ten minutes. - Returns: whether it is open.
    @discardableResult
    public func block() -> Bool {
        var descriptor = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 600_000) == 1
    }
}
