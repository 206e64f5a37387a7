import TestSupport
import Testing

@testable import SyncEngine

struct DenialFilterTests {
    /// Tries the jobs `0..<count` one after the other. - Returns: those that were tried, in order.
    private func tries(_ count: Int, maximumStride: Int = 1_000, isDenied: (Int) -> Bool) async throws -> [Int] {
        var filter = DenialFilter<Int>(maximumStride: maximumStride)
        var rest = (0..<count).makeIterator()
        var tried: [Int] = []
        repeat {
            while let job = try await filter.next({ rest.next() }) {
                tried.append(job)
                filter.note(isDenial: isDenied(job))
            }
        } while filter.hasMore
        return tried
    }

    @Test func `where all is denied few are asked for`() async throws {
        #expect(try await tries(20) { _ in true }.count == 20)
        #expect(try await tries(100_000) { _ in true }.count < 150)
        let few = try await tries(10_000, maximumStride: 16) { _ in true }
        #expect(few.count < 10_000 / 16 + 30)
    }

    @Test func `where nothing is denied all have their turn in order`() async throws {
        #expect(try await tries(1_000) { _ in false } == Array(0..<1_000))
        #expect(try await tries(1_000) { $0 % 3 == 0 } == Array(0..<1_000))
    }

    /// Whatever is denied in one block, what lies beyond it is tried.
    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func `all that is granted has its turn, once`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let count = Int.random(in: 1...600, using: &random)
            let start = Int.random(in: 0..<count, using: &random)
            let end = Int.random(in: start..<count, using: &random)
            let tried = try await tries(count) { (start..<end).contains($0) }
            #expect(Set(tried).count == tried.count, "seed \(seed)")
            let granted = Set((0..<count).filter { !(start..<end).contains($0) })
            #expect(granted.subtracting(tried).isEmpty, "seed \(seed): \(count) \(start) \(end)")
        }
    }
}
