import S3API
import SyncEngine

/// What `check --probe` says of a folder's bucket.
enum ProbeFindings {
    /// What is denied, and what follows from that.
    private static func consequence(of action: Permissions.Action, _ folder: Folder) -> String? {
        switch (action, folder.policy.direction) {
        case (.list, _): "nothing can be synced"
        case (.get, .up): "what an ETag does not settle is sent again"
        case (.get, _): "nothing can come down"
        case (.put, .down): nil
        case (.put, _): "nothing can go up"
        case (.delete, .up): folder.policy.deletes ? "deletes do not travel" : "probes like this one stay in the bucket"
        case (.delete, .both): "deletes do not travel to the bucket"
        case (.delete, .down): nil
        case (.abort, .down): nil
        case (.abort, _): "unfinished uploads stay: add a lifecycle rule"
        }
    }

    static func permissions(_ found: Permissions, of folder: Folder) -> CheckFinding {
        let allowed = Permissions.Action.allCases.filter { found[$0] == .yes }.map(\.rawValue)
        let denied = Permissions.Action.allCases.filter { found[$0] == .no }
        let consequences = denied.compactMap { action in
            consequence(of: action, folder).map { "\(action.rawValue) is denied: \($0)" }
        }
        let detail = allowed.isEmpty ? "none" : allowed.joined(separator: ", ")
        guard !consequences.isEmpty else { return CheckFinding(.permissions, folder: folder.name, detail) }
        let message = "\(consequences.joined(separator: "; ")) (`syncd policy` prints what is needed)"
        let isFatal = denied.contains(.list) || (denied.contains(.put) && folder.policy.direction == .up)
        return CheckFinding(
            .permissions,
            folder: folder.name,
            detail,
            isFatal ? .bad(message, .failed) : .careful(message)
        )
    }

    /// By what the folder writes to the bucket; nothing where it does not, and while nobody knows.
    static func writes(_ found: Capabilities?, of folder: Folder) -> [CheckFinding] {
        guard let guards = WriteGuards(folder, seen: found) else { return [] }
        var finding = CheckFinding(.writes, folder: folder.name, guards.summary)
        finding.guards = guards
        return [finding]
    }

    /// `triedAt` is nil for what was tried just now.
    static func capabilities(
        _ found: Capabilities,
        of folder: Folder,
        triedAt: UnixTime? = nil
    ) -> CheckFinding {
        let ifMatch: Capabilities.Verdict = found[.putIfMatch] == .yes ? .yes : found[.putIfMatchUnquoted]
        let shown = [
            ("conditional PUT", found[.putIfNoneMatch] == .yes ? ifMatch : found[.putIfNoneMatch]),
            ("conditional DELETE", found[.deleteIfMatch]), ("Content-MD5", found[.contentMD5]),
            ("CRC64NVME", found[.crc64nvme]), ("listing in byte order", found[.byteOrder]),
        ]
        let detail = shown.map { "\($0.0) \($0.1.rawValue)" }.joined(separator: " · ")
        let age = triedAt.map { " (seen \(Format.clock($0, now: SystemClock().now())))" } ?? ""
        var finding = CheckFinding(.capabilities, folder: folder.name, detail + age)
        finding.capabilities = found
        return finding
    }
}
