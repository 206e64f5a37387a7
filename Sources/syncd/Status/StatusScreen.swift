import SyncEngine
import Text

/// `syncd status` for people: a pure step from what is known to lines.
struct StatusScreen {
    var document: StatusDocument
    var configuration: Configuration
    var runningSince: UnixTime?
    var now: UnixTime
    var console: Console

    var lines: [String] {
        let labelWidth = CycleLines.labelWidth(document.folders.map(\.name))
        let places = document.folders.map { CycleLines.place($0) }
        let placeWidth = min((places.map(\.count).max() ?? 0) + 4, max(20, console.width - labelWidth - 16))
        var lines = [headline, ""]
        for (folder, place) in zip(document.folders, places) {
            let columns = CycleLines.label(folder.name, width: labelWidth) + Columns.pad(place, to: placeWidth)
            lines.append(columns + (columns.hasSuffix(" ") ? "" : "  ") + stateWord(folder))
            let indent = String(repeating: " ", count: labelWidth)
            lines += details(folder, width: console.width - labelWidth).map { $0.isEmpty ? "" : indent + $0 }
        }
        return lines
    }

    private var headline: String {
        let running =
            runningSince.map {
                "running since \(Format.clock($0, now: now)) (\(Format.elapsed(now.since($0))))"
            } ?? "not running"
        return "syncd \(document.version) · \(running) · \(Format.count(Int64(document.folders.count), "folder"))"
    }

    private func stateWord(_ folder: FolderStatus) -> String {
        switch folder.state {
        case .idle where folder.lastCycle == nil: console.colour("never synced", .careful)
        case .idle where folder.inSync: console.colour("in sync", .good)
        case .idle: console.colour("not in sync", .careful)
        case .scanning, .transferring, .paused: folder.state.rawValue
        case .halted, .failing: console.colour(folder.state.rawValue, .bad)
        }
    }

    private func details(_ folder: FolderStatus, width: Int) -> [String] {
        var lines: [String] = []
        if let halt = folder.halt {
            lines += Columns.wrap(halt.reason, to: width)
            if let command = halt.command { lines.append("To go on all the same:  \(command)") }
        }
        for problem in folder.problems where problem.path.isEmpty {
            lines += Columns.wrap(printable(problem.message), to: width)
        }
        for warning in folder.warnings.prefix(CycleLines.maximumWarnings) {
            lines += Columns.wrap(printable(warning), to: width)
        }
        if let sentence = folder.guards?.sentence { lines += Columns.wrap(sentence, to: width) }
        if document.running, let sentence = folder.watching?.sentence {
            lines += Columns.wrap(printable(sentence), to: width)
        }
        if let cycle = folder.lastCycle {
            let content = "\(Format.count(folder.entries, "file")), \(Format.size(folder.bytes))"
            var parts = [content, "last cycle \(Format.ago(now.since(cycle.finishedAt)))"]
            if cycle.result == .interrupted { parts[1] += ", interrupted" }
            if !folder.pending.isEmpty { parts.append("waiting: \(Self.pending(folder.pending))") }
            if folder.skipped > 0 { parts.append("\(Format.count(folder.skipped)) skipped") }
            lines += Columns.wrap(parts.joined(separator: " · "), to: width)
        }
        let paths = folder.problems.filter { !$0.path.isEmpty }
        if !paths.isEmpty {
            let option =
                configuration.file == ConfigurationFile.defaultPath
                ? "" : " --config \(shellQuoted(configuration.file))"
            lines.append(
                "\(Self.summary(paths))     syncd status \(shellQuoted(folder.name)) --problems\(option)"
            )
        }
        return lines
    }

    /// `2 uploads (3.1 MiB), 1 delete`
    static func pending(_ pending: ChangeCounts) -> String {
        var parts: [String] = []
        if pending.uploads > 0 { parts.append(Format.count(pending.uploads, "upload")) }
        if pending.downloads > 0 { parts.append(Format.count(pending.downloads, "download")) }
        if !parts.isEmpty { parts[parts.count - 1] += " (\(Format.size(pending.bytes)))" }
        if pending.deletes > 0 { parts.append(Format.count(pending.deletes, "delete")) }
        return parts.isEmpty ? "nothing to do" : parts.joined(separator: ", ")
    }

    /// `3 problems: 2 unreadable, 1 name`
    private static func summary(_ problems: [ProblemStatus]) -> String {
        let kinds = Dictionary(grouping: problems, by: \.kind).mapValues(\.count)
        let parts = kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
        return "\(Format.count(Int64(problems.count), "problem")): \(parts.joined(separator: ", "))"
    }

    /// `syncd status --problems`: every problem that is kept, its path escaped.
    var problemLines: [String] {
        let labelWidth = CycleLines.labelWidth(document.folders.map(\.name))
        var lines: [String] = []
        for folder in document.folders {
            let label = CycleLines.label(folder.name, width: labelWidth)
            let count = Int64(folder.problems.count)
            lines.append(label + (count == 0 ? "no problems" : Format.count(count, "problem")))
            let kindWidth = (folder.problems.map(\.kind.count).max() ?? 0) + 2
            for problem in folder.problems {
                let kind = Columns.pad(problem.kind, to: kindWidth)
                let path = problem.path.isEmpty ? "the whole folder" : escaped(problem.path)
                lines.append("  \(kind)\(path)  (since \(Format.clock(problem.since, now: now)))")
                lines += Columns.wrap(printable(problem.message), to: max(20, console.width - kindWidth - 4)).map {
                    String(repeating: " ", count: kindWidth + 4) + $0
                }
            }
        }
        return lines
    }
}

extension WriteGuards {
    /// What is to be said of writes that nothing but a look just before guards; nil where there are none.
    var sentence: String? {
        var writes: [String] = []
        if overwrites == .head { writes.append("overwrites") }
        if overwrites != .head, parts == .head { writes.append("overwrites by files of 16 MiB and more") }
        if deletes == .head { writes.append("deletes") }
        guard let first = writes.first else { return nil }
        let all = [first.prefix(1).uppercased() + first.dropFirst()] + writes.dropFirst()
        return
            "\(all.joined(separator: " and ")) in the bucket are unguarded: the service looks at no condition there, so a HEAD "
            + "comes just before, and what another writes between the two is overwritten."
    }

    /// Of each kind of write what it goes by.
    var summary: String {
        let large = parts.flatMap { $0 == overwrites ? nil : " · in parts \(Self.words($0))" } ?? ""
        return "overwrites \(Self.words(overwrites))\(large) · deletes \(Self.words(deletes))"
    }

    private static func words(_ way: Guard) -> String {
        switch way {
        case .condition: "guarded by a condition"
        case .head: "unguarded: a HEAD just before"
        case .listing: "by the listing, since the folder leads"
        }
    }
}

extension WatchStatus {
    /// What is to be said of directories that are not watched; nil where all are.
    var sentence: String? {
        guard unwatched > 0 else { return nil }
        let count = unwatched == 1 ? "1 directory" : "\(Format.count(Int64(unwatched))) directories"
        let reason = reason.map { " (\($0))" } ?? ""
        return "\(count) cannot be watched\(reason): what changes there waits for the next scan; raise "
            + "fs.inotify.max_user_watches."
    }
}
