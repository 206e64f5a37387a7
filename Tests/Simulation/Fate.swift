import Glibc
import SyncEngine
import Synchronization
import TestSupport

/// What becomes of one machine's calls: some fail, some answers are lost, users' hands come between two of them, and at one
/// of them the machine dies.
final class Fate: SeamObserver, @unchecked Sendable {
    // @unchecked: everything runs on the simulation's one thread.

    /// What the next cycle is to meet.
    struct Plan {
        /// One call in so many fails; nil for none.
        var faultRate: UInt64?
        /// One effect in so many takes place and seems to fail; nil for none.
        var lossRate: UInt64?
        /// The effect, from 1, before which the machine dies; nil for none.
        var death: Int?
        /// Whether one cycle runs, and no reaction beside it that observes for itself.
        var isAlone = true
    }

    private let number: Int
    private let journal: SimulationJournal
    private var generator: SeededGenerator
    private var plan = Plan()
    private var effects = 0
    /// From its death to its next start nothing is done any more.
    private(set) var isDead = false
    /// Calls that were made to fail since the plan was made.
    private(set) var failures: [SeamCall] = []
    /// True until the first step that carries something out, or compares contents.
    private var isObserving = true
    /// What this machine did though what it had seen was no reason for it; nil for nothing.
    private(set) var violation: String?
    /// What others do just before a call.
    var meddle: (() -> Void)?

    init(number: Int, seed: UInt64, journal: SimulationJournal) {
        self.number = number
        self.journal = journal
        generator = SeededGenerator(seed: seed)
    }

    func meet(_ plan: Plan) {
        self.plan = plan
        (effects, isDead, failures, isObserving) = (0, false, [], true)
    }

    func before(_ call: SeamCall) throws(SeamFailure) {
        meddle?()
        if isDead { throw SeamFailure(errno: EIO) }
        journal.note(number, call)
        judge(call)
        if call.isEffect {
            effects += 1
            if effects == plan.death {
                isDead = true
                throw SeamFailure(errno: EIO)
            }
        }
        if let rate = plan.faultRate, generator.next() % rate == 0 {
            // Later these look at one path only.
            if isObserving || !["readDirectory", "list"].contains(call.name) { failures.append(call) }
            throw SeamFailure(errno: [EIO, EACCES, ENOSPC, ESTALE, EMFILE][Int(generator.next() % 5)])
        }
    }

    /// Effects that a cycle has before it carries anything out.
    private static let preparations: Set<String> = [
        "commit", "writeRootID", "synchronize", "synchronizeDirectory", "synchronizeAll",
    ]

    /// Absence is evidence only if the observation was complete.
    private func judge(_ call: SeamCall) {
        guard plan.isAlone else { return }
        if call.isEffect ? !Self.preparations.contains(call.name) : call.name == "open" { isObserving = false }
        let deletesLocal = call.name == "rename" && call.subject.starts(with: Array(".syncd-trash/".utf8))
        if deletesLocal || call.name == "delete", failures.contains(where: { $0.name == "list" }) {
            violation = "\(call.name) after a listing that failed"
        }
        let unread = failures.filter { $0.name == "readDirectory" }.map(\.subject)
        if call.name == "delete", unread.contains(where: { call.subject.starts(with: $0) }) {
            violation = "an object was deleted whose directory was not read"
        }
    }

    func after(_ call: SeamCall) throws(SeamFailure) {
        guard !isDead, call.isEffect, let rate = plan.lossRate, generator.next() % rate == 0 else { return }
        failures.append(call)
        throw SeamFailure(errno: ETIMEDOUT)
    }
}

/// All that happened, in its order: as a number that is equal for equal runs, and as lines where they are wanted.
public final class SimulationJournal: @unchecked Sendable {
    // @unchecked: everything runs on the simulation's one thread.

    private let keepsLines: Bool
    public private(set) var lines: [String] = []
    /// FNV-1a of all lines.
    public private(set) var fingerprint: UInt64 = 0xCBF2_9CE4_8422_2325

    init(keepsLines: Bool) {
        self.keepsLines = keepsLines
    }

    func note(_ machine: Int, _ call: SeamCall) {
        absorb([UInt8(truncatingIfNeeded: machine)])
        absorb(call.name.utf8)
        absorb(call.subject)
        if keepsLines {
            lines.append("machine \(machine): \(call.name) \(String(decoding: call.subject, as: UTF8.self))")
        }
    }

    func note(_ text: @autoclosure () -> String) {
        let text = text()
        absorb(text.utf8)
        if keepsLines { lines.append(text) }
    }

    private func absorb(_ bytes: some Swift.Sequence<UInt8>) {
        for byte in bytes { fingerprint = (fingerprint ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
