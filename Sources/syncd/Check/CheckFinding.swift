import SyncEngine
import Text

/// What `syncd check` found of one thing.
struct CheckFinding: Hashable, Sendable {
    /// What was looked at.
    enum Subject: String, Sendable {
        case config, credentials, state, folder, clock, endpoint, bucket, permissions, capabilities,
            writes, watching
    }

    enum Verdict: Hashable, Sendable {
        case good
        /// It works, and something about it wants attention.
        case careful(String)
        /// It does not work; the code is what a run would exit with.
        case bad(String, ExitCause)
    }

    var subject: Subject
    /// The folder that it belongs to; nil for what all share.
    var folder: String?
    /// The connection that it is about, where it has a name.
    var connection: String?
    var detail: String
    var verdict: Verdict
    /// What the service can do, where that was found out.
    var capabilities: Capabilities?
    /// What the folder's writes to the bucket go by, where that is known.
    var guards: WriteGuards?

    init(
        _ subject: Subject,
        folder: String? = nil,
        connection: String? = nil,
        _ detail: String,
        _ verdict: Verdict = .good
    ) {
        self.subject = subject
        self.folder = folder
        self.connection = connection
        self.detail = detail
        self.verdict = verdict
    }

    var exitCause: ExitCause {
        switch verdict {
        case .good: .done
        case .careful: .problems
        case .bad(_, let cause): cause
        }
    }
}

/// All findings, for people and for scripts.
struct CheckReport: Sendable {
    var findings: [CheckFinding]

    var exitCause: ExitCause { ExitCause.first(of: findings.map(\.exitCause)) }

    /// One line each: what, its detail, and whether it is well.
    func lines(_ console: Console) -> [String] {
        let labels = findings.map { finding in
            (finding.folder ?? finding.connection).map { "\(finding.subject.rawValue) \($0)" }
                ?? finding.subject.rawValue
        }
        let labelWidth = max(14, (labels.map(\.count).max() ?? 0) + 2)
        let detailWidth = (findings.map(\.detail.count).max() ?? 0) + 2
        return zip(labels, findings).map { label, finding in
            let word =
                switch finding.verdict {
                case .good: console.colour("ok", .good)
                case .careful(let message): "\(console.colour("careful", .careful)): \(printable(message))"
                case .bad(let message, _): "\(console.colour("failed", .bad)): \(printable(message))"
                }
            return Columns.pad(label, to: labelWidth) + Columns.pad(printable(finding.detail), to: detailWidth) + word
        }
    }

    var json: JSONValue {
        .object([
            JSONMember("version", .string(Version.number)),
            JSONMember("ok", .bool(exitCause == .done)),
            JSONMember("checks", .array(findings.map(\.json))),
        ])
    }
}

extension CheckFinding {
    fileprivate var json: JSONValue {
        let (result, message): (String, String?) =
            switch verdict {
            case .good: ("ok", nil)
            case .careful(let message): ("careful", message)
            case .bad(let message, _): ("failed", message)
            }
        return .object([
            JSONMember("check", .string(subject.rawValue)),
            JSONMember("folder", .optional(folder)),
            JSONMember("connection", .optional(connection)),
            JSONMember("detail", .string(detail)),
            JSONMember("capabilities", capabilities.map { .object($0.members) } ?? .null),
            JSONMember("guards", guards?.json ?? .null),
            JSONMember("result", .string(result)),
            JSONMember("message", .optional(message)),
        ])
    }
}
