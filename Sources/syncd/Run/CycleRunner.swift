import SyncEngine

/// Whether a cycle changes anything.
enum CycleMode: Sendable {
    case apply
    /// Observe and decide, then tell: at most `maxRows` of the changes row by row, all of them in the counts. Nothing is
    /// written to either side.
    case planOnly(maxRows: Int)
}

/// The engine, as far as commands need it: one piece of work on one folder at a time.
protocol CycleRunner: Sendable {
    /// Runs one cycle. What goes wrong is in the report. `stop` ends the cycle orderly, with
    /// ``CycleRecord/Result/interrupted``; cancelling the task breaks off requests as well. `progress` may be read by any
    /// thread meanwhile.
    func run(_ folder: Folder, mode: CycleMode, progress: CycleProgress, until stop: StopSignal) async -> CycleReport
    /// Reads every file again, and with `readsObjects` every object, and tells what is not as it was agreed on. It
    /// writes nothing. What goes wrong is in the report; `stop` ends it as it does a cycle.
    func verify(
        _ folder: Folder,
        readsObjects: Bool,
        progress: CycleProgress,
        until stop: StopSignal
    ) async -> VerifyReport
    /// What is known of one path. It writes nothing.
    func explain(_ folder: Folder, _ path: RelativePath) async throws(CycleFailure) -> Explanation
    /// Notes whether the operator wants a folder to rest.
    func setPaused(_ folder: Folder, _ isPaused: Bool) async throws(CycleFailure)
    /// Approves what waits in a halted folder, for 24 hours.
    func approve(_ folder: Folder) async throws(CycleFailure) -> Approval
}

/// Makes the runner once the state directory is locked: opens the index, prepares the client.
typealias CycleRunnerFactory = @Sendable (Configuration) async throws(CycleFailure) -> any CycleRunner
