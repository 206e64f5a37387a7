import Glibc
import Logging
import Text

/// Log lines on standard error: `level: message key=value …`, with the priority in front where systemd's journal reads.
struct StandardErrorLog: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    /// True if lines begin with `<N>`, N being syslog's priority (sd-daemon(3)).
    let hasPriority: Bool
    private let send: @Sendable ([UInt8]) -> Void

    init(
        level: Logger.Level,
        hasPriority: Bool,
        send: @escaping @Sendable ([UInt8]) -> Void = { writeAll(STDERR_FILENO, $0) }
    ) {
        logLevel = level
        self.hasPriority = hasPriority
        self.send = send
    }

    /// To the journal everything from `info` on, elsewhere warnings: there the commands themselves speak.
    static func standard(_ environment: ProcessEnvironment, isVerbose: Bool) -> StandardErrorLog {
        let journal = isJournal(environment["JOURNAL_STREAM"])
        return StandardErrorLog(level: isVerbose ? .debug : journal ? .info : .warning, hasPriority: journal)
    }

    /// True if standard error is the stream that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)): the
    /// variable alone is inherited by processes whose standard error is another one.
    private static func isJournal(_ stream: String?) -> Bool {
        var status = stat()
        guard let stream, fstat(STDERR_FILENO, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let values = fields.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
        let front = hasPriority ? "<\(Self.priority(event.level))>" : "\(event.level): "
        send(Array("\(front)\(printable("\(event.message)"))\(values)\n".utf8))
    }

    private static func quoted(_ value: String) -> String {
        let text = printable(value)
        let isPlain = !text.isEmpty && !text.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        return isPlain
            ? text
            : "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: #"\""#) + "\""
    }

    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
