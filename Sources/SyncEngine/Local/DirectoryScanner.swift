/// What a walk over a tree, or parts of it, found, beside the files it handed on.
public struct ScanResult: Sendable {
    /// The device that the root lies on.
    public var device: UInt64 = 0
    /// Regular files that are eligible for syncing.
    public var files: Int64 = 0
    /// Names that are rightly not synced: excluded, links, special files.
    public var skipped: Int64 = 0
    public var problems: [Problem] = []
    /// Paths that were not observed: they and all beneath them are unknown.
    public var unknown: [RelativePath] = []
    /// Directories at which something is mounted. What is on another device is among the unknown, too.
    public var mounted: [RelativePath] = []
    /// False if there were more unknown paths than are kept: then nothing at all may be taken for absent.
    public var isComplete = true
    /// Temporary files of ours that no process works on.
    public var leftovers: [RelativePath] = []

    /// Unknown paths, problems and leftovers that are kept one by one.
    public static let maximumKept = 100_000
}

/// Walks a tree in the byte order of whole paths, with one directory in memory for each level.
struct DirectoryScanner {
    let files: any FileSystem
    let rules: IgnoreRules
    var stop = StopSignal()
    var watcher: (any DirectoryWatcher)?

    /// Files that are handed on at once.
    static let pageSize = 1_000

    /// A directory that is being walked: what is left of it, the next name last.
    private struct Level {
        var path: RelativePath?
        var rest: [DirectoryEntry]
    }

    /// Files on their way to the index.
    private struct Page {
        var files: [LocalObservation] = []
        let observe: ([LocalObservation]) async throws -> Void

        mutating func add(_ observation: LocalObservation) async throws {
            files.append(observation)
            if files.count == pageSize { try await flush() }
        }

        mutating func flush() async throws {
            if !files.isEmpty { try await observe(files) }
            files.removeAll(keepingCapacity: true)
        }
    }

    /// Walks the whole tree.
    /// - Throws: what `observe` throws, and ``FileSystemError`` if the root itself cannot be read.
    func scan(observe: @escaping ([LocalObservation]) async throws -> Void) async throws -> ScanResult {
        var result = ScanResult()
        watcher?.willReadAll()
        watcher?.willRead(nil)
        let (device, entries) = try files.readDirectory(nil)
        result.device = device
        var page = Page(observe: observe)
        try await walk([Level(path: nil, rest: Self.sorted(entries))], on: device, &result, &page)
        try await page.flush()
        watcher?.didReadAll()
        return result
    }

    /// Looks at `paths` and all beneath them, where the root lies on `device`. What is not found there is absent.
    /// - Throws: what `observe` throws.
    func scan(
        _ paths: [RelativePath],
        on device: UInt64,
        observe: @escaping ([LocalObservation]) async throws -> Void
    ) async throws -> ScanResult {
        var result = ScanResult()
        result.device = device
        var page = Page(observe: observe)
        for path in paths where !rules.excludes(path) {
            try stop.check()
            guard isOnRoot(path, device, &result), let entry = look(at: path, &result) else { continue }
            let parent = Level(path: path.parent, rest: [entry])
            try await walk([parent], on: device, &result, &page)
        }
        try await page.flush()
        return result
    }

    /// False where another file system is mounted above `path`: what it hides is unknown.
    private func isOnRoot(_ path: RelativePath, _ device: UInt64, _ result: inout ScanResult) -> Bool {
        guard let mounted = mountPoint(above: path, files, device) else { return true }
        result.note(unknown: mounted)
        return false
    }

    /// The name at `path`; nil where there is none.
    private func look(at path: RelativePath, _ result: inout ScanResult) -> DirectoryEntry? {
        let name = Array(path.name)
        do throws(FileSystemError) {
            let status = try files.status(path)
            // Where the file system answers by the name of another: that one is looked at by its own.
            guard try files.shown(path, suspected: false).path == path else { return nil }
            return DirectoryEntry(name: name, status: status)
        } catch {
            switch error.code {
            case .notFound, .notDirectory:
                return nil
            case .symbolicLink:
                // A directory above it is a link now, and nothing is known of what lies behind.
                result.note(unknown: path)
                return nil
            case .exists, .isDirectory, .notEmpty, .notRegular, .accessDenied, .noSpace, .tooManyOpenFiles, .readOnly,
                .crossDevice, .nameTooLong, .unsupported, .inputOutput, .stale, .other:
                return DirectoryEntry(name: name, status: nil)
            }
        }
    }

