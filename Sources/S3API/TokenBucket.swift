/// Bytes that may move at a rate: a value, whose times are since some fixed moment.
///
/// What nobody takes is lost but for a hundredth of a second's worth, so that a rest is followed by no burst. While
/// somebody waits up to a quarter of a second's worth is kept, so that waking late costs nothing. What is taken on credit
/// is paid back first, so that the rate holds in the mean.
struct TokenBucket: Sendable {
    /// Bytes a second, at least 1.
    private(set) var rate: Int64
    /// Bytes that are there; below zero is a debt.
    private var level = 0.0
    private var updatedAt: Duration

    init(rate: Int64, at now: Duration) {
        self.rate = max(1, rate)
        updatedAt = now
    }

    /// What one turn moves at most: a hundredth of a second's worth, but at least 1 KiB, or else the turns would cost more
    /// than what they move.
    var turn: Int { Int(max(1_024, min(rate / 100, 1 << 30))) }

    /// Another rate from now on; what is there stays, a debt as well.
    mutating func setRate(_ rate: Int64, hasWaiting: Bool, at now: Duration) {
        refill(hasWaiting: hasWaiting, at: now)
        self.rate = max(1, rate)
    }

    /// Takes what one turn may move of `wanted` bytes, at least 1. - Returns: how many; 0 if not enough are there yet.
    mutating func take(_ wanted: Int, hasWaiting: Bool, at now: Duration) -> Int {
        refill(hasWaiting: hasWaiting, at: now)
        let amount = min(wanted, turn)
        guard level >= Double(amount) else { return 0 }
        level -= Double(amount)
        return amount
    }

    /// Takes `bytes` whether or not they are there; below zero, gives them back.
    mutating func charge(_ bytes: Int) { level -= Double(bytes) }

    /// When a turn for `wanted` bytes will be there, if nobody takes any before.
    func due(_ wanted: Int, at now: Duration) -> Duration {
        let missing = Double(min(wanted, turn)) - level
        // Rounded up, or it would be too early by what a number cannot hold.
        return max(now, updatedAt + .nanoseconds(Int64((max(0, missing) / Double(rate) * 1e9).rounded(.up))))
    }

    private mutating func refill(hasWaiting: Bool, at now: Duration) {
        guard now > updatedAt else { return }
        let (seconds, attoseconds) = (now - updatedAt).components
        let elapsed = Double(seconds) + Double(attoseconds) * 1e-18
        let capacity = max(Double(turn), hasWaiting ? Double(rate) / 4 : 0)
        level = max(level, min(capacity, level + elapsed * Double(rate)))
        updatedAt = now
    }
}
