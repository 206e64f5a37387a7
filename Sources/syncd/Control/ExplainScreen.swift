import SyncEngine
import Text

/// `syncd explain`: what is known of one entry, and what follows from it.
struct ExplainScreen {
    var folder: String
    var explanation: Explanation
    var now: UnixTime

    var lines: [String] {
        let name = "\(escaped(explanation.path.bytes)) in \(folder)"
        var rows: [(String, String)] = [("here", here), ("bucket", bucket)]
        if let base = explanation.entry?.base {
            rows.append(("last agreed", "\(Self.file(base.local)) · ETag \(Self.shortened(base.remote.etag.value))"))
        }
        rows.append(("decision", decision))
        if let problem = explanation.problem {
            rows.append(("last error", "\(problem.problem.message) (since \(Format.clock(problem.since, now: now)))"))
        }
        rows.append(("rule", rule))
        return [Columns.pad(name, to: 45) + state] + rows.map { "  " + Columns.pad($0.0, to: 13) + $0.1 }
    }

    private var state: String {
        if explanation.rule?.excludes == true { return "excluded" }
        if explanation.isSettling { return "changed just now, and not looked at yet" }
        if let next = explanation.nextAttempt {
            let wait = next.since(now)
            let when = wait > .zero ? "in \(Format.elapsed(wait))" : "with the next cycle"
            return "waiting: retry \(when) (attempt \(explanation.attempts + 1))"
        }
        if explanation.isSynced { return explanation.entry == nil ? "nothing is known of it" : "in sync" }
        return explanation.needsAttention ? "waiting" : "not in sync"
    }

    private var here: String {
        switch explanation.onDisk {
        case .file(let state): Self.file(state) + (state == explanation.entry?.local ? "" : " · not looked at yet")
        case .directory: "a directory"
        case .link: "a link: skipped"
        case .special: "no regular file: skipped"
        case .absent: "absent"
        case .unreadable(let reason): "cannot be looked at: \(reason)"
        }
    }

    private var bucket: String {
        guard let remote = explanation.entry?.remote else {
            return isExcluded ? "not looked at: excluded" : "absent when last listed"
        }
        return "\(Format.count(remote.size)) bytes · ETag \(Self.shortened(remote.etag.value))"
    }

    private static func file(_ state: LocalState) -> String {
        "\(Format.count(state.size)) bytes · \(Format.timestamp(state.modified)) · inode \(state.inode)"
    }

    private static func shortened(_ etag: String) -> String {
        etag.count > 12 ? "\(etag.prefix(8))…" : etag
    }

    private var isExcluded: Bool { explanation.rule?.excludes ?? false }

    private var rule: String {
        guard let rule = explanation.rule else { return "included: no pattern matches" }
        let place = rule.directory.map { " the directory \(escaped($0.bytes))" } ?? ""
        return "\(rule.excludes ? "excluded" : "included") by exclude[\(rule.position)] \"\(printable(rule.pattern))\""
            + (place.isEmpty ? "" : ", which matches\(place)")
    }

    var decision: String {
        guard let change = explanation.change else {
            return isExcluded ? "none: excluded on both sides" : "none: it was never seen"
        }
        switch change {
        case .nothing: return "nothing: both sides are as they last agreed"
        case .compare: return "compare: both sides are there, and their content has to be compared"
        case .adopt: return "adopt: both sides hold the same"
        case .upload(let replaced):
            return
                "upload: \(Self.words(replaced, new: "new here", base: "changed here, unchanged in the bucket", foreign: "the bucket holds another version, and this side leads"))"
        case .download(let replaced):
            return
                "download: \(Self.words(replaced, new: "new in the bucket", base: "changed in the bucket, unchanged here", foreign: "another version is here, and the bucket leads"))"
        case .deleteRemote(let foreign):
            return "delete in the bucket: gone here" + (foreign ? "; never agreed on, so only after an approval" : "")
        case .deleteLocal(let foreign):
            return "move to the trash: gone in the bucket"
                + (foreign ? "; never agreed on, so only after an approval" : "")
        case .forget: return "forget: gone on both sides"
        case .conflict: return "conflict: changed on both sides, and both are kept"
        case .leave(.unknown): return "leave: a side could not be observed"
        case .leave(.deletesOff): return "leave: gone on the leading side, and the folder does not delete"
        case .leave(.foreign): return "leave: never in sync, on the side that follows, and the folder does not delete"
        }
    }

    private static func words(_ replaced: Change.Replaced, new: String, base: String, foreign: String) -> String {
        switch replaced {
        case .nothing: new
        case .base: base
        case .foreign: foreign
        }
    }
}

extension Explanation {
    /// What `explain --json` says.
    func json(folder: String, now: UnixTime) -> JSONValue {
        let screen = ExplainScreen(folder: folder, explanation: self, now: now)
        return .object(
            [JSONMember("folder", .string(folder))] + pathMembers(path.bytes) + [
                JSONMember("synced", .bool(isSynced)),
                JSONMember("local", onDiskJSON),
                JSONMember("remote", entry?.remote.map { Self.json($0) } ?? .null),
                JSONMember(
                    "base",
                    entry?.base.map {
                        .object([JSONMember("local", Self.json($0.local)), JSONMember("remote", Self.json($0.remote))])
                    } ?? .null
                ),
                JSONMember("decision", .string(screen.decision)),
                JSONMember("rule", rule.map { Self.json($0) } ?? .null),
                JSONMember("lastError", .optional(problem?.problem.message)),
                JSONMember("attempts", .integer(attempts)),
                JSONMember("nextAttempt", .optional(nextAttempt.map { Format.timestamp($0) })),
                JSONMember("lines", .array(screen.lines.map { .string($0) })),
            ]
        )
    }

    private var onDiskJSON: JSONValue {
        switch onDisk {
        case .file(let state): Self.json(state)
        case .directory, .link, .special, .absent, .unreadable: .null
        }
    }

    private static func json(_ state: LocalState) -> JSONValue {
        .object([
            JSONMember("size", .integer(state.size)),
            JSONMember("modified", .string(Format.timestamp(state.modified))),
            JSONMember("mode", .string(String(state.mode, radix: 8))),
        ])
    }

    private static func json(_ state: RemoteState) -> JSONValue {
        .object([JSONMember("size", .integer(state.size)), JSONMember("etag", .string(state.etag.value))])
    }

    private static func json(_ rule: IgnoreRules.Match) -> JSONValue {
        .object([
            JSONMember("pattern", .string(rule.pattern)),
            JSONMember("position", .integer(Int64(rule.position))),
            JSONMember("excludes", .bool(rule.excludes)),
        ])
    }
}
