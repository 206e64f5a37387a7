import Synchronization
import TestSupport
import Testing

@testable import S3API

/// Bytes at a rate, in time that is given.
struct TokenBucketTests {
    @Test(arguments: [(1, 1_024), (65_536, 1_024), (1 << 20, 10_485), (1 << 30, 10_737_418), (.max, 1 << 30)])
    func `a turn is a hundredth of a second's worth, and at least 1 KiB`(rate: Int64, turn: Int) {
        #expect(TokenBucket(rate: rate, at: .zero).turn == turn)
    }

    @Test func `nothing is there at first, and a turn when its time has come`() {
        var bucket = TokenBucket(rate: 102_400, at: .seconds(5))
        #expect(bucket.take(9_999, hasWaiting: false, at: .seconds(5)) == 0)
        #expect(bucket.due(9_999, at: .seconds(5)) == .milliseconds(5_010))
        #expect(bucket.take(9_999, hasWaiting: true, at: .milliseconds(5_009)) == 0)
        #expect(bucket.take(9_999, hasWaiting: true, at: .milliseconds(5_010)) == 1_024)
        #expect(bucket.take(1, hasWaiting: true, at: .milliseconds(5_010)) == 0)
    }

    @Test func `little is there sooner than a turn`() {
        var bucket = TokenBucket(rate: 102_400, at: .zero)
        #expect(bucket.due(512, at: .zero) == .milliseconds(5))
        #expect(bucket.take(512, hasWaiting: true, at: .milliseconds(5)) == 512)
    }

    @Test func `a rest is followed by no burst, but lateness is made up for`() {
        var rested = TokenBucket(rate: 102_400, at: .zero)
        #expect(Self.takeAll(&rested, hasWaiting: false, at: .seconds(60)) == 1_024)
        var late = TokenBucket(rate: 102_400, at: .zero)
        #expect(Self.takeAll(&late, hasWaiting: true, at: .milliseconds(200)) == 20 * 1_024)
        var stuck = TokenBucket(rate: 102_400, at: .zero)
        #expect(Self.takeAll(&stuck, hasWaiting: true, at: .seconds(60)) == 25 * 1_024)
    }

    private static func takeAll(_ bucket: inout TokenBucket, hasWaiting: Bool, at now: Duration) -> Int {
        var sum = 0
        while case let amount = bucket.take(1 << 20, hasWaiting: hasWaiting, at: now), amount > 0 { sum += amount }
        return sum
    }

    @Test func `what is taken on credit is paid back first`() {
        var bucket = TokenBucket(rate: 102_400, at: .zero)
        bucket.charge(9 * 1_024)
        #expect(bucket.due(1_024, at: .zero) == .milliseconds(100))
        #expect(bucket.take(1_024, hasWaiting: false, at: .milliseconds(99)) == 0)
        #expect(bucket.take(1_024, hasWaiting: false, at: .milliseconds(100)) == 1_024)
        bucket.charge(-1_024)
        #expect(bucket.take(1_024, hasWaiting: false, at: .milliseconds(100)) == 1_024)
    }

    @Test func `another rate holds from its moment on, and a debt stays`() {
        var bucket = TokenBucket(rate: 102_400, at: .zero)
        bucket.charge(10 * 1_024)
        bucket.setRate(10_240, hasWaiting: true, at: .milliseconds(50))
        // 5 KiB are still owed, and 1 KiB is wanted.
        #expect(bucket.due(1_024, at: .milliseconds(50)) == .milliseconds(650))
    }

    @Test func `a clock that stands or goes back gives nothing`() {
        var bucket = TokenBucket(rate: 102_400, at: .seconds(1))
        #expect(bucket.take(1, hasWaiting: true, at: .zero) == 0)
        #expect(bucket.take(1_024, hasWaiting: true, at: .seconds(1)) == 0)
        #expect(bucket.take(1_024, hasWaiting: true, at: .milliseconds(1_010)) == 1_024)
    }

    /// Pieces that must be taken whole, and a timer that is late.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `over a while the rate holds within a twentieth`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rate = Int64.random(in: 1_024...100_000_000, using: &random)
        var bucket = TokenBucket(rate: rate, at: .zero)
        var now = Duration.zero
        var moved = 0
        while now < .seconds(100) {
            let piece = Int.random(in: 1...16_384, using: &random)
            while case let amount = bucket.take(piece, hasWaiting: true, at: now), amount > 0 {
                bucket.charge(piece - amount)
                moved += piece
            }
            now = bucket.due(piece, at: now) + .microseconds(Int.random(in: 0...3_000, using: &random))
        }
        let wanted = Double(rate) * 100
        #expect(abs(Double(moved) - wanted) < wanted * 0.05 + 20_000, "seed \(seed): \(moved) of \(wanted)")
    }
}

