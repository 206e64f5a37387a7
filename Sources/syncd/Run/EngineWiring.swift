import Glibc
import S3API
import SyncEngine

/// The one place that joins configuration and engine: what all folders of a process share.
struct EngineWiring: Sendable {
    let keeper: IndexKeeper
    /// One for each connection that a folder uses.
    let transports: [CurlTransport]
    /// By the connection's key path.
    private let clients: [String: S3Client]
    /// Of each folder by its name: the key path of its connection, and how its objects are written.
    private var destinations: [String: Destination]
    /// Requests of one connection under way at once, at most.
    let concurrency: Int
    /// How fast bodies travel, over all connections together.
    private let bandwidth: Bandwidth
    let executor: EngineExecutor
    /// The same for large transfers.
    let bulkThreads: EngineExecutor
    let defaultMode: UInt16
    /// Nil but in tests of crashes.
    let observer: (any SeamObserver)?

    /// Threads for what blocks: file system calls, hashes, commits of the index.
    private static let threads = 2

    /// Makes the runner for a configuration whose `stateDirectory` exists and is locked by this process.
    @Sendable
    static func makeRunner(_ configuration: Configuration) async throws(CycleFailure) -> any CycleRunner {
        EngineRunner(wiring: try EngineWiring(configuration, keeper: try makeKeeper(configuration)))
    }

    /// Opens the index of a configuration's state directory.
    static func makeKeeper(_ configuration: Configuration) throws(CycleFailure) -> IndexKeeper {
        do {
            return try IndexKeeper(
                path: "\(configuration.stateDirectory)/index.db",
                clock: SystemClock(),
                observer: CrashPoints(.current)
            )
        } catch {
            throw CycleFailure(code: .index, message: error.message)
        }
    }

    /// `other` is one that goes before it: its threads live as long as the process, and what it still moves counts for the
    /// same limits.
    init(
        _ configuration: Configuration,
        keeper: IndexKeeper,
        after other: EngineWiring? = nil
    ) throws(CycleFailure) {
        self.keeper = keeper
        concurrency = OpenFiles.concurrency(configuration.concurrency)
        bandwidth = other?.bandwidth ?? Bandwidth()
        bandwidth.limit(configuration)
        observer = CrashPoints(.current)
        let host = SystemCredentialsHost(.current)
        var transports: [CurlTransport] = []
        var clients: [String: S3Client] = [:]
        for connection in configuration.usedConnections {
            let (transport, client) = Self.makeClient(connection, host, concurrency: concurrency, bandwidth)
            transports.append(transport)
            clients[connection.keyPath] = client
        }
        (self.transports, self.clients) = (transports, clients)
        destinations = Self.destinations(configuration)
        if let first = transports.first { WedgePoint.arm(first, .current) }
        executor = other?.executor ?? EngineExecutor(threads: Self.threads)
        bulkThreads = other?.bulkThreads ?? EngineExecutor(threads: Self.threads)
        defaultMode = Self.defaultMode()
    }

    private struct Destination {
        var connection: String
        var writing: ObjectWriting
        var parts: PartPolicy

        init(_ folder: ConfiguredFolder) {
            connection = folder.connection.keyPath
            writing = folder.writing
            parts = folder.connection.provider.parts
        }
    }

