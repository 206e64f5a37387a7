import SyncEngine

/// What a new configuration changes of a running one.
struct ConfigurationDifference: Sendable {
    /// Folders whose loops end: gone, or to begin anew.
    private(set) var stopped: [String] = []
    /// Folders whose loops begin.
    private(set) var started: Set<String> = []
    /// True if a connection or what all folders share is another.
    private(set) var changesEngine = false
    /// For the operator, one for each change.
    private(set) var lines: [String] = []

    init(from old: Configuration, to new: Configuration) {
        let known = old.usedConnections
        for connection in new.usedConnections where !known.contains(connection) {
            changesEngine = true
            lines.append("\(connection.keyPath) has changed")
        }
        if old.concurrency != new.concurrency {
            changesEngine = true
            lines.append("concurrency is \(new.concurrency), was \(old.concurrency)")
        }
        noteRate("uploadBytesPerSecond", old.uploadBytesPerSecond, new.uploadBytesPerSecond)
        noteRate("downloadBytesPerSecond", old.downloadBytesPerSecond, new.downloadBytesPerSecond)
        if old.metricsPort != new.metricsPort {
            lines.append("metricsPort has changed: only a restart takes that")
        }
        for folder in old.folders where !new.folders.contains(where: { $0.folder.name == folder.folder.name }) {
            stopped.append(folder.folder.name)
            lines.append("\(folder.folder.name) is gone; nothing of it is deleted")
        }
        for folder in new.folders {
            let name = folder.folder.name
            guard let known = old.folders.first(where: { $0.folder.name == name }) else {
                started.insert(name)
                lines.append("\(name) is new")
                continue
            }
            let keys = Self.changedKeys(known, folder)
            if !keys.isEmpty { lines.append("\(name): \(keys.joined(separator: ", ")) changed") }
            if changesEngine || !keys.isEmpty {
                stopped.append(name)
                started.insert(name)
            }
        }
    }

    var isEmpty: Bool { lines.isEmpty }

    /// Of what is under way as well, which goes on undisturbed.
    private mutating func noteRate(_ key: String, _ old: Int64?, _ new: Int64?) {
        guard old != new else { return }
        func text(_ rate: Int64?) -> String { rate.map { "\($0)" } ?? "unlimited" }
        lines.append("\(key) is \(text(new)), was \(text(old))")
    }

    /// The keys of a folder that have other values now, as the configuration names them.
    private static func changedKeys(_ old: ConfiguredFolder, _ new: ConfiguredFolder) -> [String] {
        var keys: [String] = []
        func note(_ key: String, _ isSame: Bool) {
            if !isSame { keys.append(key) }
        }
        note("connection", old.connection.name == new.connection.name)
        note("what objects are written with", old.writing == new.writing)
        note("path", old.path == new.path)
        note("bucket", old.folder.bucket == new.folder.bucket)
        note("prefix", old.folder.prefix == new.folder.prefix)
        note("direction", old.folder.policy.direction == new.folder.policy.direction)
        note("delete", old.folder.policy.deletes == new.folder.policy.deletes)
        note("exclude", old.folder.exclude == new.folder.exclude)
        note("conflict", old.folder.conflict == new.folder.conflict)
        note("maxDeletePercent", old.folder.maxDeletePercent == new.folder.maxDeletePercent)
        note("trashDays", old.folder.trashDays == new.folder.trashDays)
        note("scanInterval", old.scanInterval == new.scanInterval)
        note("listInterval", old.listInterval == new.listInterval)
        note("deleteDelay", old.deleteDelay == new.deleteDelay)
        return keys
    }
}
