import Glibc
import SyncEngine
import Text

/// A process that syncs, told from any later one with the same id.
struct ProcessIdentity: Hashable, Sendable {
    var pid: Int64
    /// Clock ticks from boot to the start of the process: field 22 of `/proc/PID/stat`.
    var startTicks: Int64
    /// Of the boot that these ticks count from; empty where it could not be read, as in a service with `ProcSubset=pid`.
    var bootID: String

    /// The process with that id; nil where there is none.
    static func of(pid: Int64) -> ProcessIdentity? {
        guard let stat = contents("/proc/\(pid)/stat", limit: 4_096),
            let ticks = startTicks(stat: stat)
        else { return nil }
        let boot = contents("/proc/sys/kernel/random/boot_id", limit: 64) ?? []
        let bootID = String(decoding: boot.prefix { $0 != 0x0A }, as: UTF8.self)
        return ProcessIdentity(pid: pid, startTicks: ticks, bootID: bootID)
    }

    /// The command's name in field 2 may hold spaces and parentheses: fields count from the last `)`.
    static func startTicks(stat: [UInt8]) -> Int64? {
        guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(end + 1)...].split(separator: 0x20)
        guard fields.count > 19 else { return nil }
        return Int64(String(decoding: fields[19], as: UTF8.self))
    }

    /// True while the process lives.
    var isAlive: Bool { Self.of(pid: pid)?.isSame(as: self) ?? false }

    /// True if both tell of one process, as far as both know the boot.
    func isSame(as other: ProcessIdentity) -> Bool {
        pid == other.pid && startTicks == other.startTicks
            && (bootID == other.bootID || bootID.isEmpty || other.bootID.isEmpty)
    }
}

/// What the files of a state directory say.
struct RecordedStatus: Sendable {
    /// Nil where nothing was ever synced here.
    var document: StatusDocument?
    /// When it was written.
    var writtenAt: UnixTime?
    /// Since when a process syncs; nil where none does.
    var runningSince: UnixTime?
}

/// `status.json` and `process.json` in a state directory: written by the process that syncs, read by any other without
/// a lock.
struct StatusFile: Sendable {
    /// In bytes: a larger one is not read.
    private static let maximumSize = 256 << 20

    let directory: String

    private var document: String { "\(directory)/status.json" }
    private var process: String { "\(directory)/process.json" }

    /// - Throws: `.failed` where it cannot be written; the status before stays.
    func write(_ status: StatusDocument) throws(CycleFailure) {
        try replace(document, with: status.json)
    }

    /// Notes that this process syncs from now on.
    func noteProcess(startedAt: UnixTime) throws(CycleFailure) {
        guard let own = ProcessIdentity.of(pid: Int64(getpid())) else { return }
        try replace(
            process,
            with: .object([
                JSONMember("pid", .integer(own.pid)),
                JSONMember("startTicks", .integer(own.startTicks)),
                JSONMember("bootId", .string(own.bootID)),
                JSONMember("startedAt", .string(Format.timestamp(startedAt))),
            ])
        )
    }

    func forgetProcess() {
        unlink(process)
    }

    /// - Throws: `.failed` where there is a file that cannot be read.
    func read() throws(CycleFailure) -> RecordedStatus {
        var recorded = RecordedStatus()
        var status = stat()
        if stat(document, &status) == 0 {
            let modified = status.st_mtim
            recorded.writtenAt = UnixTime(seconds: Int64(modified.tv_sec), nanoseconds: Int64(modified.tv_nsec))
        } else if errno != ENOENT {
            throw CycleFailure(code: .stateDirectory, message: "cannot read \(document): \(reason(errno))")
        }
        if let json = try readJSON(document) {
            guard let document = StatusDocument(json: json) else {
                throw CycleFailure(
                    code: .stateDirectory,
                    message: "\(document) is not of this version's making; it is written anew by `syncd --once`"
                )
            }
            recorded.document = document
        }
        if let json = try readJSON(process), let identity = ProcessIdentity(json: json), identity.isAlive {
            recorded.runningSince = json["startedAt"]?.text.flatMap { Format.time($0) }
        }
        return recorded
    }

    /// Nil where there is no such file.
    private func readJSON(_ path: String) throws(CycleFailure) -> JSONValue? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw CycleFailure(code: .stateDirectory, message: "cannot read \(path): \(reason(errno))")
        }
        defer { close(descriptor) }
        guard let bytes = readAll(descriptor, limit: Self.maximumSize), bytes.count <= Self.maximumSize else {
            throw CycleFailure(code: .stateDirectory, message: "cannot read \(path): \(reason(errno))")
        }
        do {
            return try JSONParser.parse(bytes)
        } catch {
            throw CycleFailure(code: .stateDirectory, message: "\(path), line \(error.line): \(error.message)")
        }
    }

    /// Readers see the old content or the new one, never a part. Not flushed: after a power cut the next cycle writes
    /// it anew.
    private func replace(_ path: String, with json: JSONValue) throws(CycleFailure) {
        let temporary = "\(path).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw CycleFailure(code: .stateDirectory, message: "cannot write \(temporary): \(advice(errno))")
        }
        let isWritten = writeAll(descriptor, json.serialized + [0x0A])
        let code = errno
        close(descriptor)
        guard isWritten else {
            unlink(temporary)
            throw CycleFailure(code: .stateDirectory, message: "cannot write \(temporary): \(advice(code))")
        }
        guard rename(temporary, path) == 0 else {
            throw CycleFailure(code: .stateDirectory, message: "cannot replace \(path): \(advice(errno))")
        }
    }
}

/// The kernel's words, and what to do where they leave no doubt of it.
private func advice(_ code: CInt) -> String {
    code == ENOSPC || code == EDQUOT ? "\(reason(code)): make room and run again" : reason(code)
}

extension ProcessIdentity {
    init?(json: JSONValue) {
        guard let pid = json["pid"]?.integer, let ticks = json["startTicks"]?.integer,
            let bootID = json["bootId"]?.text
        else { return nil }
        self.init(pid: pid, startTicks: ticks, bootID: bootID)
    }
}

extension StatusDocument {
    /// The configured folders in their order, each as it was last seen, or as never synced.
    init(_ recorded: RecordedStatus, configuration: Configuration, now: UnixTime) {
        let running = recorded.runningSince != nil
        let age = recorded.writtenAt.map { max(0, now.since($0).components.seconds) } ?? 0
        self.init(
            running: running,
            folders: configuration.folders.map { configured in
                let known = recorded.document?.folders.first { $0.describes(configured) }
                guard var folder = known else { return FolderStatus(configured) }
                folder.oldestUnsyncedSeconds = folder.oldestUnsyncedSeconds.map { $0 + age }
                folder.agedAt = now
                if !running, folder.state == .scanning || folder.state == .transferring { folder.state = .idle }
                return folder
            }
        )
    }
}

private func contents(_ path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return readAll(descriptor, limit: limit)
}
