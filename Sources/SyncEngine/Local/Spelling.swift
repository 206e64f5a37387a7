internal import Foundation

/// A path as the directories show it.
struct ShownPath: Hashable, Sendable {
    /// The wanted path with each segment that is there as its directory shows it.
    var path: RelativePath
    /// Whether something is at the whole path.
    var isThere: Bool
    /// Whether all directories above it are there.
    var hasParent: Bool
}

/// How directories show names. A file system may answer to more spellings of a name than the one that it shows: it may
/// fold case (FAT, NTFS, SMB, a directory of ext4 with the flag `F`) or take composed and decomposed "é" for one.
extension FileSystem {
    /// Looks how `path` is shown, segment by segment. A directory is read only where it answers to another likely spelling
    /// of a name as well, so that other file systems pay a few `lstat` for a segment.
    ///
    /// `suspected` says that the directory that holds `path` is read in any case, where something is there: nothing else
    /// tells for sure. `known` are directories that are shown as they are written.
    func shown(
        _ path: RelativePath,
        suspected: Bool,
        known: Set<RelativePath> = []
    ) throws(FileSystemError) -> ShownPath {
        var directories: [RelativePath] = []
        var above = path.parent
        while let directory = above, !known.contains(directory) {
            directories.append(directory)
            above = directory.parent
        }
        var place = above
        var hasParent = true
        for wanted in directories.reversed() {
            let own = RelativePath(unchecked: Array(wanted.name), in: place)
            let name = hasParent ? try shownName(of: own, suspected: false) : nil
            hasParent = name != nil
            place = name.map { RelativePath(unchecked: $0, in: place) } ?? own
        }
        let own = RelativePath(unchecked: Array(path.name), in: place)
        let name = hasParent ? try shownName(of: own, suspected: suspected) : nil
        let shown = name.map { RelativePath(unchecked: $0, in: place) }
        return ShownPath(path: shown ?? own, isThere: shown != nil, hasParent: hasParent)
    }

    /// The name that the directory shows for what is at `path`; nil where nothing is.
    private func shownName(of path: RelativePath, suspected: Bool) throws(FileSystemError) -> [UInt8]? {
        let name = Array(path.name)
        let status: FileStatus
        do {
            status = try self.status(path)
        } catch {
            if error.code == .notFound || error.code == .notDirectory { return nil }
            throw error
        }
        guard suspected || answersToOthers(path, status) else { return name }
        let entries = try readDirectory(path.parent).entries
        if entries.contains(where: { $0.name == name }) { return name }
        return entries.first { $0.status?.isSameNode(as: status) == true }?.name
    }

    /// Whether the same is found under a likely other spelling of the name.
    private func answersToOthers(_ path: RelativePath, _ status: FileStatus) -> Bool {
        Spelling.others(of: Array(path.name)).contains { other in
            guard let found = try? self.status(RelativePath(unchecked: other, in: path.parent)) else { return false }
            return found.isSameNode(as: status)
        }
    }
}

extension FileStatus {
    /// Whether both are the same file or directory, by its inode.
    func isSameNode(as other: FileStatus) -> Bool {
        device == other.device && state.inode == other.state.inode && kind == other.kind
    }
}

/// Other spellings of names, as file systems take them for one.
enum Spelling {
    /// Spellings that a file system which folds names would find `name` by; none where it has only one.
    static func others(of name: [UInt8]) -> [[UInt8]] {
        var others = [name.map(turned)]
        if name.contains(where: { $0 >= 0x80 }), let text = String(validating: name, as: UTF8.self) {
            let forms = [
                text.precomposedStringWithCanonicalMapping, text.decomposedStringWithCanonicalMapping,
                text.uppercased(), text.lowercased(),
            ]
            others += forms.map { Array($0.utf8) }
        }
        return others.filter { $0 != name && $0.count <= RelativePath.maximumSegmentLength }
    }

    /// An ASCII letter in its other case, any other byte as it is.
    private static func turned(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): byte ^ 0x20
        default: byte
        }
    }

    /// Whether a file system might show a file of this name by another: it has capitals, or more than ASCII.
    static func isAtRisk(_ name: ArraySlice<UInt8>) -> Bool {
        name.contains { $0 >= 0x80 || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }
}
