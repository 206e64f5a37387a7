/// What looking for keys needs of the machine: its environment, files, commands, and two ways to send a request. S3API
/// itself reads no file and runs nothing.
public protocol CredentialsHost: Sendable {
    /// A variable of the environment; nil where it is not set or empty.
    func variable(_ name: String) -> String?

    /// A file, at most ``CredentialsLimits/file`` bytes of it; nil where there is none.
    /// - Throws: `.unusable` for a file that is larger or cannot be read.
    func contents(of path: String) throws(CredentialsError) -> [UInt8]?

    /// Changes whenever the file does; nil where there is none.
    func stamp(of path: String) -> FileStamp?

    /// What a shell command writes to its standard output, at most ``CredentialsLimits/output`` bytes.
    /// - Throws: `.unusable` for a command that cannot be run, fails, writes more, or takes longer than
    ///   ``CredentialsLimits/commandSeconds``.
    func output(of command: String) async throws(CredentialsError) -> [UInt8]

    /// Sends one request. One that stays near goes through no proxy and waits for seconds at most: its answer comes from
    /// this machine or the one beneath it.
    func send(_ request: HTTPRequest, staysNear: Bool) async throws(TransportError) -> HTTPResponse

    /// Whether this machine says that it is an instance of EC2: no other has keys at the instances' address.
    var isInstance: Bool { get }

    /// Clock, pauses and chance.
    var environment: S3Environment { get }
}

/// What tells one state of a file from another.
public struct FileStamp: Hashable, Sendable {
    public var inode: UInt64
    /// In bytes.
    public var size: Int64
    /// In nanoseconds since 1970.
    public var modified: Int64

    public init(inode: UInt64, size: Int64, modified: Int64) {
        self.inode = inode
        self.size = size
        self.modified = modified
    }
}

/// What bounds looking for keys.
public enum CredentialsLimits {
    /// Bytes of a configuration or token file.
    public static let file = 1 << 20
    /// Bytes that a command may write.
    public static let output = 64 << 10
    /// Seconds that a command may take.
    public static let commandSeconds = 60
    /// Seconds without a byte after which STS is taken not to answer. Its answers are small.
    static let stallSeconds = 10
    /// Bytes of an answer.
    static let answer = 64 << 10
    /// Profiles that one may lead to, each by the next.
    static let profiles = 8
    /// Tries at an endpoint that does not answer or fails.
    static let tries = 3
}
