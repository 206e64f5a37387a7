import Synchronization

/// How fast bodies may travel each way, over all transports that share this, together. It may change at any time.
public final class Bandwidth: Sendable {
    let upload = BandwidthLimiter()
    let download = BandwidthLimiter()

    /// Without a limit.
    public init() {}

    /// From now on so many bytes a second at most, also of what is under way; nil for as fast as it goes. Bodies count,
    /// those of listings too; headers do not.
    public func limit(uploadBytesPerSecond upload: Int64?, downloadBytesPerSecond download: Int64?) {
        self.upload.setRate(upload)
        self.download.setRate(download)
    }
}

/// One direction of a ``Bandwidth``. Who wants to move bytes and may not yet is held, and let go on in turn, a little
/// each time: so nobody starves, and a large body keeps no small one waiting for longer than a turn of each.
final class BandwidthLimiter: Sendable {
    private let state = Mutex(State())
    /// Bytes a second; 0 for no limit, so that to know this takes no lock.
    private let rate = Atomic<Int64>(0)
    private let uptime: @Sendable () -> Duration

    private struct State {
        /// Nil where there is no limit.
        var bucket: TokenBucket?
        var held: [Held] = []
        /// The first of `held` that is still held.
        var head = 0

        var isEmpty: Bool { head == held.count }
    }

    /// One who waits.
    private struct Held {
        var id: ObjectIdentifier
        var wanted: Int
        var resume: @Sendable (_ bytes: Int) -> Void
        var wake: @Sendable () -> Void
    }

    init(uptime: @escaping @Sendable () -> Duration = S3Environment.systemUptime) { self.uptime = uptime }

    var isLimited: Bool { rate.load(ordering: .relaxed) > 0 }

    /// `rate` is in bytes a second, nil for no limit. Whoever is held goes on by it.
    func setRate(_ rate: Int64?) {
        let now = uptime()
        let held = state.withLock { state in
            self.rate.store(rate ?? 0, ordering: .relaxed)
            var bucket = rate.map { state.bucket ?? TokenBucket(rate: $0, at: now) }
            if let rate { bucket?.setRate(rate, hasWaiting: !state.isEmpty, at: now) }
            state.bucket = bucket
            return Array(state.held[state.head...])
        }
        for one in held { one.wake() }
    }

    /// Asks to move `wanted` bytes, at least 1. - Returns: how many may be moved now. If it is 0, `resume` is called when
    /// it is this one's turn, with how many it may move then, from any thread; and `wake` when ``serve()`` should be.
    func request(
        _ id: ObjectIdentifier,
        _ wanted: Int,
        resume: @escaping @Sendable (_ bytes: Int) -> Void,
        wake: @escaping @Sendable () -> Void
    ) -> Int {
        let now = uptime()
        return state.withLock { state in
            guard state.bucket != nil else { return wanted }
            if state.isEmpty, let amount = state.bucket?.take(wanted, hasWaiting: false, at: now), amount > 0 {
                return amount
            }
            state.held.append(Held(id: id, wanted: wanted, resume: resume, wake: wake))
            return 0
        }
    }

    /// Of what was moved on credit, or, below zero, was not used.
    func charge(_ bytes: Int) { state.withLock { $0.bucket?.charge(bytes) } }

    /// Holds that one no longer.
    func forget(_ id: ObjectIdentifier) {
        state.withLock { state in state.held[state.head...].removeAll { $0.id == id } }
    }

    /// Lets those go on whose turn it is.
    /// - Returns: for how long there is nothing more to do; nil if nobody is held.
    func serve() -> Duration? {
        let now = uptime()
        let (going, due) = state.withLock { state -> ([(Held, Int)], Duration?) in
            var going: [(Held, Int)] = []
            while !state.isEmpty {
                let first = state.held[state.head]
                if state.bucket != nil {
                    guard let amount = state.bucket?.take(first.wanted, hasWaiting: true, at: now), amount > 0 else {
                        break
                    }
                    going.append((first, amount))
                } else {
                    going.append((first, first.wanted))
                }
                state.head += 1
            }
            if state.head > state.held.count / 2 {
                state.held.removeFirst(state.head)
                state.head = 0
            }
            let due = state.isEmpty ? nil : state.bucket?.due(state.held[state.head].wanted, at: now)
            return (going, due)
        }
        for (held, amount) in going { held.resume(amount) }
        return due.map { $0 - now }
    }
}
