import Synchronization
import TestSupport
import Testing

@testable import S3API

/// Who gets a place, and when.
struct ConcurrencyGateTests {
    private static let kind = ConcurrencyControl.Kind("PUT", bytes: 0)

    private static func gate(_ bound: Int) -> ConcurrencyGate {
        ConcurrencyGate(bound: bound, uptime: S3Environment.systemUptime)
    }

    private final class Order: Sendable {
        let numbers = Mutex<[Int]>([])
    }

    /// Places that are taken, as those see it who have them.
    private final class Taken: Sendable {
        private let counts = Mutex((all: 0, large: 0))

        func change(by one: Int, isLarge: Bool) -> (all: Int, large: Int) {
            counts.withLock { counts in
                counts.all += one
                if isLarge { counts.large += one }
                return counts
            }
        }
    }

    /// Returns when so many wait.
    private static func wait(_ gate: ConcurrencyGate, until count: Int) async {
        while gate.load.waiting < count { await Task.yield() }
    }

    @Test func `first come, first served`() async throws {
        let gate = Self.gate(1)
        let held = try #require(await gate.acquire(isLarge: false))
        let order = Order()
        await withTaskGroup { group in
            for number in 1...4 {
                group.addTask {
                    guard let place = await gate.acquire(isLarge: number.isMultiple(of: 2)) else { return }
                    order.numbers.withLock { $0.append(number) }
                    gate.release(place, .failed)
                }
                await Self.wait(gate, until: number)
            }
            gate.release(held, .failed)
        }
        #expect(order.numbers.withLock { $0 } == [1, 2, 3, 4])
        #expect(gate.load == (0, 0))
    }

    @Test func `large requests take a quarter of the places, and small ones pass them`() async throws {
        let gate = Self.gate(8)
        var places: [ConcurrencyGate.Place] = []
        for _ in 0..<2 { places.append(try #require(await gate.acquire(isLarge: true))) }
        let third = Task { await gate.acquire(isLarge: true) }
        await Self.wait(gate, until: 1)
        for _ in 0..<6 { places.append(try #require(await gate.acquire(isLarge: false))) }
        #expect(gate.load == (8, 1))
        #expect(
            places.map(\.load) == Array(1...8) && places.map(\.isFull) == Array(repeating: false, count: 7) + [true]
        )
        gate.release(places[0], .failed)
        #expect(await third.value?.isLarge == true)
    }

    @Test func `one large request passes however few places there are`() async throws {
        let gate = Self.gate(1)
        #expect(await gate.acquire(isLarge: true) != nil)
    }

    @Test func `who is cancelled leaves, and keeps nobody waiting`() async throws {
        let gate = Self.gate(1)
        let held = try #require(await gate.acquire(isLarge: false))
        let leaving = Task { await gate.acquire(isLarge: false) }
        await Self.wait(gate, until: 1)
        let staying = Task { await gate.acquire(isLarge: false) }
        await Self.wait(gate, until: 2)
        leaving.cancel()
        #expect(await leaving.value == nil)
        gate.release(held, .failed)
        #expect(await staying.value != nil)
        #expect(gate.load == (1, 0))
    }

    @Test func `who is cancelled already gets no place`() async {
        let gate = Self.gate(1)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await gate.acquire(isLarge: false)
        }
        #expect(await task.value == nil)
        #expect(gate.load == (0, 0))
    }

    @Test func `refusals take places away, and those who wait for a retry have others made ready`() async throws {
        let gate = Self.gate(32)
        #expect(gate.worthwhile == 32)
        let wide = Self.gate(256)
        #expect(wide.worthwhile == 41)
        let place = try #require(await wide.acquire(isLarge: false))
        wide.release(place, .throttled)
        #expect(wide.limit == 8)
        let waiting = Gate()
        let end = Gate()
        async let delayed: Void = wide.delaying {
            waiting.open()
            await end.wait()
        }
        await waiting.wait()
        #expect(wide.worthwhile == 12)
        end.open()
        await delayed
        #expect(wide.worthwhile == 11)
    }

    private static let endings: [ConcurrencyGate.Ending] = [
        .answered(kind, isTelling: true), .answered(kind, isTelling: false), .throttled, .failed,
    ]

    /// Tasks come, hold a place for a while, and are cancelled at any time.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `no place is lost or given twice, whoever is cancelled when`(seed: UInt64) async {
        let bound = 8
        let gate = Self.gate(bound)
        let taken = Taken()
        var random = SeededGenerator(seed: seed)
        var tasks: [Task<Void, Never>] = []
        for _ in 0..<500 {
            let isLarge = Int.random(in: 0..<4, using: &random) == 0
            let turns = Int.random(in: 0..<4, using: &random)
            let ending = Self.endings[Int.random(in: 0..<Self.endings.count, using: &random)]
            tasks.append(
                Task {
                    guard let place = await gate.acquire(isLarge: isLarge) else { return }
                    let counts = taken.change(by: 1, isLarge: isLarge)
                    #expect(counts.all <= bound && counts.large <= bound / 4, "seed \(seed)")
                    for _ in 0..<turns { await Task.yield() }
                    _ = taken.change(by: -1, isLarge: isLarge)
                    gate.release(place, ending)
                }
            )
            if Int.random(in: 0..<3, using: &random) == 0 {
                tasks[Int.random(in: 0..<tasks.count, using: &random)].cancel()
            }
            if Int.random(in: 0..<8, using: &random) == 0 { await Task.yield() }
        }
        for task in tasks { await task.value }
        #expect(gate.load == (0, 0), "seed \(seed)")
        #expect((1...bound).contains(gate.limit), "seed \(seed)")
    }
}
