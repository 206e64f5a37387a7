import Glibc
import S3API
import SyncEngine
import Text

/// A configuration that was checked: what is in it can be relied on.
struct Configuration: Sendable {
    /// The file it came from, as it was named, for messages.
    var file: String
    /// What is called `connection`, and serves every folder that names no other.
    var connection: Connection
    /// Those of `connections`, in the order of the file, their names unique.
    var namedConnections: [Connection]
    /// An absolute path.
    var stateDirectory: String
    /// One or more, their names unique, their roots and prefixes apart from each other.
    var folders: [ConfiguredFolder]
    /// Requests of one connection under way at once, at most.
    var concurrency: Int
    /// How fast bodies may go up and come down, all folders together, in bytes a second; nil for as fast as it goes.
    var uploadBytesPerSecond: Int64?
    var downloadBytesPerSecond: Int64?
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
    /// Requests of one connection under way at once at most, where nothing else is said.
    static let usualConcurrency = 256

    /// The connections that folders use, each once.
    var usedConnections: [Connection] {
        ([connection] + namedConnections).filter { one in folders.contains { $0.connection.name == one.name } }
    }

    /// For commands that talk to the store.
    /// - Throws: what to do, where a folder's connection can have no credentials at all.
    func requireCredentials(_ host: any CredentialsHost) throws(ConfigurationError) {
        for connection in usedConnections { try connection.requireCredentials(host, file: file) }
    }

    /// What lets a halted folder go on, ready for a shell.
    func approveCommand(_ folder: String) -> String {
        let option = file == ConfigurationFile.defaultPath ? "" : " --config \(shellQuoted(file))"
        return "syncd approve \(shellQuoted(folder))\(option)"
    }
}

/// Where the store is, and with which keys.
struct Connection: Hashable, Sendable {
    /// Its key in `connections`; nil for the one that is called `connection`.
    var name: String?
    /// Nil where neither the configuration nor the environment nor the service manager has any: then they are looked
    /// for when they are first needed.
    var credentials: StaticCredentials?
    /// Of AWS's shared files; nil for the one that `AWS_PROFILE` names, or `default`.
    var profile: String?
    var region: String
    /// Nil is AWS.
    var endpoint: S3Endpoint?
    /// Nil for the usual: path style with an endpoint, virtual-hosted style at AWS.
    var addressing: S3Addressing?
    /// Whether AWS is reached by IPv6 as well.
    var isDualStack: Bool
    /// A file of certificates to trust in place of the system's.
    var caFile: String?
    var provider: Provider
    /// What the configuration says of the service.
    var statedCapabilities: Capabilities

    /// What need not be tried: the configuration's word, then what is known of such services.
    var capabilities: Capabilities { statedCapabilities.completed(by: provider.capabilities) }

    /// Where it stands in the configuration.
    var keyPath: String { name.map { "connections.\($0)" } ?? "connection" }
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
    var connection: Connection
    /// What its objects are written with.
    var writing: ObjectWriting
    /// Where the key for them was read; nil for none of the operator's own.
    var customerKeyFile: String?
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

    /// AWS's region, for what names none.
    var region: String? { self["AWS_REGION"] ?? self["AWS_DEFAULT_REGION"] }

    /// This process's own.
    static var current: ProcessEnvironment {
        ProcessEnvironment(isRoot: geteuid() == 0) { name in getenv(name).map { String(cString: $0) } }
    }
}
