import ArgumentParser
import Foundation
import Simulation

/// `make simulate`: plays one history after the other and stops at those that end wrongly.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Play random histories of a folder, and say which of them end as they must not."
    )

    @Option(help: "How many seeds are played.")
    var seeds: UInt64 = 20_000

    @Option(help: "The first of them.")
    var first: UInt64 = 1

    @Option(help: "Processes that share the work.")
    var jobs: UInt64 = UInt64(ProcessInfo.processInfo.activeProcessorCount)

    @Option(help: "Stop after so many failures.")
    var failures = 10

    @Flag(help: "Print each call and each edit.")
    var trace = false

    mutating func run() throws {
        let start = ContinuousClock.now
        var failed: [UInt64] = []
        let equipment = try Simulation.Equipment()
        for seed in first..<(first + seeds) {
            let simulation = try Simulation(seed: seed, with: equipment, keepsLines: trace)
            let complaint = try simulation.play()
            for line in simulation.journal.lines { print(line) }
            if trace { print("seed \(seed): \(simulation.scenario)") }
            guard let complaint else { continue }
            failed.append(seed)
            print("seed \(seed) FAILED: \(complaint)\n  \(simulation.scenario)\n  make simulate SEED=\(seed)")
            if failed.count >= failures { break }
        }
        let seconds = (ContinuousClock.now - start).components.seconds
        print("\(seeds) seeds from \(first) in \(seconds) s: \(failed.count) failed")
        if !failed.isEmpty { throw ExitCode.failure }
    }
}
