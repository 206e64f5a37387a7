import Foundation
import SyncEngine
import TestSupport

/// One folder on a real disk and a bucket of a service that misbehaves when told: the whole engine and the whole client.
/// Both sides are gone with this object.
final class S3World {
    let server: FaultServer
    let store: S3ObjectStore
    let files: PosixFileSystem
    let index: SQLiteIndex
    let folder: Folder
    private let root: URL

    /// Files of 300,000 bytes and more travel in parts of 100,000.
    private static let parts = PartPolicy(threshold: 300_000, minimumPartSize: 100_000)

    init(
        _ direction: Direction = .up,
        deletes: Bool = false,
        writing: ObjectWriting = ObjectWriting(),
        configure: (inout FaultQuirks) -> Void = { _ in }
    ) throws {
        var quirks = FaultQuirks()
        quirks.minimumPartSize = Int(Self.parts.minimumPartSize)
        configure(&quirks)
        let clock = FakeS3World()
        server = try FaultServer(quirks: quirks, clock: { clock.seconds })
        let prefix = Array("pre fix+/".utf8)
        store = S3ObjectStore(
            client: try server.client(environment: clock.environment),
            bucket: FaultServer.bucket,
            prefix: prefix,
            writing: writing
        )
        root = FileManager.default.temporaryDirectory.appending(path: "syncd-root-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        files = PosixFileSystem(root: Array(root.path.utf8))
        index = try SQLiteIndex(path: nil)
        folder = Folder(
            name: "test",
            root: Array(root.path.utf8),
            endpoint: server.origin,
            bucket: FaultServer.bucket,
            prefix: prefix,
            policy: Policy(direction: direction, deletes: deletes)
        )
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    @discardableResult
    func run() async -> CycleReport { await SyncCycle(context).run() }

    /// Approves what a cycle is stopped from, and runs another.
    func approveAndRun() async throws {
        await run()
        _ = try await OperatorWishes(context).approve()
        await run()
    }

    /// Copies between the two sides, without a base.
    func copier(replaces: Bool) -> ObjectCopier { ObjectCopier(context, replaces: replaces) }

    private var context: CycleContext {
        CycleContext(
            folder: folder,
            files: files,
            store: store,
            index: index,
            clock: SystemClock(),
            random: SystemRandom(),
            concurrency: 4,
            parts: Self.parts
        )
    }

    // MARK: The local side

    func write(_ name: String, _ content: [UInt8]) throws {
        let file = root.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: file)
    }

    func link(_ name: String, to target: String) throws {
        let path = root.appending(path: name).path
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    func remove(_ name: String) { try? FileManager.default.removeItem(at: root.appending(path: name)) }

    /// What the user sees in the folder.
    var contents: [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for path in FileManager.default.enumerator(atPath: root.path) ?? NSEnumerator() {
            guard let path = path as? String, !path.hasPrefix(".syncd") else { continue }
            contents[path] = FileManager.default.contents(atPath: root.appending(path: path).path).map { Array($0) }
        }
        return contents
    }

    /// A file that is open for a download.
    func temporaryFile() throws -> any OpenFile { try files.createFile(named: Array(".syncd.test.tmp".utf8), in: nil) }

    // MARK: The remote side

    func put(_ content: [UInt8], as name: String, etag: String? = nil) {
        server.withStore { $0.put(content, as: "pre fix+/\(name)", etag: etag) }
    }

    /// The objects below the folder's prefix.
    var objects: [String: [UInt8]] {
        server.withStore { store in
            var objects: [String: [UInt8]] = [:]
            for (key, object) in store.buckets[FaultServer.bucket]?.objects ?? [:] {
                objects[String(decoding: key.dropFirst(9), as: UTF8.self)] = object.content
            }
            return objects
        }
    }

    /// `count` bytes that do not repeat themselves.
    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        while bytes.count < count { withUnsafeBytes(of: random.next()) { bytes += $0 } }
        return Array(bytes.prefix(count))
    }
}
