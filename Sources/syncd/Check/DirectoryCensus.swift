import Glibc
import SyncEngine

/// How many directories a folder has, as far as this user may look: each needs a watch of the daemon's.
struct DirectoryCensus: Sendable {
    /// Directories that are counted at most.
    static let maximum: Int64 = 5_000_000

    /// With the root, without what is excluded.
    private(set) var directories: Int64 = 0
    /// Those of them that cannot be entered or read.
    private(set) var unreadable: Int64 = 0
    /// Beneath the root; empty for the root itself.
    private(set) var firstUnreadable: [UInt8]?
    /// The directories still to be read, beneath the root.
    private var waiting: [[UInt8]] = [[]]
    private let root: [UInt8]
    private let rules: IgnoreRules

    /// Other file systems that are mounted within, and links, are left out, as a walk leaves them out.
    init(root: [UInt8], rules: IgnoreRules) {
        self.root = root
        self.rules = rules
        let device = Self.status(root)?.st_dev
        while let next = waiting.popLast(), directories < Self.maximum {
            let path = next.isEmpty ? root : root + [UInt8(ascii: "/")] + next
            if let status = Self.status(path), status.st_dev != device { continue }
            directories += 1
            if !read(path, beneath: next) {
                unreadable += 1
                firstUnreadable = firstUnreadable ?? next
            }
        }
        waiting = []
    }

    /// Puts the directories of one on the list. - Returns: false where it cannot be read.
    private mutating func read(_ path: [UInt8], beneath parent: [UInt8]) -> Bool {
        guard let directory = opendir(Self.text(path)) else { return false }
        defer { closedir(directory) }
        // A directory that cannot be entered shows names and nothing else.
        guard faccessat(dirfd(directory), ".", X_OK, 0) == 0 else { return false }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in Array(bytes.prefix { $0 != 0 }) }
            if name == [0x2E] || name == [0x2E, 0x2E] || name.starts(with: Array(".syncd".utf8)) { continue }
            let type = Int(entry.pointee.d_type)
            let isDirectory =
                type == DT_UNKNOWN ? Self.isDirectory(path + [UInt8(ascii: "/")] + name) : type == DT_DIR
            guard isDirectory else { continue }
            let child = parent.isEmpty ? name : parent + [UInt8(ascii: "/")] + name
            if let relative = try? RelativePath(child), rules.isExcluded(relative, isDirectory: true) { continue }
            waiting.append(child)
        }
        return true
    }

    private static func text(_ path: [UInt8]) -> [CChar] { path.map { CChar(bitPattern: $0) } + [0] }

    private static func status(_ path: [UInt8]) -> stat? {
        var status = stat()
        return lstat(text(path), &status) == 0 ? status : nil
    }

    private static func isDirectory(_ path: [UInt8]) -> Bool {
        status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }
}
