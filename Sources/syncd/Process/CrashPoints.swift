import Glibc
import SyncEngine
import Synchronization
import Text

/// Ends the process, as `kill -9` would, at a numbered place between two effects: for tests of what a crash leaves.
///
/// `SYNCD_CRASH_AT=12` ends it at the twelfth place that it passes, and says on standard error which that was. A test
/// counts up until a run ends by itself: then it has tried them all.
final class CrashPoints: SeamObserver {
    static let variable = "SYNCD_CRASH_AT"

    private let fatal: Int
    private let passed = Atomic(0)

    /// Nil unless the environment asks for a crash.
    init?(_ environment: ProcessEnvironment) {
        guard let number = environment[Self.variable].flatMap({ Int($0) }), number > 0 else { return nil }
        fatal = number
    }

    func before(_ call: SeamCall) { pass("before", call) }
    func after(_ call: SeamCall) { pass("after", call) }

    private func pass(_ moment: String, _ call: SeamCall) {
        guard call.isEffect else { return }
        let number = passed.add(1, ordering: .relaxed).newValue
        guard number == fatal else { return }
        writeAll(
            STDERR_FILENO,
            Array("crash point \(number): \(moment) \(call.name) \(escaped(call.subject))\n".utf8)
        )
        kill(getpid(), SIGKILL)
    }
}
