/// Remembers where something was mounted inside the root. Without its mount such a directory is empty, or holds what the
/// mount hid: it looks as if all of the mount's files had been deleted, and they were not.
struct MountPoints {
    let context: CycleContext
    let rules: IgnoreRules
    let folder: Int64

    /// Makes unknown what lies at a mount point that has lost its mount, before anything there counts as absent.
    /// `number` is the walk's, `scope` what it looked at.
    func judge(_ scan: inout ScanResult, _ number: Sequence, within scope: EntryScope) async throws {
        let known = try await context.index.mountPoints(folder)
        let mounted = Set(scan.mounted)
        var forgotten: Set<RelativePath> = []
        let unknown = UnknownPaths(scan.unknown)
        for path in known.union(mounted).sorted(by: { bytesPrecede($0.bytes, $1.bytes) })
        where scope.meets(path) && !unknown.covers(path) && !isExcluded(path) {
            switch fate(of: path, on: scan.device, wasMounted: mounted.contains(path)) {
            case .mounted: continue
            case .gone where scope.covers(path): forgotten.insert(path)
            case .bare where scope.covers(path):
                if try await holdsItsFiles(path, number) { forgotten.insert(path) } else { scan.note(lost: path) }
            case .lost, .gone, .bare: scan.note(lost: path)
            }
        }
        try await context.index.setMountPoints(folder, noting: mounted.subtracting(known), forgetting: forgotten)
    }

    private func isExcluded(_ path: RelativePath) -> Bool {
        rules.match(path, isDirectory: true)?.excludes == true
    }

    /// What became of a mount point.
    private enum Fate {
        /// It is mounted, and was while the walk went through it.
        case mounted
        /// Its mount came or went during the walk, or nothing is known of it.
        case lost
        /// It is a directory like others.
        case bare
        /// There is no such directory any more, which is nothing that an unmounting does.
        case gone
    }

    private func fate(of path: RelativePath, on device: UInt64, wasMounted: Bool) -> Fate {
        do throws(FileSystemError) {
            let status = try context.files.status(path)
            guard status.kind == .directory else { return wasMounted ? .lost : .gone }
            if status.isMountPoint || status.device != device { return wasMounted ? .mounted : .lost }
            return wasMounted ? .lost : .bare
        } catch {
            return !wasMounted && (error.code == .notFound || error.code == .notDirectory) ? .gone : .lost
        }
    }

    /// True if the walk saw one of the files there that both sides agreed on, or any where there are none of these.
    private func holdsItsFiles(_ path: RelativePath, _ number: Sequence) async throws -> Bool {
        let trace = try await context.index.trace(number, beneath: path)
        return trace.holdsBase ? trace.sawBase : trace.sawAny
    }
}

extension ScanResult {
    fileprivate mutating func note(lost path: RelativePath) {
        let message =
            "another file system was mounted here and is not now, so nothing is concluded of what was in it: mount it "
            + "again, exclude it, or remove this directory if it is not to come back"
        unknown.append(path)
        problems.append(Problem(path: path.bytes, side: .local, kind: .unreadable, message: message))
    }
}

extension EntryScope {
    /// True if `path` and all beneath it is looked at.
    fileprivate func covers(_ path: RelativePath) -> Bool {
        switch self {
        case .whole: true
        case .paths(let paths): UnknownPaths(paths).covers(path)
        }
    }

    /// True if `path` or anything beneath it is looked at.
    fileprivate func meets(_ path: RelativePath) -> Bool {
        switch self {
        case .whole: true
        case .paths(let paths): covers(path) || paths.contains { UnknownPaths([path]).covers($0) }
        }
    }
}