/// Who may move bytes when, in time that is given.
struct BandwidthLimiterTests {
    /// A limiter, what was given by it, and the time.
    private final class World: Sendable {
        let given = Mutex<[(who: Int, bytes: Int)]>([])
        let woken = Atomic(0)
        private let now = Mutex(Duration.zero)
        private let ids = (0..<8).map { _ in Token() }
        private let box = Mutex<BandwidthLimiter?>(nil)

        private final class Token: Sendable {}

        var limiter: BandwidthLimiter {
            box.withLock { box in
                if let limiter = box { return limiter }
                let limiter = BandwidthLimiter { [unowned self] in now.withLock { $0 } }
                box = limiter
                return limiter
            }
        }

        func advance(_ milliseconds: Int) { now.withLock { $0 += .milliseconds(milliseconds) } }

        func id(_ who: Int) -> ObjectIdentifier { ObjectIdentifier(ids[who]) }

        func request(_ who: Int, _ wanted: Int) -> Int {
            limiter.request(id(who), wanted) { bytes in
                self.given.withLock { $0.append((who, bytes)) }
            } wake: {
                self.woken.add(1, ordering: .relaxed)
            }
        }

        func takeGiven() -> [Int] {
            given.withLock { given in
                defer { given = [] }
                return given.map(\.who)
            }
        }
    }

    @Test func `without a limit all is allowed at once`() {
        let world = World()
        #expect(!world.limiter.isLimited && world.request(0, 1 << 30) == 1 << 30)
        #expect(world.limiter.serve() == nil)
    }

    @Test func `those who are held have their turns one after the other`() {
        let world = World()
        world.limiter.setRate(102_400)
        #expect(world.limiter.isLimited)
        for who in 0..<3 { #expect(world.request(who, 4_096) == 0) }
        #expect(world.limiter.serve() == .milliseconds(10))
        world.advance(10)
        #expect(world.limiter.serve() == .milliseconds(10))
        #expect(world.takeGiven() == [0])
        // It wants more, and goes to the end of the queue; so does a new one.
        #expect(world.request(0, 3_072) == 0 && world.request(3, 100) == 0)
        world.advance(40)
        #expect(world.limiter.serve() == nil)
        #expect(world.takeGiven() == [1, 2, 0, 3])
    }

    @Test func `nobody passes one who is held`() {
        let world = World()
        world.limiter.setRate(102_400)
        #expect(world.request(0, 4_096) == 0)
        world.advance(5)
        #expect(world.request(1, 1) == 0)
    }

    @Test func `who leaves is not waited for`() {
        let world = World()
        world.limiter.setRate(102_400)
        for who in 0..<3 { #expect(world.request(who, 4_096) == 0) }
        world.limiter.forget(world.id(0))
        world.limiter.forget(world.id(2))
        world.advance(10)
        #expect(world.limiter.serve() == nil)
        #expect(world.takeGiven() == [1])
    }

    @Test func `another limit wakes those who are held, and none lets all go`() {
        let world = World()
        world.limiter.setRate(1_024)
        for who in 0..<3 { #expect(world.request(who, 1_024) == 0) }
        world.limiter.setRate(1_024_000)
        #expect(world.woken.load(ordering: .relaxed) == 3)
        world.advance(1)
        #expect(world.limiter.serve() == .milliseconds(1))
        #expect(world.takeGiven() == [0])
        world.limiter.setRate(nil)
        #expect(world.woken.load(ordering: .relaxed) == 5 && !world.limiter.isLimited)
        #expect(world.limiter.serve() == nil)
        #expect(world.takeGiven() == [1, 2])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `shares are equal and the rate holds, whatever is wanted`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let world = World()
        world.limiter.setRate(1_024_000)
        var moved = Array(repeating: 0, count: 8)
        for who in moved.indices { moved[who] += world.request(who, 16_384) }
        for _ in 0..<2_000 {
            world.advance(Int.random(in: 1...9, using: &random))
            _ = world.limiter.serve()
            let given = world.given.withLock { given in
                defer { given = [] }
                return given
            }
            for (who, bytes) in given {
                moved[who] += bytes
                moved[who] += world.request(who, 16_384)
            }
        }
        let least = moved.min() ?? 0
        let most = moved.max() ?? 0
        #expect(most - least <= 3 * 10_240, "seed \(seed): \(moved)")
    }
}
