import SyncEngine

/// What `systemctl status` shows of a daemon: one line for all folders.
enum StatusLine {
    static func text(_ document: StatusDocument) -> String {
        let folders = document.folders
        let entries = folders.map(\.entries).reduce(0, +)
        let bytes = folders.map(\.bytes).reduce(0, +)
        let content = "\(Format.count(entries, "file")), \(Format.size(bytes))"
        let noted = folders.compactMap { folder in word(folder).map { "\(folder.name) \($0)" } }
        guard !noted.isEmpty else { return "\(Format.count(Int64(folders.count), "folder")) in sync · \(content)" }
        return "\(noted.joined(separator: ", ")) · \(content)"
    }

    /// Nil for a folder in sync.
    private static func word(_ folder: FolderStatus) -> String? {
        switch folder.state {
        case .idle where folder.inSync: nil
        // Before what waits: what has a problem waits as well.
        case .idle where !folder.problems.isEmpty: Format.count(Int64(folder.problems.count), "problem")
        case .idle where !folder.pending.isEmpty: "waiting (\(StatusScreen.pending(folder.pending)))"
        case .idle: "not in sync"
        case .transferring: "transferring (\(StatusScreen.pending(folder.pending)))"
        case .scanning, .paused, .halted, .failing: folder.state.rawValue
        }
    }
}