    private func walk(
        _ start: [Level],
        on device: UInt64,
        _ result: inout ScanResult,
        _ page: inout Page
    ) async throws {
        var levels = start
        while let entry = Self.next(&levels) {
            let path = RelativePath(unchecked: entry.name, in: levels.last?.path)
            guard let status = eligible(entry, path, &result) else { continue }
            switch status.kind {
            case .file:
                result.files += 1
                try await page.add(LocalObservation(path: path, state: status.state))
            case .directory:
                try stop.check()
                if status.isMountPoint { result.note(mounted: path) }
                if let level = open(path, on: device, &result) { levels.append(level) }
            case .symbolicLink, .special:
                result.skipped += 1
                result.note(unknown: path)
            }
        }
    }

    /// The next name of the innermost directory; levels that are done are dropped.
    private static func next(_ levels: inout [Level]) -> DirectoryEntry? {
        while !levels.isEmpty {
            if let entry = levels[levels.count - 1].rest.popLast() { return entry }
            levels.removeLast()
        }
        return nil
    }

    /// In descending order, so that the next one is taken from the end. A directory sorts as its name and `/`, which
    /// puts `a-` before all of `a/…`, and `a0` after it: so whole paths come in the order of their bytes.
    private static func sorted(_ entries: [DirectoryEntry]) -> [DirectoryEntry] {
        let keys = entries.map { $0.status?.kind == .directory ? $0.name + [UInt8(ascii: "/")] : $0.name }
        return entries.indices.sorted { bytesPrecede(keys[$1], keys[$0]) }.map { entries[$0] }
    }

    /// The status of a name that is to be synced or descended into; nil for all others, which are noted.
    private func eligible(_ entry: DirectoryEntry, _ path: RelativePath, _ result: inout ScanResult) -> FileStatus? {
        if entry.name.starts(with: RelativePath.reservedPrefix) {
            if TemporaryName.isOne(entry.name) { result.note(leftover: path) }
            return nil
        }
        if path.bytes.count > RelativePath.maximumLength {
            let message = "the path is longer than \(RelativePath.maximumLength) bytes: move it up"
            result.note(Problem(path: path.bytes, side: .local, kind: .name, message: message))
            return nil
        }
        if rules.isExcluded(path, isDirectory: entry.status?.kind == .directory) {
            result.skipped += 1
            return nil
        }
        guard let status = entry.status else {
            result.note(unknown: path)
            let message = "its status cannot be read; nothing is concluded of it"
            result.note(Problem(path: path.bytes, side: .local, kind: .unreadable, message: message))
            return nil
        }
        return status
    }

    /// Reads a directory; one that cannot be read, or lies on another device, is unknown with all beneath it.
    private func open(_ path: RelativePath, on device: UInt64, _ result: inout ScanResult) -> Level? {
        do {
            watcher?.willRead(path)
            let (own, entries) = try files.readDirectory(path)
            if own == device { return Level(path: path, rest: Self.sorted(entries)) }
            result.note(mounted: path)
            let message =
                "another file system is mounted here; syncd stays on the root's own: exclude it, or make it a "
                + "folder of its own"
            result.note(Problem(path: path.bytes, side: .local, kind: .unreadable, message: message))
        } catch {
            // One that has gone meanwhile is for the next walk.
            if error.code != .notFound { result.note(Problem(local: path, error: error)) }
        }
        result.note(unknown: path)
        return nil
    }
}

extension ScanResult {
    fileprivate mutating func note(unknown path: RelativePath) {
        if unknown.count < Self.maximumKept {
            unknown.append(path)
        } else if isComplete {
            isComplete = false
            let message =
                "more than \(Self.maximumKept) names cannot be observed (links, special files, unreadable ones): exclude "
                + "them, or nothing that is gone here counts as deleted"
            problems.append(Problem(path: path.bytes, side: .local, kind: .unreadable, message: message))
        }
    }

    fileprivate mutating func note(mounted path: RelativePath) {
        if mounted.last != path, mounted.count < Self.maximumKept { mounted.append(path) }
    }

    fileprivate mutating func note(_ problem: Problem) {
        if problems.count < Self.maximumKept { problems.append(problem) }
    }

    fileprivate mutating func note(leftover path: RelativePath) {
        if leftovers.count < Self.maximumKept { leftovers.append(path) }
    }
}

/// The nearest directory above `path` that is there, if it lies on another device than `device`.
func mountPoint(above path: RelativePath, _ files: any FileSystem, _ device: UInt64) -> RelativePath? {
    var above = path.parent
    while let directory = above {
        if let status = try? files.status(directory) {
            return status.kind == .directory && status.device != device ? directory : nil
        }
        above = directory.parent
    }
    return nil
}
