import SyncEngine
import Text

/// What a running or finished cycle looks like, line by line.
enum CycleLines {
    /// The name in its column: as wide as the longest of all, ten at least.
    static func label(_ name: String, width: Int) -> String {
        Columns.pad(name, to: width)
    }

    static func labelWidth(_ names: [String]) -> Int {
        max(10, (names.map(\.count).max() ?? 0) + 2)
    }

    /// `photos    /srv/photos → s3://family/photos/`
    static func start(_ folder: FolderStatus, labelWidth: Int) -> String {
        label(folder.name, width: labelWidth) + place(folder)
    }

    static func place(_ folder: FolderStatus) -> String {
        let arrow =
            switch folder.direction {
            case .up: "→"
            case .down: "←"
            case .both: "↔"
            }
        return "\(printable(folder.path)) \(arrow) s3://\(folder.bucket)/\(printable(folder.prefix))"
    }

    /// How far the work is. `transferring` is how long ago the first transfer began; `bar` the columns of a bar, 0 for
    /// none.
    static func progress(_ progress: ProgressSnapshot, transferring: Duration, bar: Int) -> String {
        switch progress.phase {
        case .idle, .scanning, .comparing:
            let verb = progress.phase == .comparing ? "comparing" : "scanning"
            let files = "\(verb) \(Format.count(progress.filesScanned, "file"))"
            return progress.pagesListed > 0
                ? "\(files) · listing \(Format.count(progress.pagesListed, "page"))" : files
        case .listing:
            return "listing \(Format.count(progress.pagesListed, "page"))"
        case .transferring, .verifying:
            let share = share(progress)
            var parts = [
                Columns.padLeft("\(Int(share * 100))%", to: 4),
                Format.size(progress.bytesDone, of: progress.bytes),
            ]
            let seconds = Double(transferring.components.seconds)
            if seconds >= 1 { parts.append("\(Format.size(Int64(Double(progress.bytesDone) / seconds)))/s") }
            parts.append("\(Format.count(progress.transfersDone)) of \(Format.count(progress.transfers, "file"))")
            if seconds >= 3, share > 0.01 {
                let left = seconds * (1 - share) / share
                if left < 1e9 { parts.append("\(Format.elapsed(.seconds(max(1, Int64(left))))) left") }
            }
            let text = parts.joined(separator: "  ")
            return bar > 0 ? Self.bar(share, width: bar) + " " + text.drop { $0 == " " } : text.trimmedLeft
        }
    }

    /// By bytes where there are any, else by files; 0 to 1.
    private static func share(_ progress: ProgressSnapshot) -> Double {
        let (done, total) =
            progress.bytes > 0
            ? (progress.bytesDone, progress.bytes) : (progress.transfersDone, progress.transfers)
        return total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
    }

    /// `▕██████▍     ▏` in eighths of a column.
    static func bar(_ share: Double, width: Int) -> String {
        let eighths = Int(share * Double(width * 8))
        let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return "▕" + Columns.pad(String(repeating: "█", count: eighths / 8) + part, to: width) + "▏"
    }

    /// `uploaded 2,310 (3.3 GiB), deleted 4 · 28 s · in sync`
    static func end(_ report: CycleReport, console: Console) -> String {
        let cycle = report.record
        var parts: [String] = []
        if cycle.uploaded > 0 {
            parts.append("uploaded \(Format.count(cycle.uploaded)) (\(Format.size(cycle.bytesUp)))")
        }
        if cycle.downloaded > 0 {
            parts.append("downloaded \(Format.count(cycle.downloaded)) (\(Format.size(cycle.bytesDown)))")
        }
        if cycle.uploaded == 0, cycle.bytesUp > 0 {
            parts.append("sent \(Format.size(cycle.bytesUp)) of a file that is not done yet")
        }
        if cycle.downloaded == 0, cycle.bytesDown > 0 {
            parts.append("fetched \(Format.size(cycle.bytesDown)) of a file that is not done yet")
        }
        let deleted = cycle.deletedLocal + cycle.deletedRemote
        if deleted > 0 { parts.append("deleted \(Format.count(deleted))") }
        let isIdle = report.exitCauses.isEmpty && report.record.result != .held
        let nothing = isIdle ? "nothing to do" : "nothing done"
        let done = parts.isEmpty ? nothing : parts.joined(separator: ", ")
        let elapsed = Format.elapsed(cycle.finishedAt.since(cycle.startedAt))
        return "\(done) · \(elapsed) · \(verdict(report, console: console))"
    }

