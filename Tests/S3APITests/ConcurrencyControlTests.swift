import TestSupport
import Testing

@testable import S3API

/// How many requests a service gets at once, by what becomes of them.
struct ConcurrencyControlTests {
    private static let kind = ConcurrencyControl.Kind("PUT", bytes: 4_096)

    /// A limit, and the time that it takes for what is told to it.
    private struct Played {
        var control: ConcurrencyControl
        var now = Duration.seconds(1)

        init(bound: Int) { control = ConcurrencyControl(bound: bound) }

        /// As many requests as there are places, one after the other ended, each of which took `latency` of its limit.
        mutating func round(latency: (Int) -> Double = { _ in 0.02 }) {
            let sentAt = now
            let limit = control.limit
            now += .milliseconds(20)
            for _ in 0..<limit {
                control.succeeded(sentAt: sentAt, kind, latency: .seconds(latency(limit)), at: now)
            }
        }

        /// All that are under way are refused.
        mutating func refusals() {
            let sentAt = now
            let limit = control.limit
            now += .milliseconds(20)
            for load in 1...limit { control.refused(sentAt: sentAt, load: limit + 1 - load, at: now) }
        }
    }

    @Test(arguments: [(1, 1), (8, 8), (32, 32), (256, 32), (512, 32), (0, 1)])
    func `it begins at 32, or at its bound`(bound: Int, limit: Int) {
        #expect(ConcurrencyControl(bound: bound).limit == limit)
    }

    @Test func `all refusals of one round trip halve it once`() {
        var played = Played(bound: 256)
        played.refusals()
        #expect(played.control.limit == 16)
        played.refusals()
        #expect(played.control.limit == 8)
        for _ in 0..<10 { played.refusals() }
        #expect(played.control.limit == 1)
    }

    @Test func `what was sent before it was halved does not halve it again`() {
        var played = Played(bound: 256)
        let before = played.now
        played.refusals()
        played.control.refused(sentAt: before, load: 32, at: played.now + .seconds(5))
        #expect(played.control.limit == 16)
    }

    @Test func `after a refusal it is soon a little below, stays there, and then feels its way up`() {
        var played = Played(bound: 256)
        played.refusals()
        var limits: [Int] = []
        for _ in 0..<26 {
            played.round()
            limits.append(played.control.limit)
        }
        #expect(limits == [23, 27, 29, 30] + Array(repeating: 30, count: 17) + [31, 32, 32, 48, 72])
    }

    @Test func `a service that was hasty once gets as many as before soon`() {
        var played = Played(bound: 256)
        for _ in 0..<20 { played.round() }
        #expect(played.control.limit == 256)
        played.refusals()
        #expect(played.control.limit == 128)
        var rounds = 0
        while played.control.limit < 256 {
            played.round()
            rounds += 1
        }
        // Little more than a second at 40 ms.
        #expect(rounds < 32)
    }

    @Test func `where few were under way one refusal costs a half at most`() {
        var played = Played(bound: 256)
        for _ in 0..<20 { played.round() }
        played.control.refused(sentAt: played.now, load: 1, at: played.now)
        #expect(played.control.limit == 64)
    }

    @Test func `it grows to its bound where latency is distance`() {
        var played = Played(bound: 200)
        for _ in 0..<14 { played.round() }
        #expect(played.control.limit == 200)
    }

    @Test func `it stays where it began where latency is all queue`() {
        var played = Played(bound: 256)
        var sum = 0
        for _ in 0..<1_000 {
            played.round { 0.0005 * Double($0) }
            sum += played.control.limit
        }
        #expect(sum < 34_000)
    }

    @Test func `what grew comes back when it does not pay any longer`() {
        var played = Played(bound: 256)
        for _ in 0..<20 { played.round() }
        #expect(played.control.limit == 256)
        for _ in 0..<400 { played.round { 0.0005 * Double($0) } }
        #expect(played.control.limit < 50)
    }

