import SyncEngine
import Text

/// What a plan shows of one folder: a pure step from a report to lines, and to JSON.
struct PlanScreen {
    var folder: ConfiguredFolder
    var report: CycleReport
    var now: UnixTime
    var console: Console

    /// One row of the table.
    private struct Row {
        var sign: String
        var action: String
        var path: String
        var size: String
        var reason: String
    }

    var lines: [String] {
        let rows = report.planned.compactMap { row($0) }
        let pathWidth = min(rows.map(\.path.count).max() ?? 0, max(20, console.width - 44))
        let sizeWidth = rows.map(\.size.count).max() ?? 0
        var lines = rows.map { row in
            let size = sizeWidth == 0 ? "" : "  " + Columns.padLeft(row.size, to: sizeWidth)
            return "\(row.sign) \(Columns.pad(row.action, to: 10))\(Columns.pad(row.path, to: pathWidth))\(size)   "
                + row.reason
        }
        let total = report.pending.uploads + report.pending.downloads + report.pending.deletes
        let more = total - report.planned.reduce(0) { $0 + $1.change.weight }
        if more > 0 { lines.append("  … and \(Format.count(more)) more") }
        if report.halt?.reason.stopsEverything == true {
            lines.append("nothing can be planned: the folder is halted before anything is decided")
        } else if !report.isFailure {
            lines.append(StatusScreen.pending(report.pending))
        }
        return lines
    }

    private func row(_ planned: PlannedChange) -> Row? {
        let path = escaped(planned.path.bytes)
        let size = planned.bytes.map { Format.size($0) } ?? ""
        var row: Row
        switch planned.change {
        case .upload(let replaced):
            row = transfer("upload", replaced, from: "here", to: "in the bucket", planned, path, size)
        case .download(let replaced):
            row = transfer("download", replaced, from: "in the bucket", to: "here", planned, path, size)
        case .deleteRemote(let foreign):
            let reason = foreign ? "was never here" : "deleted here"
            row = Row(sign: "-", action: "delete", path: "\(path) (bucket)", size: "", reason: reason)
        case .deleteLocal(let foreign):
            let reason = foreign ? "was never in the bucket: to the trash" : "deleted in the bucket: to the trash"
            row = Row(sign: "-", action: "delete", path: "\(path) (here)", size: "", reason: reason)
        case .compare:
            let reason = "on both sides: \(whereContentDiffers)"
            row = Row(sign: "?", action: "compare", path: path, size: size, reason: reason)
        case .conflict:
            let reason = "changed on both sides: both kept, \(nameKeeper)"
            row = Row(sign: "!", action: "conflict", path: path, size: size, reason: reason)
        case .nothing, .adopt, .forget, .leave:
            return nil
        }
        if planned.isGated { row.reason += " (held back: needs approval)" }
        return row
    }

    private var whereContentDiffers: String {
        switch folder.folder.policy.direction {
        case .up: "upload if the content differs"
        case .down: "download if the content differs"
        case .both: "nothing to transfer if the content is the same"
        }
    }

    private var nameKeeper: String {
        switch folder.folder.conflict {
        case .newest: "the newer one keeps the name"
        case .local: "the one here keeps the name"
        case .remote: "the bucket's keeps the name"
        }
    }

    private func transfer(
        _ action: String,
        _ replaced: Change.Replaced,
        from source: String,
        to target: String,
        _ planned: PlannedChange,
        _ path: String,
        _ size: String
    ) -> Row {
        let time = planned.modified.map { " \(Format.clock($0, now: now))" } ?? ""
        switch replaced {
        case .nothing:
            return Row(sign: "+", action: action, path: path, size: size, reason: "new \(source)")
        case .base:
            return Row(sign: "~", action: action, path: path, size: size, reason: "changed \(source)\(time)")
        case .foreign:
            let reason = "replaces another version \(target)"
            return Row(sign: "~", action: action, path: path, size: size, reason: reason)
        }
    }

    /// One element of `folders` in `plan --json`; `command` approves a halt of this folder.
    func json(approveCommand command: String) -> JSONValue {
        var status = FolderStatus(folder)
        status.finish(report, approveCommand: command, now: now)
        return .object(
            status.placeMembers + [
                JSONMember("changes", .array(report.planned.compactMap { Self.json($0) })),
                JSONMember("pending", report.pending.json),
                JSONMember("skipped", .integer(report.skipped)),
                JSONMember("problems", .array(status.problems.map(\.json))),
                JSONMember("halt", status.halt?.json ?? .null),
            ]
        )
    }

    private static func json(_ planned: PlannedChange) -> JSONValue? {
        guard let (action, reason) = planned.change.words else { return nil }
        return .object(
            [JSONMember("action", .string(action))] + pathMembers(planned.path.bytes) + [
                JSONMember("bytes", planned.bytes.map { .integer($0) } ?? .null),
                JSONMember("reason", .string(reason)),
                JSONMember("gated", .bool(planned.isGated)),
            ]
        )
    }
}

extension Change {
    /// The action and its reason as JSON names them; nil for changes that a plan does not show.
    var words: (action: String, reason: String)? {
        switch self {
        case .upload(let replaced): ("upload", replaced.word)
        case .download(let replaced): ("download", replaced.word)
        case .deleteRemote(let foreign): ("deleteRemote", foreign ? "foreign" : "deleted")
        case .deleteLocal(let foreign): ("deleteLocal", foreign ? "foreign" : "deleted")
        case .compare: ("compare", "unsettled")
        case .conflict: ("conflict", "changedOnBothSides")
        case .nothing, .adopt, .forget, .leave: nil
        }
    }

    /// How often ``ChangeCounts`` counts it.
    fileprivate var weight: Int64 {
        switch self {
        case .upload, .download, .deleteRemote, .deleteLocal: 1
        case .conflict: 2
        case .compare, .nothing, .adopt, .forget, .leave: 0
        }
    }
}

extension Change.Replaced {
    fileprivate var word: String {
        switch self {
        case .nothing: "new"
        case .base: "changed"
        case .foreign: "foreign"
        }
    }
}
