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
        /// The folder whose cycle runs, and how far it is.
        var active: (folder: Int, progress: CycleProgress)?
    }

    init(document: StatusDocument, file: StatusFile) {
        state = Mutex(State(document: document))
        self.file = file
    }

    var snapshot: StatusDocument { state.withLock(\.document) }

    func begin(_ folder: Int, _ progress: CycleProgress) {
        state.withLock { state in
            state.active = (folder, progress)
            state.document.folders[folder].state = .scanning
        }
    }

    /// Takes over how far the running cycle is.
    func refresh() {
        state.withLock { state in
            guard let active = state.active else { return }
            let progress = active.progress.snapshot
            switch progress.phase {
            case .transferring: state.document.folders[active.folder].note(progress)
            case .idle, .scanning, .comparing, .listing, .verifying: break
            }
        }
    }

    func finish(_ folder: Int, _ report: CycleReport, approveCommand: String, now: UnixTime) {
        state.withLock { state in
            state.active = nil
            state.document.folders[folder].finish(report, approveCommand: approveCommand, now: now)
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
    fileprivate mutating func note(_ progress: ProgressSnapshot) {
        let files = max(0, progress.transfers - progress.transfersDone)
        state = .transferring
        inSync = false
        pending.bytes = max(0, progress.bytes - progress.bytesDone)
        switch direction {
        case .up: pending.uploads = files
        case .down: pending.downloads = files
        // Which way each file goes is not part of the progress; the report tells.
        case .both: break
        }
    }
}
