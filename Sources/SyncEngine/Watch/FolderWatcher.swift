import CLinux
import Dispatch
import Glibc
import Synchronization

/// How well a folder is watched.
public struct WatchStatus: Hashable, Sendable {
    /// Directories that are watched.
    public var directories: Int
    /// Directories that could not be watched: what happens in them is seen by the next scan only.
    public var unwatched: Int
    /// Why, in the kernel's words; nil where all are watched.
    public var reason: String?
    /// How often more happened at once than the kernel keeps: each time the whole tree was scanned.
    public var overflows: Int64

    public init(directories: Int = 0, unwatched: Int = 0, reason: String? = nil, overflows: Int64 = 0) {
        self.directories = directories
        self.unwatched = unwatched
        self.reason = reason
        self.overflows = overflows
    }
}

/// Watches a folder's directories by inotify(7). What it sees is a hint where to look, never an observation.
///
/// Directories are watched as a walk comes to them. What happened where no watch was yet is found by that walk, because
/// the watch is set before the directory is read.
public final class FolderWatcher: DirectoryWatcher {
    private struct State {
        var table = WatchTable()
        var dirty = DirtyPaths()
        var status = WatchStatus()
        /// What was taken out and is being looked at.
        var inHand: [RelativePath] = []
        /// When the first of that changed; nil where nothing is in hand.
        var inHandSince: UnixTime?
        /// The same of the tree as a whole, until a walk that began after it has come to its end.
        var everythingSince: UnixTime?
        /// How often the tree as a whole was taken out, ever, and when the last walk began.
        var everythingTaken = (sinceBegin: 0, byWalk: 0)
        /// Directories that the walk under way could not watch.
        var unwatched = 0

        /// `reason` is nil where only the directory above is not watched.
        mutating func noteUnwatched(_ reason: String?) {
            unwatched += 1
            status.unwatched = max(status.unwatched, unwatched)
            if let reason { status.reason = reason }
        }
    }

    private let files: PosixFileSystem
    private let rules: IgnoreRules
    private let clock: any EngineClock
    private let descriptor: CInt
    // nonisolated(unsafe): resumed once and cancelled once, and not touched in between.
    nonisolated(unsafe) private let source: any DispatchSourceRead
    private let state = Mutex(State())

    /// Begins to read events. `onChange` is called on a thread of the watcher's when something may have to be looked at.
    /// - Throws: ``FileSystemError`` where the kernel gives no more watchers.
    public init(
        _ folder: Folder,
        clock: any EngineClock,
        onChange: @escaping @Sendable () -> Void
    ) throws(FileSystemError) {
        files = PosixFileSystem(root: folder.root)
        self.clock = clock
        rules = IgnoreRules(patterns: folder.exclude)
        let descriptor = try systemCall("inotify_init1", []) { inotify_init1(O_NONBLOCK | O_CLOEXEC) }
        self.descriptor = descriptor
        let queue = DispatchQueue(label: "syncd.watch")
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setCancelHandler { close(descriptor) }
        source.setEventHandler { [weak self] in
            if self?.readEvents() == true { onChange() }
        }
        source.resume()
    }

    deinit {
        source.cancel()
    }

    public var status: WatchStatus { state.withLock(\.status) }

    /// Whether all directories of the tree are watched.
    public var watchesAll: Bool { state.withLock { $0.status.unwatched == 0 && $0.status.directories > 0 } }

    /// When what waits will first have settled; nil where nothing waits.
    public var nextDue: UnixTime? { state.withLock { $0.dirty.nextDue } }

    /// When the first of what waits, or is being looked at, changed; nil where there is none.
    public var oldest: UnixTime? {
        state.withLock { state in
            [state.dirty.oldest, state.inHandSince, state.everythingSince].compactMap { $0 }.min()
        }
    }

    /// What has settled and is to be looked at now.
    public enum Settled: Sendable {
        case nothing
        case everything
        case paths([RelativePath])
    }

    public func takeSettled() -> Settled {
        let now = clock.now()
        return state.withLock { state in
            let oldest = state.dirty.oldest
            switch state.dirty.takeSettled(at: now) {
            case nil:
                return .nothing
            case .everything:
                state.everythingSince = state.everythingSince ?? oldest
                state.everythingTaken.sinceBegin += 1
                return .everything
            case .paths(let paths):
                (state.inHand, state.inHandSince) = (paths, oldest)
                return .paths(paths)
            }
        }
    }

    /// Has paths looked at later on.
    public func putBack(_ paths: [RelativePath], after delay: Duration) {
        let now = clock.now()
        state.withLock { state in
            for path in paths { state.dirty.putBack(path, at: now, after: delay) }
        }
    }

    /// What was taken out last has been looked at.
    public func finished() {
        state.withLock { ($0.inHand, $0.inHandSince) = ([], nil) }
    }

    /// Has a path looked at now, whatever was seen of it.
    public func noteDue(_ path: RelativePath) {
        let now = clock.now()
        state.withLock { $0.dirty.noteDue(path, at: now) }
    }