    private static func destinations(_ configuration: Configuration) -> [String: Destination] {
        Dictionary(
            configuration.folders.map { ($0.folder.name, Destination($0)) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The same for other folders, whose connections are those that this one knows, and by other limits of bandwidth, which
    /// hold at once for what is under way, too.
    func serving(_ configuration: Configuration) -> EngineWiring {
        bandwidth.limit(configuration)
        var wiring = self
        wiring.destinations = Self.destinations(configuration)
        return wiring
    }

    /// A client of a connection's service, and what it sends by.
    static func makeClient(
        _ connection: Connection,
        _ host: any CredentialsHost,
        concurrency: Int = OpenFiles.concurrency(Configuration.usualConcurrency),
        _ bandwidth: Bandwidth = Bandwidth()
    ) -> (transport: CurlTransport, client: S3Client) {
        let transport = CurlTransport(
            options: TransportOptions(
                caFile: connection.caFile,
                userAgent: "syncd/\(Version.number)",
                keptConnections: concurrency,
                bandwidth: bandwidth
            )
        )
        var service = S3Connection(
            credentials: connection.credentialsProvider(host),
            region: connection.region,
            endpoint: connection.endpoint,
            addressing: connection.addressing,
            isDualStack: connection.isDualStack
        )
        service.signsBodies = connection.provider.signsBodies
        let client = S3Client(
            connection: service,
            transport: transport,
            environment: .system,
            concurrency: concurrency
        )
        return (transport, client)
    }

    /// The mode of a file that names none: 0666 less the umask, which can only be read by setting it.
    static func defaultMode() -> UInt16 {
        let mask = umask(0o077)
        umask(mask)
        return UInt16(0o666 & ~mask)
    }

    /// What a cycle over `folder` works with.
    func context(
        _ folder: Folder,
        _ files: PosixFileSystem,
        _ index: SQLiteIndex,
        _ progress: CycleProgress,
        _ stop: StopSignal,
        concurrency: Int? = nil,
        watcher: FolderWatcher? = nil,
        share: FolderShare = FolderShare()
    ) -> CycleContext {
        guard let destination = destinations[folder.name], let client = clients[destination.connection] else {
            preconditionFailure("\(folder.name) is a folder of another configuration")
        }
        let store = S3ObjectStore(
            client: client,
            bucket: folder.bucket,
            prefix: folder.prefix,
            writing: destination.writing
        )
        var context = CycleContext(
            folder: folder,
            files: observer.map { ObservedFileSystem(files, observer: $0) } ?? files,
            store: observer.map { ObservedStore(store, observer: $0) } ?? store,
            index: index,
            clock: SystemClock(),
            random: SystemRandom(),
            progress: progress,
            stop: stop,
            concurrency: concurrency ?? self.concurrency,
            defaultMode: defaultMode,
            parts: destination.parts,
            watcher: watcher,
            share: share
        )
        context.bulkThreads = bulkThreads
        return context
    }

    /// Lets `body` use what the index knows of a folder, with a descriptor of the root of its own.
    /// `consequence` is a sentence: what it means that a new index knows nothing.
    func recall<Value: Sendable>(
        _ folder: Folder,
        consequence: String,
        share: FolderShare = FolderShare(),
        _ body: @escaping @Sendable (CycleContext) async throws(CycleFailure) -> Value
    ) async throws(CycleFailure) -> Value {
        try await keeper.recall(folder.name, consequence: consequence) { index throws(CycleFailure) in
            let files = PosixFileSystem(root: folder.root)
            return try await body(context(folder, files, index, CycleProgress(), StopSignal(), share: share))
        }
    }

    /// Approves what waits in a halted folder, for 24 hours.
    func approve(_ folder: Folder) async throws(CycleFailure) -> Approval {
        let consequence = "Nothing was approved: run a cycle, and look at what it shows."
        return try await recall(folder, consequence: consequence) { context throws(CycleFailure) in
            try await OperatorWishes(context).approve()
        }
    }

    /// Notes whether the operator wants a folder to rest.
    func setPaused(_ folder: Folder, _ isPaused: Bool) async throws(CycleFailure) {
        try await recall(folder, consequence: "Nothing was noted: say it again.") { context throws(CycleFailure) in
            try await OperatorWishes(context).setPaused(isPaused)
        }
    }

    /// Takes the root's lock, which two state directories with one root would fight for.
    func lock(_ files: PosixFileSystem, _ folder: Folder) throws(CycleFailure) {
        let path = String(decoding: folder.root, as: UTF8.self)
        do throws(FileSystemError) {
            if try files.lockRoot() { return }
        } catch {
            // A root that is not there is the root gate's business.
            if error.code == .notFound || error.code == .notDirectory { return }
            throw CycleFailure(code: .unreadableRoot, message: "\(path) cannot be locked: \(error.reason)")
        }
        throw CycleFailure(code: .busy, message: "another syncd works on \(path): wait for it, or stop it")
    }
}

extension Bandwidth {
    fileprivate func limit(_ configuration: Configuration) {
        limit(
            uploadBytesPerSecond: configuration.uploadBytesPerSecond,
            downloadBytesPerSecond: configuration.downloadBytesPerSecond
        )
    }
}

extension CycleReport {
    /// Of a cycle that could not begin.
    init(notBegun failure: CycleFailure) {
        let now = SystemClock().now()
        self.init(record: CycleRecord(startedAt: now, finishedAt: now, result: .failed), failure: failure)
    }
}
