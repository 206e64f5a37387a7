import SyncEngine
import Text

// The names below are a contract that scripts rely on: every key is always there, null where there is nothing.

extension StatusDocument {
    var json: JSONValue {
        .object([
            JSONMember("version", .string(version)),
            JSONMember("running", .bool(running)),
            JSONMember("folders", .array(folders.map(\.json))),
        ])
    }

    /// Reads what ``json`` writes; nil for anything else.
    init?(json: JSONValue) {
        guard let version = json["version"]?.text, let running = json["running"]?.flag,
            let elements = json["folders"]?.elements
        else { return nil }
        self.version = version
        self.running = running
        folders = elements.compactMap { FolderStatus(json: $0) }
        guard folders.count == elements.count else { return nil }
    }
}

extension FolderStatus {
    var json: JSONValue {
        .object(
            placeMembers + [
                JSONMember("state", .string(state.rawValue)),
                JSONMember("inSync", .bool(inSync)),
                JSONMember("entries", .integer(entries)),
                JSONMember("bytes", .integer(bytes)),
                JSONMember("pending", pending.json),
                JSONMember("skipped", .integer(skipped)),
                JSONMember("problems", .array(problems.map(\.json))),
                JSONMember("warnings", .array(warnings.map { .string($0) })),
                JSONMember("halt", halt?.json ?? .null),
                JSONMember("lastCycle", lastCycle?.json ?? .null),
                JSONMember("oldestUnsyncedSeconds", oldestUnsyncedSeconds.map { .integer($0) } ?? .null),
                JSONMember("watching", watching?.json ?? .null),
                JSONMember("capabilities", capabilities?.json ?? .null),
                JSONMember("guards", guards?.json ?? .null),
            ]
        )
    }

    /// What every JSON answer says of a folder first.
    var placeMembers: [JSONMember] {
        [
            JSONMember("name", .string(name)),
            JSONMember("path", .string(path)),
            JSONMember("bucket", .string(bucket)),
            JSONMember("prefix", .string(prefix)),
            JSONMember("direction", .string(direction.rawValue)),
        ]
    }

    init?(json: JSONValue) {
        guard let name = json["name"]?.text, let path = json["path"]?.text, let bucket = json["bucket"]?.text,
            let prefix = json["prefix"]?.text,
            let direction = json["direction"]?.text.flatMap({ Direction(rawValue: $0) }),
            let state = json["state"]?.text.flatMap({ State(rawValue: $0) }), let inSync = json["inSync"]?.flag,
            let entries = json["entries"]?.integer, let bytes = json["bytes"]?.integer,
            let pending = json["pending"].flatMap({ ChangeCounts(json: $0) }),
            let skipped = json["skipped"]?.integer, let problems = json["problems"]?.elements
        else { return nil }
        self.name = name
        self.path = path
        self.bucket = bucket
        self.prefix = prefix
        self.direction = direction
        self.state = state
        self.inSync = inSync
        self.entries = entries
        self.bytes = bytes
        self.pending = pending
        self.skipped = skipped
        self.problems = problems.compactMap { ProblemStatus(json: $0) }
        // A version before this one wrote none.
        warnings = json["warnings"]?.elements?.compactMap(\.text) ?? []
        halt = json["halt"].flatMap { Halt(json: $0) }
        lastCycle = json["lastCycle"].flatMap { CycleRecord(json: $0) }
        oldestUnsyncedSeconds = json["oldestUnsyncedSeconds"]?.integer
        watching = json["watching"].flatMap { WatchStatus(json: $0) }
        capabilities = json["capabilities"].flatMap { KnownCapabilities(json: $0) }
        guards = json["guards"].flatMap { WriteGuards(json: $0) }
    }
}

extension WatchStatus {
    var json: JSONValue {
        .object([
            JSONMember("directories", .integer(Int64(directories))),
            JSONMember("unwatched", .integer(Int64(unwatched))),
            JSONMember("reason", .optional(reason)),
            JSONMember("overflows", .integer(overflows)),
        ])
    }

    init?(json: JSONValue) {
        guard let directories = json["directories"]?.integer, let unwatched = json["unwatched"]?.integer,
            let overflows = json["overflows"]?.integer
        else { return nil }
        self.init(
            directories: Int(directories),
            unwatched: Int(unwatched),
            reason: json["reason"]?.text,
            overflows: overflows
        )
    }
}