    private static func verdict(_ report: CycleReport, console: Console) -> String {
        if report.isFailure { return console.colour("failed", .bad) }
        if report.halt != nil || report.record.result == .halted { return console.colour("halted", .bad) }
        if report.record.result == .interrupted { return console.colour("interrupted", .careful) }
        if !report.problems.isEmpty {
            return console.colour(Format.count(Int64(report.problems.count), "problem"), .careful)
        }
        if report.record.result == .held { return console.colour("changed meanwhile", .careful) }
        return report.record.result == .inSync ? console.colour("in sync", .good) : console.colour("problems", .careful)
    }

    /// What the keys may not do is told once for all paths; the rest is told path by path.
    private static func denials(among problems: [KnownProblem]) -> (lines: [String], others: [Problem]) {
        let all = problems.map(\.problem)
        let denied = all.filter { $0.kind == .denied }
        var messages: [String] = []
        for problem in denied where !messages.contains(problem.message) { messages.append(problem.message) }
        let lines = messages.map { message in
            let paths = denied.filter { $0.message == message }.map(\.path)
            let count = Int64(paths.count)
            let example = count == 1 ? escaped(paths[0]) : "\(Format.count(count)) paths, such as \(escaped(paths[0]))"
            return "\(example): \(message)"
        }
        return (lines, all.filter { $0.kind != .denied })
    }

    /// At most this many problems of a folder are told at the end of a cycle.
    static let maximumProblems = 10
    /// At most this many warnings.
    static let maximumWarnings = 10

    /// What standard error is told of a folder's cycle, without the `syncd: ` before it.
    static func complaints(_ report: CycleReport, folder: String, configuration: Configuration) -> [String] {
        var lines = report.warnings.prefix(maximumWarnings).map { "\(folder): \($0)" }
        if let failure = report.failure, report.isFailure {
            lines.append("\(folder): \(failure.message)")
        } else if report.isFailure {
            lines.append("\(folder): the cycle failed")
        }
        if let halt = report.halt {
            lines.append("\(folder): halted: \(halt.text)")
            if halt.reason.isApprovable {
                lines.append("\(folder): to go on all the same: \(configuration.approveCommand(folder))")
            }
        }
        let (denied, others) = denials(among: report.problems)
        lines += denied.map { "\(folder): \($0)" }
        for problem in others.prefix(maximumProblems) {
            let path = problem.path.isEmpty ? "" : "\(escaped(problem.path)): "
            lines.append("\(folder): \(path)\(problem.message)")
        }
        let more = others.count - maximumProblems
        if more > 0 {
            let option =
                configuration.file == ConfigurationFile.defaultPath
                ? "" : " --config \(shellQuoted(configuration.file))"
            let command = "syncd status \(shellQuoted(folder)) --problems\(option)"
            lines.append("\(folder): \(Format.count(Int64(more), "more problem")): \(command)")
        }
        if report.leftToCycle > 0, report.record.result == .held {
            let paths = Format.count(report.leftToCycle, "path")
            lines.append("\(folder): \(paths) changed while the cycle ran: the next one settles what is left")
        }
        if report.record.result == .interrupted {
            lines.append("\(folder): interrupted; the next cycle goes on from here")
        }
        return lines
    }
}

extension String {
    fileprivate var trimmedLeft: String { String(drop { $0 == " " }) }
}
