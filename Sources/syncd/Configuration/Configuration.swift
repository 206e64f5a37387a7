import Glibc
import S3API
import SyncEngine
import Text

/// A configuration that was checked: what is in it can be relied on.
struct Configuration: Sendable {
    /// The file it came from, as it was named, for messages.
    var file: String
    var connection: Connection
    /// An absolute path.
    var stateDirectory: String
    /// One or more, their names unique, their roots and prefixes apart from each other.
    var folders: [ConfiguredFolder]
    /// Requests in flight at most.
    var concurrency: Int
    /// The port of the loopback interface on which a daemon tells its metrics; nil for none.
    var metricsPort: UInt16?

    /// The folder of that name.
    func folder(named name: String) throws(UsageError) -> ConfiguredFolder {
        if let folder = folders.first(where: { $0.folder.name == name }) { return folder }
        let names = folders.map(\.folder.name)
        let hint = NearestWord.hint(name, among: names)
        let known = names.map { "\"\($0)\"" }.joined(separator: ", ")
        throw UsageError(message: "no folder \"\(printable(name))\" in \(file)\(hint); there is \(known)")
    }
}

extension Configuration {
    /// For commands that talk to the store.
    /// - Throws: what to do, where there are no credentials at all.
    func requireCredentials() throws(ConfigurationError) {
        guard connection.credentials == nil else { return }
        let message =
            "no credentials: set accessKeyId and secretAccessKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or hand over \(ServiceCredentials.accessKeyID) and \(ServiceCredentials.secretAccessKey) by systemd's LoadCredential="
        throw ConfigurationError(file: file, faults: [.init("connection", message)])
    }

    /// What lets a halted folder go on, ready for a shell.
    func approveCommand(_ folder: String) -> String {
        let option = file == ConfigurationFile.defaultPath ? "" : " --config \(shellQuoted(file))"
        return "syncd approve \(shellQuoted(folder))\(option)"
    }
}

/// Where the store is, and with which keys.
struct Connection: Hashable, Sendable {
    /// Nil where neither the configuration nor the environment nor the service manager has any.
    var credentials: StaticCredentials?
    var region: String
    /// Nil is AWS.
    var endpoint: S3Endpoint?
    /// A file of certificates to trust in place of the system's.
    var caFile: String?
}

/// Keys that stay as they are for as long as the process runs.
struct StaticCredentials: Hashable, Sendable {
    var accessKeyID: String
    var secretAccessKey: Secret
    var sessionToken: Secret?
    var source: Source

    /// Where keys can come from, in the order in which they are looked for.
    enum Source: Sendable {
        case configuration
        /// `AWS_ACCESS_KEY_ID` and its like.
        case environment
        /// systemd's `LoadCredential=`.
        case service
    }
}

/// One folder: what the engine works on, and what only a daemon reads.
struct ConfiguredFolder: Sendable {
    var folder: Folder
    /// ``SyncEngine/Folder/root`` as text.
    var path: String
    /// Between two full scans by a daemon.
    var scanInterval: Duration
    /// The same while all directories are watched.
    var watchedScanInterval: Duration
    /// Between two listings by a daemon.
    var listInterval: Duration
    /// For how long a daemon holds deletes back, to judge them together.
    var deleteDelay: Duration
}

/// A command that cannot be carried out as it was written.
struct UsageError: Error, Hashable, Sendable {
    var message: String
}

/// What a process is given besides its arguments.
struct ProcessEnvironment: Sendable {
    var isRoot: Bool
    private let lookup: @Sendable (String) -> String?

    init(isRoot: Bool, lookup: @escaping @Sendable (String) -> String?) {
        self.isRoot = isRoot
        self.lookup = lookup
    }

    /// A variable; nil where it is not set or empty.
    subscript(name: String) -> String? {
        lookup(name).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// This process's own.
    static var current: ProcessEnvironment {
        ProcessEnvironment(isRoot: geteuid() == 0) { name in getenv(name).map { String(cString: $0) } }
    }
}
