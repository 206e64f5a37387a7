import Glibc
import SyncEngine
import TestSupport
import Testing

/// The n-th call across any seam fails, for every n and every kind of failure: nothing is lost, mixed or left behind, and
/// when the fault is gone the next cycles end in equality.
struct FaultSweepTests {
    /// More calls than any scenario has.
    private static let maximum = 2_000
    /// What a call may fail with; EINTR never gets here, since the system calls are made again.
    private static let errors = [EIO, ENOSPC, EDQUOT, EACCES, EMFILE, ESTALE]

    @Test(arguments: SweepScenario.all)
    func `any call fails once`(scenario: SweepScenario) async throws {
        let count = try await sweep(scenario) { .fail(call: $0, errno: Self.errors[$0 % Self.errors.count]) }
        print("fault sweep   \(scenario): \(count) calls failed once")
    }

    @Test(arguments: SweepScenario.all)
    func `any call fails, and so do all of its kind after it`(scenario: SweepScenario) async throws {
        let count = try await sweep(scenario) {
            .fail(call: $0, errno: Self.errors[($0 + 3) % Self.errors.count], times: .max)
        }
        print("fault sweep   \(scenario): \(count) calls failed for good")
    }

    @Test(arguments: SweepScenario.all)
    func `any effect takes place and its answer is lost`(scenario: SweepScenario) async throws {
        let count = try await sweep(scenario) { .loseAnswer(effect: $0) }
        print("fault sweep   \(scenario): \(count) answers lost")
    }

    @Test(arguments: errors)
    func `every kind of failure at every call of a ranged download`(errno: CInt) async throws {
        let scenario = SweepScenario(
            description: "a large file, down",
            direction: .down,
            before: ["large": "abcdefghijklmnopqrstuv"],
            after: ["large": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
        )
        let count = try await sweep(scenario) { .fail(call: $0, errno: errno) }
        print("fault sweep   \(scenario), errno \(errno): \(count) calls failed once")
    }

    /// - Returns: how many faults were met.
    private func sweep(_ scenario: SweepScenario, _ event: (Int) -> SeamPlan.Event) async throws -> Int {
        var count = 0
        for number in 1...Self.maximum {
            // Other tests share these threads.
            await Task.yield()
            let world = try scenario.makeWorld(concurrency: 1)
            world.seams.plan(event(number))
            scenario.run(world)
            let (hit, effects) = (world.seams.hit, world.seams.effects)
            world.seams.plan(nil)
            if let hit {
                count += 1
                let place = "\(scenario): \(event(number)), \(hit.name)"
                scenario.checkAnyTime(world, place)
                scenario.settle(world, place)
            } else if effects < number {
                #expect(count > 5, "\(scenario): hardly a call to fail")
                return count
            }
        }
        Issue.record("\(scenario): the calls did not come to an end")
        return Self.maximum
    }
}
