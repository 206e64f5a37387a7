import TestSupport

@testable import S3API

/// A service in virtual time, and a client with more to do than it ever gets done, whose limit is a
/// ``ConcurrencyControl``'s or stands fast. It is drawn from a seed.
struct ConcurrencySimulation {
    /// What a service does with more than it can bear.
    enum Service {
        /// Refuses at once what comes beside so many others.
        case refusesBeyond(Int)
        /// Refuses what exceeds a rate a second, beyond a reserve.
        case refusesFaster(rate: Double, reserve: Double)
        /// Refuses nothing: what comes beside so many others waits.
        case queues(workers: Int)
        /// Refuses everything in these moments, and nothing else.
        case refusesDuring(ClosedRange<Double>)
    }

    let service: Service
    /// Of the way there and back, in seconds: a request that is refused takes this.
    var delay: Double
    /// Seconds that work on a request takes in the mean, beside its way.
    var work: Double
    /// The largest retry delay in seconds.
    var maximumWait = 1.0

    private var random: SeededGenerator
    private var events: [Event] = []
    private var now = 0.0
    private var inFlight = 0
    private var working = 0
    private var tokens = 0.0
    private var tokensAt = 0.0
    private var workersFreeAt: [Double] = []

    private(set) var done = 0
    private(set) var refusals = 0
    private(set) var limitTimesSeconds = 0.0

    private struct Event {
        var time: Double
        var sentAt: Double
        var load: Int
        var isFull: Bool
        var isRefusal: Bool
    }

    init(_ service: Service, delay: Double, work: Double, seed: UInt64) {
        self.service = service
        self.delay = delay
        self.work = work
        random = SeededGenerator(seed: seed)
        if case .queues(let workers) = service { workersFreeAt = Array(repeating: 0, count: workers) }
        if case .refusesFaster(_, let reserve) = service { tokens = reserve }
    }

    /// Plays `seconds` by `control`; what ended in the first `settling` of them does not count.
    mutating func run(_ control: inout ConcurrencyControl, seconds: Double, settling: Double) {
        run(seconds: seconds, settling: settling) {
            control.limit
        } ended: { event, now in
            if event.isRefusal {
                control.refused(sentAt: .seconds(event.sentAt), load: event.load, at: .seconds(now))
            } else if event.isFull {
                let kind = ConcurrencyControl.Kind("PUT", bytes: 4_096)
                let latency = Duration.seconds(now - event.sentAt)
                control.succeeded(sentAt: .seconds(event.sentAt), kind, latency: latency, at: .seconds(now))
            }
        }
    }

    /// The same by a limit that stands fast.
    mutating func run(fixed limit: Int, seconds: Double, settling: Double) {
        run(seconds: seconds, settling: settling) {
            limit
        } ended: { _, _ in
        }
    }

    private mutating func run(
        seconds: Double,
        settling: Double,
        limit: () -> Int,
        ended: (Event, Double) -> Void
    ) {
        while now < seconds {
            while inFlight < limit() { send(limit: limit()) }
            let event = next()
            let from = max(settling, now)
            if event.time > from { limitTimesSeconds += Double(limit()) * (event.time - from) }
            now = event.time
            inFlight -= 1
            if !event.isRefusal { working -= 1 }
            if now >= settling {
                if event.isRefusal { refusals += 1 } else { done += 1 }
            }
            ended(event, now)
        }
    }

    private mutating func send(limit: Int) {
        inFlight += 1
        let isRefusal = refuses()
        var time = now + delay * Double.random(in: 0.9...1.1, using: &random)
        if !isRefusal {
            working += 1
            let own = work * Double.random(in: 0.4...1.6, using: &random)
            if let first = workersFreeAt.indices.min(by: { workersFreeAt[$0] < workersFreeAt[$1] }) {
                workersFreeAt[first] = max(workersFreeAt[first], now) + own
                time += workersFreeAt[first] - now
            } else {
                time += own
            }
        }
        let event = Event(
            time: time,
            sentAt: now,
            load: inFlight,
            isFull: inFlight >= limit,
            isRefusal: isRefusal
        )
        let place = events.firstIndex { $0.time < time } ?? events.endIndex
        events.insert(event, at: place)
    }

    /// The soonest is the last.
    private mutating func next() -> Event { events.removeLast() }

    private mutating func refuses() -> Bool {
        switch service {
        case .refusesBeyond(let limit): return working >= limit
        case .refusesFaster(let rate, let reserve):
            tokens = min(reserve, tokens + (now - tokensAt) * rate)
            tokensAt = now
            guard tokens >= 1 else { return true }
            tokens -= 1
            return false
        case .queues: return false
        case .refusesDuring(let moments): return moments.contains(now)
        }
    }
}