    /// Whether something at, beneath or above a path waits to be looked at, or is being looked at.
    public func isWaiting(_ path: RelativePath) -> Bool {
        state.withLock { state in
            state.everythingSince != nil || state.dirty.concerns(path)
                || state.inHand.contains { $0 == path || $0.isBeneath(path) || path.isBeneath($0) }
        }
    }

    // MARK: Setting watches

    private static let mask =
        IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
    private static let onlyDirectories = UInt32(IN_ONLYDIR) | UInt32(IN_EXCL_UNLINK)

    public func willReadAll() {
        // The walk begins at the root that is there now, which need not be the one of the walk before.
        _ = try? files.rootIdentity()
        state.withLock { state in
            state.table.beginWalk()
            state.everythingTaken.byWalk = state.everythingTaken.sinceBegin
            state.unwatched = 0
        }
    }

    public func willRead(_ directory: RelativePath?) {
        do throws(FileSystemError) {
            try setWatch(directory)
        } catch {
            // One that has gone meanwhile is nobody's to watch.
            if error.code == .notFound || error.code == .notDirectory { return }
            state.withLock { $0.noteUnwatched(error.reason) }
        }
    }

    public func didReadAll() {
        state.withLock { state in
            let stale = state.table.endWalk()
            remove(stale)
            if state.everythingTaken.byWalk == state.everythingTaken.sinceBegin { state.everythingSince = nil }
            state.status.directories = state.table.count
            state.status.unwatched = state.unwatched
            if state.unwatched == 0 { state.status.reason = nil }
        }
    }

    /// By the descriptor of a directory that was opened beneath the root: no link can lead elsewhere.
    ///
    /// The kernel answers with the same number for a directory that is watched already. So the table's lock is held from
    /// the call to the table, here and where watches are removed: or one that was just given anew might be removed.
    private func setWatch(_ directory: RelativePath?) throws(FileSystemError) {
        let opened = try files.openBeneath(directory, flags: clinux_o_path | O_DIRECTORY)
        defer { close(opened) }
        var mask = UInt32(bitPattern: Self.mask) | Self.onlyDirectories
        if directory == nil { mask |= UInt32(bitPattern: IN_DELETE_SELF | IN_MOVE_SELF) }
        try state.withLock { state throws(FileSystemError) in
            let watch = try systemCall("inotify_add_watch", directory?.bytes ?? []) {
                inotify_add_watch(descriptor, "/proc/self/fd/\(opened)", mask)
            }
            let stale = state.table.add(watch, at: directory)
            if stale == nil { state.noteUnwatched(nil) }
            remove(stale ?? [watch])
            state.status.directories = state.table.count
        }
    }

    /// The lock is held, see ``setWatch(_:)``.
    private func remove(_ watches: [Int32]) {
        for watch in watches { inotify_rm_watch(descriptor, watch) }
    }

    // MARK: Events

    private static let bufferSize = 64 << 10

    /// Reads all events that have come. - Returns: true if anything may have to be looked at.
    private func readEvents() -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 8)
        defer { buffer.deallocate() }
        var isDirty = false
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else { return isDirty }
            let events = InotifyEvent.parse(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            let now = clock.now()
            state.withLock { state in
                for event in events { remove(take(event, at: now, &state)) }
                isDirty = isDirty || !state.dirty.isEmpty
            }
        }
    }

    /// - Returns: watches that stand for nothing any more.
    private func take(_ event: InotifyEvent, at now: UnixTime, _ state: inout State) -> [Int32] {
        if event.has(CInt(IN_IGNORED)) {
            let stale = state.table.forget(event.watch)
            state.status.directories = state.table.count
            return stale
        }
        if event.has(CInt(IN_Q_OVERFLOW)) { state.status.overflows += 1 }
        if event.has(CInt(IN_Q_OVERFLOW) | CInt(IN_UNMOUNT) | IN_DELETE_SELF | IN_MOVE_SELF) {
            state.dirty.noteEverything(at: now)
            return []
        }
        // The walk that is due finds out about all of them, and sets watches right.
        if state.dirty.isEverything {
            state.dirty.noteEverything(at: now)
            return []
        }
        guard let directory = state.table.directory(of: event.watch), isOurs(event.name) else { return [] }
        let path = RelativePath(unchecked: event.name, in: directory)
        guard path.bytes.count <= RelativePath.maximumLength else { return [] }
        let isGone = event.has(IN_DELETE | IN_MOVED_FROM)
        let stale = isGone && event.isDirectory ? state.table.remove(at: path) : []
        // What leaves the index when it is excluded needs no look either.
        if rules.isExcluded(path, isDirectory: event.isDirectory) { return stale }
        state.dirty.note(path, Self.change(event, isGone: isGone), at: now)
        return stale
    }

    private func isOurs(_ name: [UInt8]) -> Bool {
        !name.isEmpty && !name.starts(with: RelativePath.reservedPrefix)
    }

    private static func change(_ event: InotifyEvent, isGone: Bool) -> WatchedChange {
        if isGone || event.isDirectory && event.has(IN_CREATE) { return .structure }
        if event.has(IN_CLOSE_WRITE | IN_MOVED_TO) { return .completed }
        return event.has(IN_MODIFY | IN_CREATE) ? .written : .attributes
    }
}
