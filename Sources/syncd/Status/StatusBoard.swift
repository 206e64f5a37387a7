import Logging
import SyncEngine
import Synchronization

/// What this process knows of its folders while it syncs, and the file that tells others.
final class StatusBoard: Sendable {
    private let state: Mutex<State>
    private let file: StatusFile
    /// Held while the file is written: two tasks write it, and they share one temporary name.
    private let writing = Mutex(())

    private struct State {
        var document: StatusDocument
        /// The folders whose cycles run, by name, and how far each is.
        var active: [String: CycleProgress] = [:]

        mutating func update(_ folder: String, _ change: (inout FolderStatus) -> Void) {
            guard let index = document.folders.firstIndex(where: { $0.name == folder }) else { return }
            change(&document.folders[index])
        }
    }

    init(document: StatusDocument, file: StatusFile) {
        state = Mutex(State(document: document))
        self.file = file
    }

    /// The board as the last process left it, with this one as the one that syncs; others can read that from now on.
    /// - Throws: `.stateDirectory` where the files cannot be written.
    static func begin(
        _ configuration: Configuration,
        _ file: StatusFile,
        at now: UnixTime,
        _ log: Logger
    ) throws(CycleFailure) -> StatusBoard {
        var recorded = RecordedStatus()
        do {
            recorded = try file.read()
        } catch {
            log.warning("the last status cannot be read", metadata: ["reason": "\(error.message)"])
        }
        recorded.runningSince = nil
        var document = StatusDocument(recorded, configuration: configuration, now: now)
        document.running = true
        let board = StatusBoard(document: document, file: file)
        try file.noteProcess(startedAt: now)
        try board.write()
        return board
    }

    var snapshot: StatusDocument { state.withLock(\.document) }

    func begin(_ folder: String, _ progress: CycleProgress) {
        state.withLock { state in
            state.active[folder] = progress
            state.update(folder) { $0.state = .scanning }
        }
    }

    /// Takes over how far the running cycles are. - Returns: false where none runs.
    @discardableResult
    func refresh(at now: UnixTime) -> Bool {
        state.withLock { state in
            for (folder, progress) in state.active {
                let progress = progress.snapshot
                switch progress.phase {
                case .transferring: state.update(folder) { $0.note(progress, at: now) }
                case .idle, .scanning, .comparing, .listing, .verifying: break
                }
            }
            return !state.active.isEmpty
        }
    }

    func finish(_ folder: String, _ report: CycleReport, approveCommand: String, now: UnixTime) {
        state.withLock { state in
            state.active[folder] = nil
            state.update(folder) { $0.finish(report, approveCommand: approveCommand, now: now) }
        }
    }

    /// Takes over what a reaction did beside the cycles.
    func react(_ folder: String, _ report: CycleReport, now: UnixTime) {
        state.withLock { state in
            state.update(folder) { $0.react(report, now: now) }
        }
    }

    func update(_ folder: String, _ change: (inout FolderStatus) -> Void) {
        state.withLock { $0.update(folder, change) }
    }

    /// The folders of a new configuration; of those that are still the same pair what is known stays.
    func replaceFolders(_ folders: [ConfiguredFolder]) {
        state.withLock { state in
            let known = state.document.folders
            state.document.folders = folders.map { configured in
                known.first { $0.describes(configured) } ?? FolderStatus(configured)
            }
        }
    }

    /// What waits in any folder has waited longer by now.
    func age(until now: UnixTime) {
        state.withLock { state in
            for index in state.document.folders.indices { state.document.folders[index].age(until: now) }
        }
    }

    func end() {
        state.withLock { $0.document.running = false }
    }

    /// - Throws: `.failed` where the file cannot be written.
    func write() throws(CycleFailure) {
        try writing.withLock { _ throws(CycleFailure) in try file.write(snapshot) }
    }
}

extension FolderStatus {
    /// Takes over how far the transfers of a running cycle are.
    fileprivate mutating func note(_ progress: ProgressSnapshot, at now: UnixTime) {
        state = .transferring
        inSync = false
        if oldestUnsyncedSeconds == nil { (oldestUnsyncedSeconds, agedAt) = (0, now) }
        pending.bytes = max(0, progress.bytes - progress.bytesDone)
        let uploads = progress.transfers - progress.downloads
        pending.uploads = max(0, uploads - (progress.transfersDone - progress.downloadsDone))
        pending.downloads = max(0, progress.downloads - progress.downloadsDone)
    }
}
