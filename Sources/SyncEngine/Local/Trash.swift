import Glibc

/// Where files go that a cycle deletes or overwrites: `.syncd-trash/<UTC time of the cycle>/<path>` beneath the root.
struct Trash: Sendable {
    private let files: any FileSystem
    /// This cycle's directory.
    private let home: RelativePath

    private static let name = Array(".syncd-trash".utf8)
    private static let top = RelativePath(unchecked: name, in: nil)
    /// Versions of one path that one cycle's trash holds.
    private static let maximumVersions = 1_000

    /// `cycle` is when the cycle began; it names the directory.
    init(files: any FileSystem, cycle: UnixTime) {
        self.files = files
        home = RelativePath(unchecked: Array(CalendarTime(cycle).basic.utf8), in: Self.top)
    }

    /// Moves a file into the trash, never onto another.
    /// `target` is the path that it had in the tree.
    /// - Returns: the file's state after the move, and where it is now.
    func move(
        _ path: RelativePath,
        as target: RelativePath
    ) throws(FileSystemError) -> (LocalState, RelativePath) {
        let place = try place(for: target) { candidate throws(FileSystemError) in
            try files.rename(path, to: candidate)
        }
        return (try files.status(place).state, place)
    }

    /// Puts a file in the place of `target`, and what stands there into the trash, in one step.
    /// - Returns: where what stood there is now.
    /// - Throws: ``FileSystemError``; then both are where they were.
    func exchange(_ path: RelativePath, with target: RelativePath) throws(FileSystemError) -> RelativePath {
        let (state, place) = try move(path, as: target)
        do {
            try files.exchange(place, with: target)
            return place
        } catch {
            // A network may lose the answer to a step that was taken: what lies here tells. Nobody can tell: it stays.
            guard let now = try? files.status(place) else { throw error }
            if now.state.inode != state.inode { return place }
            try files.rename(place, to: path)
            throw error
        }
    }

    /// Removes a version that nobody needs, and the directories of the trash that are empty then.
    func drop(_ place: RelativePath) throws(FileSystemError) {
        try files.removeFile(place)
        removeEmptied(above: place, keeping: [])
    }

    /// Gives a file a second name in the trash. - Returns: that name.
    func link(_ target: RelativePath) throws(FileSystemError) -> RelativePath {
        try place(for: target) { candidate throws(FileSystemError) in try files.link(target, to: candidate) }
    }

    /// Tries `put` with one name after the other until it meets none that is taken.
    private func place(
        for target: RelativePath,
        _ put: (RelativePath) throws(FileSystemError) -> Void
    ) throws(FileSystemError) -> RelativePath {
        let place = RelativePath(unchecked: target.bytes, in: home)
        if let parent = place.parent { try files.makeDirectories(parent) }
        for version in 1...Self.maximumVersions {
            let candidate = version == 1 ? place : RelativePath(trusted: place.bytes + Array("~\(version)".utf8))
            do {
                try put(candidate)
                return candidate
            } catch {
                guard error.code == .exists else { throw error }
            }
        }
        throw FileSystemError(code: .exists, operation: "renameat2", path: place.bytes, errno: EEXIST)
    }

    /// Removes the directories above `path` that are empty now, up to the root, but for those in `kept`.
    func removeEmptied(above path: RelativePath, keeping kept: Set<RelativePath>) {
        var directory = path.parent
        while let current = directory, !kept.contains(current) {
            do {
                try files.removeDirectory(current)
            } catch {
                return
            }
            directory = current.parent
        }
    }

    /// Removes the trash of cycles that began before `limit`; what is not named like a cycle is left alone.
    func expire(before limit: UnixTime) throws(FileSystemError) {
        let oldest = Array(CalendarTime(limit).basic.utf8)
        let entries: [DirectoryEntry]
        do {
            entries = try files.readDirectory(Self.top).entries
        } catch {
            if error.code == .notFound { return }
            throw error
        }
        for entry in entries where Self.isCycle(entry.name) && bytesPrecede(entry.name, oldest) {
            try remove(RelativePath(unchecked: entry.name, in: Self.top))
        }
    }

    /// `20261122T091204Z`: the form sorts as the times do.
    private static func isCycle(_ name: [UInt8]) -> Bool {
        guard name.count == 16, name[8] == UInt8(ascii: "T"), name[15] == UInt8(ascii: "Z") else { return false }
        return (name[..<8] + name[9..<15]).allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Removes a directory of the trash with all that is in it, no link followed.
    private func remove(_ directory: RelativePath) throws(FileSystemError) {
        for entry in try files.readDirectory(directory).entries {
            let path = RelativePath(unchecked: entry.name, in: directory)
            if entry.status?.kind == .directory {
                try remove(path)
            } else {
                try files.removeFile(path)
            }
        }
        try files.removeDirectory(directory)
    }
}
