import Foundation
import SyncEngine
import TestSupport

/// A world whose index is a file, as syncd has it, so that a test can do to the file what happens to files. Each run is
/// a process of its own: it opens the index, runs one cycle, and closes it.
final class DiskWorld {
    let world: World
    let directory: IndexDirectory

    init(direction: Direction, deletes: Bool = true, seed: UInt64 = 1) throws {
        world = try World(direction: direction, deletes: deletes, seed: seed)
        directory = try IndexDirectory()
    }

    /// Time passes between runs, so that no file is racy.
    @discardableResult
    func run() async throws -> CycleReport {
        world.advance(seconds: 60)
        let keeper = try IndexKeeper(path: directory.database, clock: world.clock)
        let context = world.context
        return await keeper.run(context.folder.name) { index in
            var own = context
            own.index = index
            return await SyncCycle(own).run()
        }
    }

    /// Runs a cycle. - Returns: the files as a kill at its end leaves them: nothing was put away.
    func filesOfAKill() async throws -> [String: [UInt8]] {
        world.advance(seconds: 60)
        var context = world.context
        context.index = try SQLiteIndex(path: directory.database)
        _ = await SyncCycle(context).run()
        let files = try directory.snapshot()
        withExtendedLifetime(context) {}
        return files
    }

    @discardableResult
    func approve() async throws -> Approval {
        let keeper = try IndexKeeper(path: directory.database, clock: world.clock)
        let context = world.context
        return try await keeper.recall(context.folder.name, consequence: "Nothing was approved.") {
            index throws(CycleFailure) in
            var own = context
            own.index = index
            return try await OperatorWishes(own).approve()
        }
    }

    // MARK: Both sides, whatever the direction

    /// Edits the side that leads.
    func lead(_ name: String, _ content: String) {
        switch world.folder.policy.direction {
        case .up: world.write(name, content)
        case .down, .both: world.putObject(name, content)
        }
    }

    func stopLeading(_ name: String) {
        switch world.folder.policy.direction {
        case .up: world.remove(name)
        case .down, .both: world.removeObject(name)
        }
    }

    /// Edits the side that follows, as only others do.
    func intrude(_ name: String, _ content: String) {
        switch world.folder.policy.direction {
        case .up: world.putObject(name, content)
        case .down, .both: world.write(name, content)
        }
    }

    var leading: [String: String] {
        switch world.folder.policy.direction {
        case .up: world.files
        case .down, .both: world.objects
        }
    }

    var following: [String: String] {
        switch world.folder.policy.direction {
        case .up: world.objects
        case .down, .both: world.files
        }
    }
}

/// A directory that holds an index, and goes with its last reference.
final class IndexDirectory: Sendable {
    let path: String
    private let url: URL

    init() throws {
        // In memory where that can be: nothing here is about what reaches a disk, and thousands of flushes take their time.
        let memory = "/dev/shm"
        let isThere = FileManager.default.isWritableFile(atPath: memory)
        let place = isThere ? URL(filePath: memory) : FileManager.default.temporaryDirectory
        url = place.appending(path: "syncd-index-\(UUID().uuidString)")
        path = url.path
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    var database: String { file("index.db") }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// All names, sorted.
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    /// Damaged indexes that were moved aside, without their logs.
    var kept: [String] { names.filter { $0.hasPrefix("index.damaged-") && $0.hasSuffix(".db") } }

    func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: file(name)))) }

    func write(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: file(name))) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }

    /// All files with their content.
    func snapshot() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in names { files[name] = try read(name) }
        return files
    }

    /// Puts the files of a snapshot in the place of all that is there.
    func restore(_ snapshot: [String: [UInt8]]) throws {
        for name in names { try remove(name) }
        for (name, bytes) in snapshot { try write(name, bytes) }
    }
}
