import Glibc
import Logging
import SyncEngine
import Synchronization
import Text

@testable import syncd

/// A directory that goes with its last reference.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/syncdTests.XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/nonexistent"
        }
    }

    deinit {
        removeTree(path)
    }

    /// Creates a file of that content and mode. - Returns: its path.
    @discardableResult
    func file(_ name: String, _ content: String, mode: mode_t = 0o600) -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        writeAll(descriptor, Array(content.utf8))
        fchmod(descriptor, mode)
        close(descriptor)
        return file
    }

    func directory(_ name: String) -> String {
        mkdir("\(path)/\(name)", 0o700)
        return "\(path)/\(name)"
    }

    /// Empty where there is none.
    func content(_ name: String) -> String {
        let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        return String(decoding: readAll(descriptor, limit: 1 << 20) ?? [], as: UTF8.self)
    }
}

private func removeTree(_ path: String) {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        if unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
    }
    closedir(directory)
    rmdir(path)
}

/// Everything that was written to a console.
final class Transcript: Sendable {
    private let written = Mutex((output: [UInt8](), errors: [UInt8]()))

    func console(isTerminal: Bool = false, usesColour: Bool = false, width: Int = 120) -> Console {
        Console(isTerminal: isTerminal, usesColour: usesColour, width: width) { stream, bytes in
            self.written.withLock { written in
                switch stream {
                case .output: written.output += bytes
                case .errors: written.errors += bytes
                }
            }
            return true
        }
    }

    var output: String { written.withLock { String(decoding: $0.output, as: UTF8.self) } }
    var errors: String { written.withLock { String(decoding: $0.errors, as: UTF8.self) } }
}

/// A clock that stands still unless it is told, and whose sleepers wait until they are cancelled.
final class StillClock: EngineClock {
    private let time: Mutex<UnixTime>

    init(_ timestamp: String = "2026-11-22T12:16:00.000Z") {
        time = Mutex(Format.time(timestamp) ?? UnixTime(nanoseconds: 0))
    }

    func now() -> UnixTime { time.withLock(\.self) }

    func advance(_ duration: Duration) {
        time.withLock { $0.nanoseconds += duration.components.seconds * 1_000_000_000 }
    }

    func sleep(for duration: Duration) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
        _ = continuation
        throw CancellationError()
    }
}

/// An engine that answers from a list.
struct ScriptedRunner: CycleRunner {
    var reports: [String: CycleReport] = [:]
    var approval: Result<Approval, CycleFailure> = .failure(CycleFailure(code: .index, message: "not scripted"))
    var verifications: [String: VerifyReport] = [:]
    var duringRun: @Sendable (Folder, CycleMode, CycleProgress) async -> Void = { _, _, _ in }

    func run(
        _ folder: Folder,
        mode: CycleMode,
        progress: CycleProgress,
        until stop: StopSignal
    ) async -> CycleReport {
        await duringRun(folder, mode, progress)
        return reports[folder.name]
            ?? report(.failed, failure: CycleFailure(code: .index, message: "no report for \(folder.name)"))
    }

    func verify(
        _ folder: Folder,
        readsObjects: Bool,
        progress: CycleProgress,
        until stop: StopSignal
    ) async -> VerifyReport {
        let failure = CycleFailure(code: .index, message: "no report for \(folder.name)")
        let now = time("2026-11-22T12:00:00.000Z")
        return verifications[folder.name] ?? VerifyReport(startedAt: now, finishedAt: now, failure: failure)
    }

    func explain(_ folder: Folder, _ path: RelativePath) async throws(CycleFailure) -> Explanation {
        throw CycleFailure(code: .index, message: "not scripted")
    }

    func setPaused(_ folder: Folder, _ isPaused: Bool) async throws(CycleFailure) {
        throw CycleFailure(code: .index, message: "not scripted")
    }

    func approve(_ folder: Folder) async throws(CycleFailure) -> Approval {
        try approval.get()
    }
}

func time(_ timestamp: String) -> UnixTime {
    Format.time(timestamp) ?? UnixTime(nanoseconds: .min)
}

/// A report of a cycle from 12:00:00 to 12:00:28 UTC.
func report(
    _ result: CycleRecord.Result,
    uploaded: Int64 = 0,
    bytesUp: Int64 = 0,
    deletedRemote: Int64 = 0,
    pending: ChangeCounts = ChangeCounts(),
    problems: [KnownProblem] = [],
    halt: Halt? = nil,
    failure: CycleFailure? = nil,
    planned: [PlannedChange] = []
) -> CycleReport {
    CycleReport(
        record: CycleRecord(
            startedAt: time("2026-11-22T12:00:00.000Z"),
            finishedAt: time("2026-11-22T12:00:28.000Z"),
            result: result,
            uploaded: uploaded,
            deletedRemote: deletedRemote,
            bytesUp: bytesUp,
            requests: ["PUT": uploaded, "COPY": 1]
        ),
        pending: pending,
        skipped: 2,
        problems: problems,
        halt: halt,
        failure: failure,
        counts: failure == nil
            ? FolderCounts(entries: 48_210, bytes: 212 << 30, attention: 0)
            : FolderCounts(entries: 0, bytes: 0, attention: 0),
        planned: planned
    )
}

func problem(_ path: [UInt8], _ kind: Problem.Kind, _ message: String) -> KnownProblem {
    KnownProblem(
        problem: Problem(path: path, side: .local, kind: kind, message: message),
        since: time("2026-11-22T09:14:00.000Z")
    )
}

/// An environment of just these variables.
func environment(_ variables: [String: String] = [:], isRoot: Bool = true) -> ProcessEnvironment {
    ProcessEnvironment(isRoot: isRoot) { variables[$0] }
}

/// A configuration of folders `photos` (up) and `backups` (down) below `directory`, with keys.
func sampleConfiguration(in directory: String, file: String = "/etc/syncd/config.json") throws -> Configuration {
    let text = """
        {"connection": {"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "\(canary)"},
         "stateDirectory": "\(directory)/state",
         "folders": [
           {"name": "photos", "path": "/srv/photos", "bucket": "family", "prefix": "photos", "delete": true},
           {"name": "backups", "path": "/var/backups", "bucket": "nas-backups", "direction": "down"}]}
        """
    return try ConfigurationReader.read(
        JSONParser.parse(Array(text.utf8)),
        file: file,
        environment: environment()
    )
}

/// A secret that must turn up in no output.
let canary = "CANARY/secret+1234567890"

let quietLog = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
