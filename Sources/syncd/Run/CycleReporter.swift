import SyncEngine
import Synchronization

/// Tells people of running cycles: a line that moves on a terminal, else a line at the start, at the end, and every
/// half minute between.
final class CycleReporter: Sendable {
    /// Between two lines of progress where there is no terminal.
    static let interval = Duration.seconds(30)

    private struct Active {
        var label: String
        var progress: CycleProgress
        var transferringSince: UnixTime?
        var lastLine: UnixTime
    }

    private let console: Console
    private let configuration: Configuration
    /// True if only what went wrong is told.
    private let isQuiet: Bool
    private let labelWidth: Int
    /// Held while lines are written, so that a tick never writes into the lines of an end.
    private let active = Mutex<Active?>(nil)

    init(console: Console, configuration: Configuration, isQuiet: Bool) {
        self.console = console
        self.configuration = configuration
        self.isQuiet = isQuiet
        labelWidth = CycleLines.labelWidth(configuration.folders.map(\.folder.name))
    }

    func begin(_ folder: ConfiguredFolder, _ progress: CycleProgress, now: UnixTime) {
        active.withLock { active in
            let label = CycleLines.label(folder.folder.name, width: labelWidth)
            active = Active(label: label, progress: progress, lastLine: now)
            guard !isQuiet else { return }
            let line = CycleLines.start(FolderStatus(folder), labelWidth: labelWidth)
            if console.isTerminal { console.replaceLine(line) } else { console.line(line) }
        }
    }

    func tick(now: UnixTime) {
        active.withLock { active in
            guard var current = active, !isQuiet else { return }
            let progress = current.progress.snapshot
            let isMoving = progress.phase == .transferring || progress.phase == .verifying
            if isMoving, current.transferringSince == nil {
                current.transferringSince = now
            }
            let transferring = current.transferringSince.map { now.since($0) } ?? .zero
            if console.isTerminal {
                let bar = console.width >= 100 ? 26 : 0
                let text = CycleLines.progress(progress, transferring: transferring, bar: bar)
                console.replaceLine(String((current.label + text).prefix(console.width - 1)))
            } else if now.since(current.lastLine) >= Self.interval {
                current.lastLine = now
                console.line(
                    current.label + CycleLines.progress(progress, transferring: transferring, bar: 0)
                )
            }
            active = current
        }
    }

    func finish(_ folder: ConfiguredFolder, _ report: CycleReport) {
        let name = folder.folder.name
        finish(
            folder,
            lines: [CycleLines.end(report, console: console)],
            complaints: CycleLines.complaints(report, folder: name, configuration: configuration)
        )
    }

    /// The first of `lines` stands behind the folder's name.
    func finish(_ folder: ConfiguredFolder, lines: [String], complaints: [String]) {
        active.withLock { active in
            active = nil
            if !isQuiet {
                console.clearLine()
                let label = CycleLines.label(folder.folder.name, width: labelWidth)
                if let first = lines.first { console.line(label + first) }
                console.lines(Array(lines.dropFirst()))
            }
            for line in complaints { console.complain(line) }
        }
    }
}
