import Synchronization

/// Lets through as many requests of an endpoint at once as its ``ConcurrencyControl`` says: first come, first served.
///
/// Of large ones, which take long, only a quarter of the places (at least one) are ever taken, so that small ones always
/// pass. Every place that was given must be given back by ``release(_:_:)``.
final class ConcurrencyGate: Sendable {
    private let state: Mutex<State>
    /// The time since some fixed moment.
    private let uptime: @Sendable () -> Duration

    private struct State {
        var control: ConcurrencyControl
        /// Places that are taken, and of these by large requests.
        var taken = 0
        var takenByLarge = 0
        var small = Queue()
        var large = Queue()
        var lastTicket = 0
        /// Requests that wait to be sent once more, and need no place yet.
        var delayed = 0
    }

    /// A place.
    struct Place: Sendable {
        var isLarge: Bool
        var since: Duration
        /// Places that were taken then, this one among them.
        var load: Int
        /// Whether it was the last one.
        var isFull: Bool
    }

    /// How the request ended that a place was for.
    enum Ending: Sendable {
        /// It was answered. `isTelling` says whether the time that this took can be compared with that of others.
        case answered(ConcurrencyControl.Kind, isTelling: Bool)
        /// It was refused for haste.
        case throttled
        /// It came to no answer, for other reasons.
        case failed
    }

    /// At most `bound` at once.
    init(bound: Int, uptime: @escaping @Sendable () -> Duration) {
        state = Mutex(State(control: ConcurrencyControl(bound: bound)))
        self.uptime = uptime
    }

    /// Places that there are at the moment.
    var limit: Int { state.withLock(\.control.limit) }

    /// Places that are taken, and requests that wait for one.
    var load: (taken: Int, waiting: Int) { state.withLock { ($0.taken, $0.small.count + $0.large.count) } }

    /// Requests that are worth having ready, so that no place stays free: a few more than there are places, but not more
    /// than the bound.
    var worthwhile: Int {
        state.withLock { state in
            min(state.control.bound, state.control.limit * 5 / 4 + 1 + state.delayed)
        }
    }

    /// Waits for a place. - Returns: nil if the task was cancelled before it got one.
    func acquire(isLarge: Bool) async -> Place? {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { return continuation.resume(returning: nil) }
                let now = uptime()
                let given = state.withLock { state in
                    if isLarge {
                        state.large.append(ticket, continuation)
                    } else {
                        state.small.append(ticket, continuation)
                    }
                    return Self.fill(&state, at: now)
                }
                for (continuation, place) in given { continuation.resume(returning: place) }
                // The handler may have run before there was anything to find.
                if Task.isCancelled { forget(ticket, isLarge: isLarge) }
            }
        } onCancel: {
            forget(ticket, isLarge: isLarge)
        }
    }

    /// Gives a place back.
    func release(_ place: Place, _ ending: Ending) {
        let now = uptime()
        let given = state.withLock { state in
            state.taken -= 1
            if place.isLarge { state.takenByLarge -= 1 }
            switch ending {
            case .answered(let kind, let isTelling):
                if place.isFull {
                    let latency = isTelling && !place.isLarge ? now - place.since : nil
                    state.control.succeeded(sentAt: place.since, kind, latency: latency, at: now)
                }
            case .throttled: state.control.refused(sentAt: place.since, load: place.load, at: now)
            case .failed: break
            }
            return Self.fill(&state, at: now)
        }
        for (continuation, place) in given { continuation.resume(returning: place) }
    }

    /// Lets `body` wait for a retry: meanwhile another request is worth having ready.
    func delaying<Value, Failure: Error>(
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        state.withLock { $0.delayed += 1 }
        defer { state.withLock { $0.delayed -= 1 } }
        return try await body()
    }

    private func forget(_ ticket: Int, isLarge: Bool) {
        let continuation = state.withLock { state in
            isLarge ? state.large.remove(ticket) : state.small.remove(ticket)
        }
        continuation?.resume(returning: nil)
    }

    private typealias Waiting = CheckedContinuation<Place?, Never>

    /// Gives free places to those who wait. - Returns: whom to tell, outside the lock.
    private static func fill(_ state: inout State, at now: Duration) -> [(Waiting, Place)] {
        var given: [(Waiting, Place)] = []
        while state.taken < state.control.limit {
            let mayBeLarge = state.takenByLarge < max(1, state.control.limit / 4)
            let large = mayBeLarge ? state.large.first : nil
            let small = state.small.first
            let isLarge: Bool
            switch (large, small) {
            case (nil, nil): return given
            case (let large?, let small?): isLarge = large < small
            case (.some, nil): isLarge = true
            case (nil, .some): isLarge = false
            }
            guard let waiting = isLarge ? state.large.popFirst() : state.small.popFirst() else { return given }
            state.taken += 1
            if isLarge { state.takenByLarge += 1 }
            let isFull = state.taken >= state.control.limit
            given.append((waiting, Place(isLarge: isLarge, since: now, load: state.taken, isFull: isFull)))
        }
        return given
    }

    /// Who waits, in order of tickets; anybody may leave.
    private struct Queue {
        private var tickets: [Int] = []
        private var head = 0
        private var waiting: [Int: Waiting] = [:]

        var count: Int { waiting.count }

        /// The first ticket.
        var first: Int? {
            mutating get {
                while head < tickets.count, waiting[tickets[head]] == nil { head += 1 }
                if head == tickets.count || head > 1_024 {
                    tickets.removeFirst(head)
                    head = 0
                }
                return tickets.isEmpty ? nil : tickets[head]
            }
        }

        mutating func append(_ ticket: Int, _ continuation: Waiting) {
            tickets.append(ticket)
            waiting[ticket] = continuation
        }

        mutating func popFirst() -> Waiting? { first.flatMap { waiting.removeValue(forKey: $0) } }

        mutating func remove(_ ticket: Int) -> Waiting? { waiting.removeValue(forKey: ticket) }
    }
}
