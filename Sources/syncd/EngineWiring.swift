import Glibc
import S3API
import SyncEngine

/// The one place that joins configuration and engine.
enum EngineWiring {
    /// Threads for what blocks: file system calls, hashes, commits of the index.
    private static let threads = 2

    /// Makes the runner for a configuration whose `stateDirectory` exists and is locked by this process.
    @Sendable
    static func makeRunner(_ configuration: Configuration) async throws(CycleFailure) -> any CycleRunner {
        let crashPoints = CrashPoints(.current)
        let path = "\(configuration.stateDirectory)/index.db"
        let keeper: IndexKeeper
        do {
            keeper = try IndexKeeper(path: path, clock: SystemClock(), observer: crashPoints)
        } catch {
            throw CycleFailure(code: .index, message: error.message)
        }
        let connection = configuration.connection
        let client = S3Client(
            connection: S3Connection(
                credentials: connection.s3Credentials,
                region: connection.region,
                endpoint: connection.endpoint
            ),
            transport: CurlTransport(
                options: TransportOptions(caFile: connection.caFile, userAgent: "syncd/\(Version.number)")
            ),
            environment: .system
        )
        return EngineRunner(
            keeper: keeper,
            client: client,
            concurrency: configuration.concurrency,
            executor: EngineExecutor(threads: threads),
            defaultMode: defaultMode(),
            observer: crashPoints
        )
    }

    /// The mode of a file that names none: 0666 less the umask, which can only be read by setting it.
    private static func defaultMode() -> UInt16 {
        let mask = umask(0o077)
        umask(mask)
        return UInt16(0o666 & ~mask)
    }
}

extension Connection {
    /// Empty where there are none: `approve` needs no keys, and commands that do have refused by now.
    fileprivate var s3Credentials: S3Credentials {
        S3Credentials(
            accessKeyID: credentials?.accessKeyID ?? "",
            secretAccessKey: credentials?.secretAccessKey.reveal() ?? "",
            sessionToken: credentials?.sessionToken?.reveal()
        )
    }
}

/// Cycles by the real engine: the machine's files, the service, the index on disk.
private struct EngineRunner: CycleRunner {
    let keeper: IndexKeeper
    let client: S3Client
    let concurrency: Int
    let executor: EngineExecutor
    let defaultMode: UInt16
    /// Nil but in tests of crashes.
    let observer: (any SeamObserver)?

    func run(
        _ folder: Folder,
        mode: CycleMode,
        progress: CycleProgress,
        until stop: StopSignal
    ) async -> CycleReport {
        let files = PosixFileSystem(root: folder.root)
        do {
            try lock(files, folder)
        } catch {
            let now = SystemClock().now()
            return CycleReport(record: CycleRecord(startedAt: now, finishedAt: now, result: .failed), failure: error)
        }
        return await withTaskExecutorPreference(executor) {
            await keeper.run(folder.name) { index in
                let cycle = SyncCycle(context(folder, files, index, progress, stop))
                return switch mode {
                case .apply: await cycle.run()
                case .planOnly(let maxRows): await cycle.plan(limit: maxRows)
                }
            }
        }
    }

    func verify(
        _ folder: Folder,
        readsObjects: Bool,
        progress: CycleProgress,
        until stop: StopSignal
    ) async -> VerifyReport {
        let files = PosixFileSystem(root: folder.root)
        do throws(CycleFailure) {
            try lock(files, folder)
            return try await withTaskExecutorPreference(executor) { () throws(CycleFailure) in
                try await keeper.recall(folder.name, consequence: "There is nothing to verify against: run a cycle.") {
                    index throws(CycleFailure) in
                    let context = context(folder, files, index, progress, stop)
                    let report = await Verifier(context, readsObjects: readsObjects).run()
                    if let failure = report.failure, failure.code == .indexDamaged { throw failure }
                    return report
                }
            }
        } catch {
            let now = SystemClock().now()
            return VerifyReport(startedAt: now, finishedAt: now, failure: error)
        }
    }

    func approve(_ folder: Folder) async throws(CycleFailure) -> Approval {
        let consequence = "Nothing was approved: run a cycle, and look at what it shows."
        return try await keeper.recall(folder.name, consequence: consequence) { index throws(CycleFailure) in
            let files = PosixFileSystem(root: folder.root)
            return try await SyncCycle(context(folder, files, index, CycleProgress(), StopSignal())).approve()
        }
    }

    private func context(
        _ folder: Folder,
        _ files: PosixFileSystem,
        _ index: SQLiteIndex,
        _ progress: CycleProgress,
        _ stop: StopSignal
    ) -> CycleContext {
        let store = S3ObjectStore(client: client, bucket: folder.bucket, prefix: folder.prefix)
        return CycleContext(
            folder: folder,
            files: observer.map { ObservedFileSystem(files, observer: $0) } ?? files,
            store: observer.map { ObservedStore(store, observer: $0) } ?? store,
            index: index,
            clock: SystemClock(),
            random: SystemRandom(),
            progress: progress,
            stop: stop,
            concurrency: concurrency,
            defaultMode: defaultMode
        )
    }

    /// Takes the root's lock, which two state directories with one root would fight for.
    private func lock(_ files: PosixFileSystem, _ folder: Folder) throws(CycleFailure) {
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
