import Glibc
import S3API
import SyncEngine
import Text

/// What this machine says of a configuration: keys, state directory, roots, watches. It writes nothing.
struct LocalChecks: Sendable {
    var configuration: Configuration
    /// As the user who checks sees it.
    var user = User.current
    /// Watches that the kernel gives a user; nil where it does not tell.
    var maximumWatches = Self.kernelWatches()

    /// Whoever checks.
    struct User: Sendable {
        var name: String
        var id: uid_t

        static var current: User {
            let id = geteuid()
            let name = getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "uid \(id)"
            return User(name: name, id: id)
        }
    }

    private static func kernelWatches() -> Int64? {
        let descriptor = open("/proc/sys/fs/inotify/max_user_watches", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let bytes = readAll(descriptor, limit: 64) else { return nil }
        return Int64(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
    }

    // MARK: What a run saw

    /// What the last runs found out of a folder's service; nothing where none had to.
    func capabilities(_ configured: ConfiguredFolder) -> [CheckFinding] {
        let recorded = try? StatusFile(directory: configuration.stateDirectory).read()
        let status = recorded?.document?.folders.first { $0.describes(configured) }
        let writes = ProbeFindings.writes(status?.capabilities?.verdicts, of: configured.folder)
        guard let known = status?.capabilities else { return writes }
        return [ProbeFindings.capabilities(known.verdicts, of: configured.folder, triedAt: known.triedAt)] + writes
    }

    // MARK: Keys

    /// Of one connection, where `find` looks for what the configuration does not know.
    func credentials(_ connection: Connection, _ find: CheckRun.KeyFinder) async -> CheckFinding {
        let owner = connection.name
        guard let keys = connection.credentials else { return await foundCredentials(connection, find) }
        let source =
            switch keys.source {
            case .configuration: "the configuration"
            case .environment: "AWS_ACCESS_KEY_ID"
            case .service: "systemd credential \"\(ServiceCredentials.accessKeyID)\""
            }
        let kind = keys.sessionToken == nil ? "key" : "temporary key"
        return CheckFinding(.credentials, connection: owner, "\(source), \(kind) \(Self.masked(keys.accessKeyID))")
    }

    private func foundCredentials(_ connection: Connection, _ find: CheckRun.KeyFinder) async -> CheckFinding {
        do {
            let found = try await find(connection)
            let kind = found.credentials.sessionToken == nil ? "key" : "temporary key"
            let end = found.credentials.expiration.map { ", until \(Format.timestamp(UnixTime($0)))" } ?? ""
            let detail = "\(found.origin), \(kind) \(Self.masked(found.credentials.accessKeyID))\(end)"
            return CheckFinding(.credentials, connection: connection.name, detail)
        } catch {
            let message =
                error.code == .none
                ? "there are none: set them in the configuration, as AWS_* variables, in a profile or by LoadCredential="
                : error.message
            let cause: ExitCause = error.code == .none ? .configuration : .credentialsRefused
            return CheckFinding(.credentials, connection: connection.name, "none", .bad(message, cause))
        }
    }

    /// Enough of a key's id to know it again.
    static func masked(_ id: String) -> String {
        id.count < 12 ? "\(id.prefix(2))…" : "\(id.prefix(4))…\(id.suffix(4))"
    }

    // MARK: State

    func state() -> CheckFinding {
        let path = configuration.stateDirectory
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else {
                return CheckFinding(.state, path, .bad("cannot be looked at: \(reason(errno))", .failed))
            }
            return canCreate(path)
                ? CheckFinding(.state, "\(path), to be made by the first run")
                : CheckFinding(.state, path, .bad("is not there, and \(user.name) cannot make it", .failed))
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            return CheckFinding(.state, path, .bad("\(user.name) cannot write there: \(reason(errno))", .failed))
        }
        let recorded = try? StatusFile(directory: path).read()
        let detail = recorded?.runningSince == nil ? path : "\(path), where a syncd is running"
        guard status.st_uid != user.id, user.id == 0 else { return CheckFinding(.state, detail) }
        let owner = getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(status.st_uid)"
        let message = "it belongs to \(owner), who may see less than root: runuser -u \(owner) -- syncd check"
        return CheckFinding(.state, detail, .careful(message))
    }

    /// Whether the nearest directory above that exists can be written to.
    private func canCreate(_ path: String) -> Bool {
        var parent = path
        while let slash = parent.lastIndex(of: "/") {
            parent = slash == parent.startIndex ? "/" : String(parent[..<slash])
            if access(parent, F_OK) == 0 || parent == "/" { return access(parent, W_OK | X_OK) == 0 }
        }
        return false
    }

    // MARK: Roots

    /// - Returns: what was found, and how many directories the daemon would watch.
    func root(_ folder: ConfiguredFolder) -> (finding: CheckFinding, watches: Int64) {
        func finding(_ detail: String, _ verdict: CheckFinding.Verdict) -> CheckFinding {
            CheckFinding(.folder, folder: folder.folder.name, detail, verdict)
        }
        var status = stat()
        guard stat(folder.path, &status) == 0 else {
            let message =
                errno == ENOENT
                ? "is not there; syncd never creates one: is the disk mounted?"
                : "cannot be looked at by \(user.name): \(reason(errno))"
            return (finding(folder.path, .bad(message, errno == ENOENT ? .halted : .failed)), 0)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return (finding(folder.path, .bad("is no directory", .halted)), 0)
        }
        guard access(folder.path, R_OK | X_OK) == 0 else {
            return (finding(folder.path, .bad("\(user.name) cannot read it: \(reason(errno))", .failed)), 0)
        }
        let writes = folder.folder.policy.direction != .up
        if writes, access(folder.path, W_OK) != 0 {
            return (finding(folder.path, .bad("\(user.name) cannot write there: \(reason(errno))", .failed)), 0)
        }
        let census = DirectoryCensus(root: folder.folder.root, rules: IgnoreRules(patterns: folder.folder.exclude))
        let more = census.directories >= DirectoryCensus.maximum ? "more than " : ""
        let noun = census.directories == 1 ? "directory" : "directories"
        let number = "\(more)\(Format.count(census.directories)) \(noun)"
        let detail = "\(folder.path), \(number), \(writes ? "writable" : "readable")"
        let isWatched = folder.folder.policy.direction != .down
        let watches = isWatched ? census.directories : 0
        guard let first = census.firstUnreadable else { return (finding(detail, .good), watches) }
        let message = "\(user.name) cannot read \(Format.count(census.unreadable)) of them, such as \(escaped(first))"
        return (finding(detail, .careful(message)), watches)
    }

    // MARK: Watches

    /// Nil where nothing is to be watched.
    func watching(_ wanted: Int64) -> CheckFinding? {
        guard wanted > 0 else { return nil }
        guard let limit = maximumWatches else {
            return CheckFinding(.watching, "\(Format.count(wanted)) inotify watches; the kernel's limit is hidden here")
        }
        let detail = "\(Format.count(wanted)) of \(Format.count(limit)) inotify watches"
        guard wanted > limit else { return CheckFinding(.watching, detail) }
        let remedy = "sysctl fs.inotify.max_user_watches=\(wanted * 2)"
        let message = "what has no watch is looked at every scanInterval: \(remedy)"
        return CheckFinding(.watching, detail, .careful(message))
    }
}