extension FolderStatus.Halt {
    var json: JSONValue {
        .object([JSONMember("reason", .string(reason)), JSONMember("command", .optional(command))])
    }

    init?(json: JSONValue) {
        guard let reason = json["reason"]?.text else { return nil }
        self.reason = reason
        command = json["command"]?.text
    }
}

extension ChangeCounts {
    var json: JSONValue {
        .object([
            JSONMember("uploads", .integer(uploads)),
            JSONMember("downloads", .integer(downloads)),
            JSONMember("deletes", .integer(deletes)),
            JSONMember("bytes", .integer(bytes)),
        ])
    }

    init?(json: JSONValue) {
        guard let uploads = json["uploads"]?.integer, let downloads = json["downloads"]?.integer,
            let deletes = json["deletes"]?.integer, let bytes = json["bytes"]?.integer
        else { return nil }
        self.init()
        (self.uploads, self.downloads, self.deletes, self.bytes) = (uploads, downloads, deletes, bytes)
    }
}

extension ProblemStatus {
    var json: JSONValue {
        .object(
            pathMembers(path) + [
                JSONMember("kind", .string(kind)),
                JSONMember("message", .string(message)),
                JSONMember("since", .string(Format.timestamp(since))),
            ]
        )
    }

    init?(json: JSONValue) {
        guard let text = json["path"]?.text, let kind = json["kind"]?.text, let message = json["message"]?.text,
            let since = json["since"]?.text.flatMap({ Format.time($0) })
        else { return nil }
        let bytes = json["pathBase64"]?.text.flatMap { Base64.decode($0) } ?? Array(text.utf8)
        self.init(path: bytes, kind: kind, message: message, since: since)
    }
}

/// `path`, and `pathBase64` with the very bytes where they are not UTF-8.
func pathMembers(_ path: [UInt8]) -> [JSONMember] {
    if let text = String(validating: path, as: UTF8.self) { return [JSONMember("path", .string(text))] }
    return [
        JSONMember("path", .string(String(decoding: path, as: UTF8.self))),
        JSONMember("pathBase64", .string(Base64.encode(path))),
    ]
}

extension CycleRecord {
    /// The classes that are always told, in this order; others follow by name.
    private static let requestClasses = ["LIST", "GET", "HEAD", "PUT", "DELETE"]

    var json: JSONValue {
        let classes = Self.requestClasses + requests.keys.filter { !Self.requestClasses.contains($0) }.sorted()
        return .object([
            JSONMember("startedAt", .string(Format.timestamp(startedAt))),
            JSONMember("finishedAt", .string(Format.timestamp(finishedAt))),
            JSONMember("result", .string(result.rawValue)),
            JSONMember("uploaded", .integer(uploaded)),
            JSONMember("downloaded", .integer(downloaded)),
            JSONMember("deletedLocal", .integer(deletedLocal)),
            JSONMember("deletedRemote", .integer(deletedRemote)),
            JSONMember("bytesUp", .integer(bytesUp)),
            JSONMember("bytesDown", .integer(bytesDown)),
            JSONMember("requests", .object(classes.map { JSONMember($0, .integer(requests[$0] ?? 0)) })),
        ])
    }

    init?(json: JSONValue) {
        guard let started = json["startedAt"]?.text.flatMap({ Format.time($0) }),
            let finished = json["finishedAt"]?.text.flatMap({ Format.time($0) }),
            let result = json["result"]?.text.flatMap({ Result(rawValue: $0) }),
            let uploaded = json["uploaded"]?.integer, let downloaded = json["downloaded"]?.integer,
            let deletedLocal = json["deletedLocal"]?.integer, let deletedRemote = json["deletedRemote"]?.integer,
            let bytesUp = json["bytesUp"]?.integer, let bytesDown = json["bytesDown"]?.integer,
            let requests = json["requests"]?.members
        else { return nil }
        self.init(
            startedAt: started,
            finishedAt: finished,
            result: result,
            uploaded: uploaded,
            downloaded: downloaded,
            deletedLocal: deletedLocal,
            deletedRemote: deletedRemote,
            bytesUp: bytesUp,
            bytesDown: bytesDown,
            requests: Dictionary(
                requests.compactMap { member in member.value.integer.map { (member.key, $0) } },
                uniquingKeysWith: { first, _ in first }
            )
        )
    }
}
