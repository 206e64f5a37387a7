import SyncEngine
import Text

/// What verifying shows of one folder: a pure step from a report to lines, and to JSON.
struct VerifyScreen {
    /// At most so many findings are shown to people; JSON has all that the report keeps.
    static let maximumRows = 1_000

    var folder: ConfiguredFolder
    var report: VerifyReport
    var readsObjects: Bool
    var console: Console

    /// The first is to stand behind the folder's name.
    var lines: [String] {
        let shown = report.findings.prefix(Self.maximumRows)
        let paths = shown.map { escaped($0.path.bytes) }
        let width = min(paths.map(\.count).max() ?? 0, max(20, console.width - 44))
        var lines = [summary]
        for (finding, path) in zip(shown, paths) {
            let (sign, word) = finding.kind.words
            lines.append(
                "\(sign) \(Columns.pad(word, to: 12))\(Columns.pad(path, to: width))   "
                    + "\(Columns.pad(finding.side.words, to: 10))\(printable(finding.message))"
            )
        }
        let more = Int64(report.findings.count - shown.count) + report.furtherFindings
        if more > 0 { lines.append("  … and \(Format.count(more)) more") }
        if report.unverifiable > 0 { lines.append("  \(unverifiable)") }
        return lines
    }

    /// `48,210 files verified, 212 GiB read here · 41 min · 3 differ`
    private var summary: String {
        var done = "nothing verified"
        if report.entries > 0 || report.isComplete {
            done = "\(Format.count(report.verified, "file")) verified, \(Format.size(report.bytesRead)) read here"
            if readsObjects { done += ", \(Format.size(report.bytesFetched)) in the bucket" }
        }
        var parts = [done, Format.elapsed(report.finishedAt.since(report.startedAt))]
        if report.notSynced > 0 { parts.append("\(Format.count(report.notSynced)) not synced yet") }
        if report.unverifiable > 0 { parts.append("\(Format.count(report.unverifiable)) unverifiable") }
        if report.faulty > 0 {
            let verb = report.faulty == 1 ? "differs" : "differ"
            parts.append(console.colour("\(Format.count(report.faulty)) \(verb)", .bad))
        }
        if let failure = report.failure {
            let isStopped = failure.code == .interrupted
            parts.append(isStopped ? console.colour("interrupted", .careful) : console.colour("failed", .bad))
        } else if report.halt != nil {
            parts.append(console.colour("halted", .bad))
        } else if report.faulty == 0 {
            parts.append(console.colour("all well", .good))
        }
        return parts.joined(separator: " · ")
    }

    private var unverifiable: String {
        let count = Format.count(report.unverifiable)
        return report.unverifiable == 1
            ? "1 is unverifiable: its ETag does not tell its content, and nothing else does"
            : "\(count) are unverifiable: their ETags do not tell their content, and nothing else does"
    }

    /// What standard error is told, without the `syncd: ` before it.
    var complaints: [String] {
        let name = folder.folder.name
        var lines: [String] = []
        if let failure = report.failure { lines.append("\(name): \(failure.message)") }
        if let halt = report.halt { lines.append("\(name): halted: \(halt.text)") }
        return lines
    }

    // The names below are a contract that scripts rely on: every key is always there, null where there is nothing.

    /// One element of `folders` in `verify --json`.
    var json: JSONValue {
        .object(
            FolderStatus(folder).placeMembers + [
                JSONMember("startedAt", .string(Format.timestamp(report.startedAt))),
                JSONMember("finishedAt", .string(Format.timestamp(report.finishedAt))),
                JSONMember("entries", .integer(report.entries)),
                JSONMember("verified", .integer(report.verified)),
                JSONMember("differing", .integer(report.faulty)),
                JSONMember("notSynced", .integer(report.notSynced)),
                JSONMember("unverifiable", .integer(report.unverifiable)),
                JSONMember("bytesRead", .integer(report.bytesRead)),
                JSONMember("bytesFetched", .integer(report.bytesFetched)),
                JSONMember("findings", .array(report.findings.map(\.json))),
                JSONMember("furtherFindings", .integer(report.furtherFindings)),
                JSONMember("halt", report.halt.map { FolderStatus.Halt(reason: $0.text, command: nil).json } ?? .null),
                JSONMember("failure", report.failure?.json ?? .null),
                JSONMember(
                    "requests",
                    .object(["LIST", "GET", "HEAD"].map { JSONMember($0, .integer(report.requests[$0] ?? 0)) })
                ),
            ]
        )
    }
}

extension VerifyReport {
    /// True if all entries were looked at.
    fileprivate var isComplete: Bool { failure == nil && halt == nil }
}

extension FindingKind {
    /// The sign and the word that people see.
    fileprivate var words: (sign: String, word: String) {
        switch self {
        case .rotten: ("!", "rotten")
        case .missing: ("-", "missing")
        case .differing: ("~", "differs")
        case .unreadable: ("?", "unreadable")
        case .notSynced: (" ", "not synced")
        }
    }
}

extension Side {
    fileprivate var words: String {
        switch self {
        case .local: "(here)"
        case .remote: "(bucket)"
        }
    }
}

extension Finding {
    fileprivate var json: JSONValue {
        .object(
            pathMembers(path.bytes) + [
                JSONMember("side", .string(side.rawValue)),
                JSONMember("kind", .string(kind.rawValue)),
                JSONMember("message", .string(message)),
            ]
        )
    }
}

extension CycleFailure {
    fileprivate var json: JSONValue {
        .object([JSONMember("kind", .string(code.rawValue)), JSONMember("message", .string(message))])
    }
}
