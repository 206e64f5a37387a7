import Glibc

/// How many requests a service gets at once: a value that learns from how they end. Times are since some fixed moment.
///
/// A refusal for haste halves the limit, once for all that were sent before. After that it comes back quickly to a
/// little below where it was refused, stays there for a while, and then feels its way up, slowly at first (as CUBIC
/// does; a limit that rises evenly from its half would be at three quarters on average). Where nothing is refused, a
/// higher limit is tried out and kept only if it pays: if the requests of a kind take little longer than before. On a
/// path whose delay is distance they do not; where it is all queue they take longer in proportion.
struct ConcurrencyControl: Sendable {
    /// Requests that may be under way at once, at least 1 and at most ``bound``.
    private(set) var limit: Int
    let bound: Int
    /// The limit at the start, which needs no proof.
    private let start: Int
    private var phase = Phase.measuring
    /// When the limit last became another: what was sent before tells nothing of the new one.
    private var changedAt = Duration.zero
    /// When it was last halved.
    private var cutAt = Duration.zero
    /// Of what was sent since ``changedAt``, while all places were taken.
    private var latencies = Latencies()
    /// Requests that ended well since the round began; `limit` of them are a round.
    private var ended = 0
    /// Rounds to stay below the last refusal, and rounds between two trials.
    private var patience = (refusal: Self.firstPatience, trial: Self.firstPatience)
    /// Whether the next trial is one of a lower limit.
    private var triesLower = false

    /// Where it begins, unless the bound is lower.
    static let usualStart = 32
    private static let firstPatience = 16
    private static let maximumPatience = (refusal: 64, trial: 512)

    private enum Phase {
        /// Takes the latencies of this limit, to compare others with.
        case measuring
        /// Takes those of a trial.
        case trying(from: Int, Latencies)
        /// Leaves it at this limit for some rounds.
        case holding(rounds: Int)
        /// On the way to a little below where it was refused.
        case returning(refusedAt: Int)
        /// There, for some rounds.
        case waiting(refusedAt: Int, rounds: Int)
        /// On the way up to where it was refused, and up to the start.
        case probing(refusedAt: Int, step: Int)
    }

    /// What latencies may be compared: requests of one class, with bodies of about one size.
    struct Kind: Hashable, Sendable {
        /// Such as `PUT`.
        var name: String
        /// Bodies of one kind differ by less than the factor 4.
        var sizeClass: Int

        /// `bytes` is the length of the body, whichever way it goes.
        init(_ name: String, bytes: Int64) {
            self.name = name
            sizeClass = (Int64.bitWidth - max(0, bytes).leadingZeroBitCount + 1) / 2
        }
    }

    /// `bound` is at least 1.
    init(bound: Int) {
        self.bound = max(1, bound)
        start = min(Self.usualStart, self.bound)
        limit = start
    }

    // MARK: Events

    /// A request ended that was not refused for haste. It was sent when all places were taken: others say nothing of
    /// what the limit does. `latency` is nil where it says nothing: of large bodies, and where a connection was made.
    mutating func succeeded(sentAt: Duration, _ kind: Kind, latency: Duration?, at now: Duration) {
        guard sentAt >= changedAt else { return }
        if let latency { latencies.add(latency, kind) }
        ended += 1
        switch phase {
        case .measuring, .trying: if latencies.count >= max(limit, Self.firstPatience) { judge(at: now) }
        case .holding, .returning, .waiting, .probing: if ended >= limit { endRound(at: now) }
        }
    }

    /// A request was refused for haste that was sent beside `load` - 1 others.
    mutating func refused(sentAt: Duration, load: Int, at now: Duration) {
        guard sentAt >= cutAt else { return }
        // Where few were under way, the limit was not what was too much; but it must come down all the same.
        let refusedNow = max(min(load, limit), (limit + 1) / 2)
        var refusedAt = refusedNow
        switch phase {
        case .probing(let last, _) where refusedNow * 10 >= last * 9:
            patience.refusal = min(patience.refusal * 2, Self.maximumPatience.refusal)
        // As long as nothing at all is taken, it is a bad moment and says nothing of how many would be too many.
        case .returning(let last) where ended == 0 && changedAt == cutAt: refusedAt = last
        case .measuring, .trying, .holding, .returning, .waiting, .probing: patience.refusal = Self.firstPatience
        }
        cutAt = now
        set(max(1, refusedNow / 2), at: now, .returning(refusedAt: refusedAt))
    }

