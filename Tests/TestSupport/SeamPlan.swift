import Glibc
public import SyncEngine
import Synchronization

/// Lets one call across the seams fail, makes it the last one before a crash, or does something just before it. Calls are
/// counted from 1.
public final class SeamPlan: SeamObserver, @unchecked Sendable {
    // @unchecked: `onHit` is set by a test before it runs the engine; all else is behind a lock.

    /// What is to happen.
    public enum Event: Hashable, Sendable {
        /// The `effect`th effect and everything after it never takes place, looks included.
        case crash(effect: Int)
        /// The `call`th call fails without being made, and `times` - 1 further ones of the same name.
        case fail(call: Int, errno: CInt, times: Int = 1)
        /// The first call of that name fails without being made.
        case failFirst(String, errno: CInt)
        /// What ``SeamPlan/onHit`` does comes just before the `call`th call.
        case act(call: Int)
        /// The `effect`th effect takes place and seems to fail.
        case loseAnswer(effect: Int)
        /// The first effect of that name takes place and seems to fail.
        case loseFirstAnswer(to: String)
    }

    private struct State {
        var event: Event?
        var calls = 0
        var effects = 0
        var isDead = false
        /// The call that the event met.
        var hit: SeamCall?
        var failuresLeft = 0
    }

    private let state = Mutex(State())
    /// For ``Event/act(call:)``: as another process or client would do it.
    public var onHit: (() -> Void)?

    public init() {}

    /// Counts anew, towards `event`; nil for calls that all go well.
    public func plan(_ event: Event?) { state.withLock { $0 = State(event: event) } }

    /// The call that the event met; nil if there were not so many.
    public var hit: SeamCall? { state.withLock { $0.hit } }

    /// Effects so far, whether they succeeded or not.
    public var effects: Int { state.withLock { $0.effects } }

    public func before(_ call: SeamCall) throws(SeamFailure) {
        var acts = false
        let failure = state.withLock { state -> CInt? in
            state.calls += 1
            if call.isEffect { state.effects += 1 }
            switch state.event {
            case .crash(let effect):
                if call.isEffect, state.effects == effect {
                    state.isDead = true
                    state.hit = call
                }
                return state.isDead ? EIO : nil
            case .fail(let number, let errno, let times):
                if state.calls == number {
                    state.hit = call
                    state.failuresLeft = times
                }
                guard state.failuresLeft > 0, state.hit?.name == call.name else { return nil }
                state.failuresLeft -= 1
                return errno
            case .failFirst(let name, let errno):
                guard call.name == name, state.hit == nil else { return nil }
                state.hit = call
                return errno
            case .act(let number):
                acts = state.calls == number
                if acts { state.hit = call }
                return nil
            case .loseAnswer, .loseFirstAnswer, nil: return nil
            }
        }
        if acts { onHit?() }
        if let failure { throw SeamFailure(errno: failure) }
    }

    public func after(_ call: SeamCall) throws(SeamFailure) {
        let isLost = state.withLock { state in
            guard call.isEffect, state.hit == nil else { return false }
            let isMeant =
                switch state.event {
                case .loseAnswer(let effect): state.effects == effect
                case .loseFirstAnswer(let name): call.name == name
                case .crash, .fail, .failFirst, .act, nil: false
                }
            if isMeant { state.hit = call }
            return isMeant
        }
        if isLost { throw SeamFailure(errno: ETIMEDOUT) }
    }
}
