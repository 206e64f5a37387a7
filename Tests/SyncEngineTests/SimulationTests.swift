import Simulation
import Testing

/// A few of the histories that `make simulate` plays by the ten thousand, in the debug build, whose checks it lacks.
struct SimulationTests {
    /// In one test after the other, so that others have their turn.
    @Test func `whatever users, faults, crashes and power cuts do, no version is lost and the sides end equal`()
        async throws
    {
        let equipment = try Simulation.Equipment()
        for seed in UInt64(1)...200 {
            let simulation = try Simulation(seed: seed, with: equipment)
            let complaint = try simulation.play()
            #expect(complaint == nil, "seed \(seed): make simulate SEED=\(seed)")
            await Task.yield()
        }
    }

    @Test func `one seed makes one history, to the last call`() async throws {
        let equipment = try Simulation.Equipment()
        for seed in UInt64(1)...20 {
            let histories = try (1...2).map { _ in
                let simulation = try Simulation(seed: seed, with: equipment, keepsLines: true)
                _ = try simulation.play()
                return simulation.journal
            }
            #expect(histories[0].lines == histories[1].lines, "seed \(seed)")
            #expect(histories[0].fingerprint == histories[1].fingerprint, "seed \(seed)")
            #expect(histories[0].lines.count > 50, "seed \(seed): nothing happens")
            await Task.yield()
        }
    }

    @Test func `seeds differ in what they draw`() throws {
        let equipment = try Simulation.Equipment()
        let scenarios = try (UInt64(1)...100).map { try "\(Simulation(seed: $0, with: equipment).scenario)" }
        #expect(Set(scenarios).count > 90)
        for trait in [
            "both, 2 machine(s)", "up, 1", "down, 1", "unguarded", "opaque", "in parts", "swaps", "tick 2000000000",
        ] {
            #expect(scenarios.contains { $0.contains(trait) }, "none of them is \"\(trait)\"")
        }
    }
}