    // MARK: Rounds

    private mutating func endRound(at now: Duration) {
        ended = 0
        switch phase {
        case .holding(let rounds): phase = rounds > 1 ? .holding(rounds: rounds - 1) : .measuring
        case .returning(let refusedAt):
            let top = max(1, min(refusedAt - 1, refusedAt * 95 / 100))
            if limit >= top {
                phase = .waiting(refusedAt: refusedAt, rounds: patience.refusal)
            } else {
                set(limit + min(limit, (top - limit + 1) / 2), at: now, phase)
            }
        case .waiting(let refusedAt, let rounds):
            phase =
                rounds > 1
                ? .waiting(refusedAt: refusedAt, rounds: rounds - 1) : .probing(refusedAt: refusedAt, step: 1)
        case .probing(let refusedAt, let step):
            let top = min(bound, max(refusedAt, start))
            if limit >= top {
                phase = .measuring
            } else {
                set(min(top, limit + step), at: now, .probing(refusedAt: refusedAt, step: step * 2))
            }
        case .measuring, .trying: preconditionFailure("rounds do not count while latencies are taken")
        }
        if case .measuring = phase { latencies = Latencies() }
    }

    /// Enough latencies are there.
    private mutating func judge(at now: Duration) {
        guard case .trying(let other, let reference) = phase else { return tryAnother(at: now) }
        let (low, high) = limit > other ? (reference, latencies) : (latencies, reference)
        let pays = Self.pays(low, high, factor: Double(max(limit, other)) / Double(min(limit, other)))
        if pays == (limit > other) {
            patience.trial = Self.firstPatience
            triesLower = limit < other
            tryAnother(at: now)
        } else {
            set(other, at: now, .holding(rounds: patience.trial))
            patience.trial = min(patience.trial * 2, Self.maximumPatience.trial)
            triesLower.toggle()
        }
    }

    /// Tries another limit, to compare with the latencies that were taken of this one.
    private mutating func tryAnother(at now: Duration) {
        let isLower = triesLower && limit > start
        let other = isLower ? max(start, limit * 2 / 3) : min(bound, limit + (limit + 1) / 2)
        if other == limit {
            phase = .holding(rounds: patience.trial)
            triesLower.toggle()
            ended = 0
        } else {
            set(other, at: now, .trying(from: limit, latencies))
        }
    }

    /// Whether at least half of what `factor` times as many requests promise is gained: by Little's law throughput is
    /// their number by their latency.
    private static func pays(_ low: Latencies, _ high: Latencies, factor: Double) -> Bool {
        guard let stretch = high.stretch(from: low) else { return false }
        return factor / stretch >= 1 + (factor - 1) / 2
    }

    private mutating func set(_ limit: Int, at now: Duration, _ phase: Phase) {
        self.limit = limit
        self.phase = phase
        changedAt = now
        ended = 0
        latencies = Latencies()
    }
}

extension ConcurrencyControl {
    /// The geometric mean of the latencies of each kind, which one that takes a minute does not spoil.
    private struct Latencies: Sendable {
        private var kinds: [Kind: (sum: Double, count: Int)] = [:]
        private(set) var count = 0

        mutating func add(_ latency: Duration, _ kind: Kind) {
            let (seconds, attoseconds) = latency.components
            let value = log(max(1e-6, Double(seconds) + Double(attoseconds) * 1e-18))
            kinds[kind, default: (0, 0)].sum += value
            kinds[kind, default: (0, 0)].count += 1
            count += 1
        }

        /// How many times longer requests take than in `other`; nil if no kind is in both.
        func stretch(from other: Latencies) -> Double? {
            var sum = 0.0
            var weight = 0
            for (kind, here) in kinds {
                guard let there = other.kinds[kind] else { continue }
                let common = min(here.count, there.count)
                sum += Double(common) * (here.sum / Double(here.count) - there.sum / Double(there.count))
                weight += common
            }
            return weight > 0 ? exp(sum / Double(weight)) : nil
        }
    }
}
