/// What a watcher saw happen to a name.
enum WatchedChange: Hashable, Sendable {
    /// A file was closed by one who could write, or a name came by a rename: it holds still, as far as can be seen.
    case completed
    /// Written to, or created, and still open as far as is known.
    case written
    /// Permissions or times.
    case attributes
    /// A name is gone, or a directory is new: there is nothing to wait for.
    case structure
}

/// Paths that changed and were not looked at since. A path waits until it has settled: a while without a change, short
/// where its writer has closed it.
struct DirtyPaths {
    private struct Wait {
        var since: UnixTime
        var due: UnixTime
        var isCompleted: Bool
    }

    private var waits: [RelativePath: Wait] = [:]
    /// Not nil where so much changed that only a walk over the whole tree can tell.
    private var everything: Wait?

    /// Paths that are kept one by one; with more of them, a walk costs less.
    static let maximumPaths = 10_000

    private static let afterCompletion: Int64 = 200_000_000
    private static let afterWrite: Int64 = 2_000_000_000
    /// However often it changes, it is looked at after that long.
    private static let longest: Int64 = 60_000_000_000

    /// What is to be looked at.
    enum Settled: Equatable, Sendable {
        case everything
        /// In byte order, none beneath another.
        case paths([RelativePath])
    }

    var isEmpty: Bool { waits.isEmpty && everything == nil }

    /// True where single paths need not be named any more.
    var isEverything: Bool { everything != nil }

    mutating func note(_ path: RelativePath, _ change: WatchedChange, at now: UnixTime) {
        if everything != nil {
            noteEverything(at: now)
            return
        }
        let known = waits[path]
        guard known != nil || waits.count < Self.maximumPaths else {
            noteEverything(at: now)
            return
        }
        let isCompleted: Bool
        switch change {
        case .completed, .structure: isCompleted = true
        case .written: isCompleted = false
        case .attributes: isCompleted = known?.isCompleted ?? false
        }
        waits[path] = Self.wait(known, isCompleted: isCompleted, at: now)
    }

    /// Notes that anything may have changed.
    mutating func noteEverything(at now: UnixTime) {
        waits = [:]
        everything = Self.wait(everything, isCompleted: false, at: now)
    }

    /// Has a path looked at later on, unless it waits already.
    mutating func putBack(_ path: RelativePath, at now: UnixTime, after delay: Duration) {
        guard everything == nil, waits[path] == nil else { return }
        guard waits.count < Self.maximumPaths else {
            noteEverything(at: now)
            return
        }
        waits[path] = Wait(since: now, due: now.adding(delay), isCompleted: true)
    }

    /// Notes that a path is to be looked at now.
    mutating func noteDue(_ path: RelativePath, at now: UnixTime) {
        guard everything == nil else { return }
        guard waits[path] != nil || waits.count < Self.maximumPaths else {
            noteEverything(at: now)
            return
        }
        waits[path] = Wait(since: waits[path]?.since ?? now, due: now, isCompleted: true)
    }

    /// Whether something at, beneath or above `path` waits.
    func concerns(_ path: RelativePath) -> Bool {
        if everything != nil || waits[path] != nil { return true }
        return waits.keys.contains { $0.isBeneath(path) || path.isBeneath($0) }
    }

    private static func wait(_ known: Wait?, isCompleted: Bool, at now: UnixTime) -> Wait {
        let since = known?.since ?? now
        let delay = isCompleted ? afterCompletion : afterWrite
        let due = min(now.nanoseconds + delay, since.nanoseconds + longest)
        return Wait(since: since, due: UnixTime(nanoseconds: due), isCompleted: isCompleted)
    }

    /// When the first of them will have settled; nil where nothing waits.
    var nextDue: UnixTime? {
        (waits.values.lazy.map(\.due) + [everything?.due].compactMap { $0 }).min()
    }

    /// When the first of those that wait changed; nil where nothing waits.
    var oldest: UnixTime? {
        (waits.values.lazy.map(\.since) + [everything?.since].compactMap { $0 }).min()
    }

    /// Takes out what has settled; nil where nothing has.
    mutating func takeSettled(at now: UnixTime) -> Settled? {
        if let everything {
            guard Self.isDue(everything, now) else { return nil }
            self.everything = nil
            return .everything
        }
        let settled = waits.filter { Self.isDue($0.value, now) }.map(\.key)
        guard !settled.isEmpty else { return nil }
        for path in settled { waits[path] = nil }
        return .paths(Self.withoutDescendants(settled))
    }

    /// A clock that was put back must not make anything wait for ever.
    private static func isDue(_ wait: Wait, _ now: UnixTime) -> Bool {
        wait.due <= now || wait.since.nanoseconds > now.nanoseconds + longest
    }

    private static func withoutDescendants(_ paths: [RelativePath]) -> [RelativePath] {
        let all = Set(paths)
        return paths.filter { path in
            var above = path.parent
            while let directory = above {
                if all.contains(directory) { return false }
                above = directory.parent
            }
            return true
        }.sorted()
    }
}
