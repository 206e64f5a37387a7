import ArgumentParser
import Dispatch
import Foundation
import Simulation
import Synchronization

/// `make simulate`: plays one history after the other, and says which of them end as they must not.
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

    @Option(help: "How many are played at once.")
    var jobs: Int = ProcessInfo.processInfo.activeProcessorCount

    @Option(help: "End after so many failures.")
    var failures = 10

    @Flag(help: "Print each call and each edit.")
    var trace = false

    func validate() throws {
        guard seeds > 0, jobs > 0, failures > 0 else { throw ValidationError("every number must be at least 1") }
    }

    func run() throws {
        let start = ContinuousClock.now
        let tally = Tally(seeds: first..<(first + seeds), maximumFailures: failures)
        DispatchQueue.concurrentPerform(iterations: trace ? 1 : jobs) { _ in play(tally) }
        let seconds = Double((ContinuousClock.now - start).components.seconds)
        let (played, failed, error) = tally.end
        if let error { throw error }
        print("\(played) histories from seed \(first) in \(Int(seconds)) s: \(failed) failed")
        if failed > 0 { throw ExitCode.failure }
    }

    private func play(_ tally: Tally) {
        do {
            let equipment = try Simulation.Equipment()
            while let seed = tally.next() {
                let simulation = try Simulation(seed: seed, with: equipment, keepsLines: trace)
                let complaint = try simulation.play()
                for line in simulation.journal.lines { print(line) }
                tally.note(
                    complaint.map { "seed \(seed): \($0)\n  \(simulation.scenario)\n  make simulate SEED=\(seed)" }
                )
            }
        } catch {
            tally.fail(error)
        }
    }
}

/// What is still to be played, and how it went so far.
private final class Tally: Sendable {
    private struct State {
        var rest: Range<UInt64>
        var played = 0
        var failed = 0
        var error: (any Error)?
    }

    private let state: Mutex<State>
    private let maximumFailures: Int

    init(seeds: Range<UInt64>, maximumFailures: Int) {
        state = Mutex(State(rest: seeds))
        self.maximumFailures = maximumFailures
    }

    /// Nil where nothing is left, or enough has failed.
    func next() -> UInt64? {
        state.withLock { state in
            guard state.failed < maximumFailures, state.error == nil else { return nil }
            return state.rest.popFirst()
        }
    }

    /// `complaint` is nil for a history that ended well.
    func note(_ complaint: String?) {
        state.withLock { state in
            state.played += 1
            guard let complaint else { return }
            state.failed += 1
            print(complaint)
            fflush(nil)
        }
    }

    /// Something that is no matter of syncd's: a database in memory that cannot be made.
    func fail(_ error: any Error) { state.withLock { $0.error = error } }

    var end: (played: Int, failed: Int, error: (any Error)?) {
        state.withLock { ($0.played, $0.failed, $0.error) }
    }
}
