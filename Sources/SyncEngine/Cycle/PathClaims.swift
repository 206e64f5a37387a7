import Synchronization

/// Which paths of a folder are being transferred or deleted: a cycle and a reaction run side by side, and must not work
/// on the same one.
final class PathClaims: Sendable {
    /// Who works on a path.
    enum Owner: Sendable {
        case cycle
        case reaction
    }

    private struct State {
        var held: [Owner: Set<RelativePath>] = [.cycle: [], .reaction: []]
        /// What reactions worked on since the cycle began: it has read these entries, or will, as they were before.
        var handled: Set<RelativePath> = []
        var cycleRuns = false
        /// What a reaction had to leave to another one.
        var deferred: Set<RelativePath> = []

        func isHeld(_ path: RelativePath) -> Bool { held.values.contains { $0.contains(path) } }
    }

    private let state = Mutex(State())

    /// Paths that reactions may work on while one cycle runs.
    private static let maximumHandled = 100_000

    func begin(_ owner: Owner) {
        state.withLock { state in
            switch owner {
            case .cycle:
                state.cycleRuns = true
                state.handled = state.held[.reaction] ?? []
            case .reaction:
                state.deferred = []
            }
        }
    }

    /// Gives up all that `owner` holds.
    func end(_ owner: Owner) {
        state.withLock { state in
            state.held[owner] = []
            switch owner {
            case .cycle:
                state.cycleRuns = false
                state.handled = []
            case .reaction:
                break
            }
        }
    }

    /// False if anyone works on it, or, for a cycle, a reaction has since the cycle began.
    func claim(_ path: RelativePath, for owner: Owner) -> Bool {
        state.withLock { state in
            let isFree: Bool
            switch owner {
            case .cycle:
                isFree = !state.isHeld(path) && !state.handled.contains(path)
            case .reaction:
                isFree =
                    !state.isHeld(path)
                    && (!state.cycleRuns || state.handled.count < Self.maximumHandled)
                if isFree, state.cycleRuns { state.handled.insert(path) }
                if !isFree { state.deferred.insert(path) }
            }
            if isFree { state.held[owner]?.insert(path) }
            return isFree
        }
    }

    func release(_ path: RelativePath, by owner: Owner) {
        state.withLock { state in _ = state.held[owner]?.remove(path) }
    }

    /// True while a cycle of the folder runs.
    var cycleRuns: Bool { state.withLock(\.cycleRuns) }

    /// What the reaction that began last left, because the cycle works on it: it is to be looked at again.
    var deferred: [RelativePath] { state.withLock { Array($0.deferred) } }
}
