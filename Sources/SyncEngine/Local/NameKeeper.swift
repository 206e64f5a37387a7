import Synchronization

/// Sees to it that a new file is put only where its name will be shown as it is written: else it would take the place of
/// the file whose name the file system takes for the same, or the next walk would take it for another one. Lives for a pass.
final class NameKeeper: Sendable {
    private let files: any FileSystem
    /// Whether names may be tried by a file of ours; not where no walk comes after.
    private let tries: Bool
    private let state = Mutex(State())

    private struct State {
        /// Directories that were seen to be shown as they are written.
        var known: Set<RelativePath> = []
        /// Whether names are shown as they were given; nil while that was not tried.
        var keepsNames: Bool?
    }

    /// Beyond so many they are looked at again.
    private static let maximumKnown = 10_000
    /// Where names are tried: a directory of our own, so that reading it costs nothing.
    private static let home = RelativePath(unchecked: Array(".syncd-names".utf8), in: nil)
    /// A capital, and one letter composed and decomposed.
    private static let trial = Array("Name \u{E9} e\u{301}".utf8)

    init(files: any FileSystem, tries: Bool) {
        self.files = files
        self.tries = tries
    }

    /// Why no new file can have the name `path`; nil where one can, or where one has it already.
    func obstacle(to path: RelativePath) throws(FileSystemError) -> Problem? {
        let shown = try files.shown(path, suspected: true, known: state.withLock { $0.known })
        if shown.path != path { return .twin(path, of: shown.path) }
        if shown.hasParent, let parent = path.parent { note(known: parent) }
        if shown.isThere { return nil }
        for segment in path.bytes.split(separator: UInt8(ascii: "/")) where Spelling.isAtRisk(segment) {
            if let other = change(of: Array(segment)) { return .renamed(path, Array(segment), to: other) }
        }
        return nil
    }

    private func note(known directory: RelativePath) {
        state.withLock { state in
            if state.known.count >= Self.maximumKnown { state.known.removeAll() }
            state.known.insert(directory)
        }
    }

    /// The name that the file system would show in the place of `name`; nil where it shows that, or cannot be asked.
    private func change(of name: [UInt8]) -> [UInt8]? {
        guard tries else { return nil }
        return state.withLock { state in
            let keepsNames = state.keepsNames ?? ((shown(Self.trial) ?? Self.trial) == Self.trial)
            state.keepsNames = keepsNames
            guard !keepsNames, let shown = shown(name), shown != name else { return nil }
            return shown
        }
    }

    /// Makes an empty file and reads back its name; nil where that cannot be. What a crash leaves the next trial takes up.
    private func shown(_ name: [UInt8]) -> [UInt8]? {
        let place = RelativePath(unchecked: name, in: Self.home)
        do {
            try files.makeDirectories(Self.home)
            defer {
                try? files.removeFile(place)
                try? files.removeDirectory(Self.home)
            }
            _ = try? files.createFile(named: name, in: Self.home)
            let status = try files.status(place)
            return try files.readDirectory(Self.home).entries.first { $0.status?.isSameNode(as: status) == true }?.name
        } catch {
            return nil
        }
    }
}

extension Problem {
    /// `other` is the path that the file system shows where `path` was asked for.
    static func twin(_ path: RelativePath, of other: RelativePath) -> Problem {
        let names = zip(path.bytes.split(separator: UInt8(ascii: "/")), other.bytes.split(separator: UInt8(ascii: "/")))
        let depth = names.prefix { $0 == $1 }.count + 1
        let message =
            "this file system takes \"\(beginning(of: path, depth))\" and \"\(beginning(of: other, depth))\" for one name,"
            + " and the second is here: nothing was replaced or deleted. Rename one of them in the bucket, or exclude it"
        return Problem(path: path.bytes, side: .local, kind: .name, message: message)
    }

    /// A name that would come back as another.
    fileprivate static func renamed(_ path: RelativePath, _ name: [UInt8], to other: [UInt8]) -> Problem {
        let message =
            "this file system would show \"\(String(decoding: name, as: UTF8.self))\" as "
            + "\"\(String(decoding: other, as: UTF8.self))\", which is another key: rename the object, or exclude it"
        return Problem(path: path.bytes, side: .local, kind: .name, message: message)
    }

    /// The first `depth` segments.
    private static func beginning(of path: RelativePath, _ depth: Int) -> String {
        let segments = path.bytes.split(separator: UInt8(ascii: "/")).prefix(depth)
        return segments.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }
}