    @Test func `kinds of requests are not compared with each other`() {
        var played = Played(bound: 256)
        let head = ConcurrencyControl.Kind("HEAD", bytes: 0)
        for number in 0..<100 {
            // First all PUT, then more and more HEAD, of a tenth of the time.
            let sentAt = played.now
            let limit = played.control.limit
            played.now += .milliseconds(20)
            for place in 0..<limit {
                let isHead = place * 100 < limit * number
                let latency = (isHead ? 0.0005 : 0.005) * Double(limit)
                let kind = isHead ? head : Self.kind
                played.control.succeeded(sentAt: sentAt, kind, latency: .seconds(latency), at: played.now)
            }
            #expect(played.control.limit <= 48)
        }
    }

    @Test func `sizes within a factor of four are one kind`() {
        let sizes: [Int64] = [0, 1, 4_096, 16_383, 16_384, 65_535, 65_536, .max]
        #expect(sizes.map { ConcurrencyControl.Kind("PUT", bytes: $0).sizeClass } == [0, 1, 7, 7, 8, 8, 9, 32])
    }

    // MARK: In simulation

    /// The best that stands fast is the very limit: what is drawn is within the bound.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func `against a limit nobody knows it gets four fifths of the best fixed one`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limit = Int.random(in: 1...100, using: &random)
        let delay = Double.random(in: 0.002...0.08, using: &random)
        let work = Double.random(in: 0.002...0.08, using: &random)
        var control = ConcurrencyControl(bound: 256)
        var adaptive = ConcurrencySimulation(.refusesBeyond(limit), delay: delay, work: work, seed: seed)
        adaptive.run(&control, seconds: 12, settling: 4)
        var best = ConcurrencySimulation(.refusesBeyond(limit), delay: delay, work: work, seed: seed)
        best.run(fixed: limit, seconds: 12, settling: 4)
        let share = Double(adaptive.done) / Double(best.done)
        #expect(share > 0.8, "seed \(seed): limit \(limit), delay \(delay), work \(work)")
        #expect(adaptive.refusals * 10 < adaptive.done, "seed \(seed): limit \(limit), delay \(delay), work \(work)")
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `against a rate nobody knows it gets four fifths of that rate`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let delay = Double.random(in: 0.002...0.08, using: &random)
        let work = Double.random(in: 0.002...0.08, using: &random)
        let rate = Double.random(in: 2...100, using: &random) / (delay + work)
        let reserve = max(1, rate * Double.random(in: 0.05...1, using: &random))
        var control = ConcurrencyControl(bound: 256)
        let service = ConcurrencySimulation.Service.refusesFaster(rate: rate, reserve: reserve)
        var adaptive = ConcurrencySimulation(service, delay: delay, work: work, seed: seed)
        adaptive.run(&control, seconds: 12, settling: 4)
        let share = Double(adaptive.done) / (rate * 8)
        #expect(share > 0.8, "seed \(seed): rate \(rate), reserve \(reserve), delay \(delay), work \(work)")
        #expect(adaptive.refusals * 4 < adaptive.done, "seed \(seed): rate \(rate), reserve \(reserve)")
    }

    /// Two workers are busy with two requests; what is more only waits.
    @Test(arguments: 0..<3 as Range<UInt64>)
    func `before a queue it stays near its start`(seed: UInt64) {
        var control = ConcurrencyControl(bound: 256)
        var near = ConcurrencySimulation(.queues(workers: 2), delay: 0.0002, work: 0.0005, seed: seed)
        near.run(&control, seconds: 10, settling: 0)
        #expect(near.limitTimesSeconds / 10 < 36, "seed \(seed)")
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `over a distance of 40 ms it grows to its bound within a second`(seed: UInt64) {
        var control = ConcurrencyControl(bound: 256)
        var far = ConcurrencySimulation(.queues(workers: 2), delay: 0.04, work: 0.0002, seed: seed)
        far.run(&control, seconds: 1, settling: 0)
        #expect(control.limit == 256, "seed \(seed)")
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `a moment of refusals is over in two seconds`(seed: UInt64) {
        var control = ConcurrencyControl(bound: 256)
        let service = ConcurrencySimulation.Service.refusesDuring(2...2.1)
        var hasty = ConcurrencySimulation(service, delay: 0.02, work: 0.01, seed: seed)
        hasty.run(&control, seconds: 4.1, settling: 0)
        #expect(control.limit >= 200, "seed \(seed)")
    }
}
