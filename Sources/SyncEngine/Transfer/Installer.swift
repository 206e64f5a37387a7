/// Puts staged downloads in their places: durable first, then in one step each, and what comes out is looked at.
struct Installer {
    let files: any FileSystem
    let clock: any EngineClock
    let trash: Trash
    let names: NameKeeper
    /// Whether a file that was edited since it was looked at stays where it is, as the version of its side.
    let keepsEdits: Bool
    /// Whether a version that is replaced goes to the trash though both sides agreed on it: another may have overwritten it in the
    /// bucket unseen.
    let keepsReplaced: Bool
    /// The same of what an object replaces that went up in parts.
    let keepsReplacedByLarge: Bool

    /// What installing one file came to.
    enum Result: Sendable {
        case installed(Outcome)
        case blocked(Problem)
        case failed(Outcome)
    }

    /// Installs all of `batch`. Contents are on disk before any name points to them, and all names are on disk before
    /// this returns: what it reports may be recorded.
    func install(_ batch: [StagedDownload]) -> [Result] {
        do {
            try synchronizeContents(batch)
        } catch {
            return batch.map { discard($0, because: error) }
        }
        let reasons = batch.map(place)
        do {
            try synchronizeNames(batch)
        } catch {
            // The names may not survive a power loss, so nothing may be recorded: the next cycle looks again.
            return batch.map { .failed(.failed(entry: $0.entry.version, Problem(local: $0.entry.path, error: error))) }
        }
        return zip(batch, reasons).map { staged, reason in reason ?? settle(staged) }
    }

    private func synchronizeContents(_ batch: [StagedDownload]) throws(FileSystemError) {
        if batch.count > files.individualSynchronizations {
            try files.synchronizeAll()
        } else {
            for staged in batch { try staged.file.synchronize() }
        }
    }

    private func synchronizeNames(_ batch: [StagedDownload]) throws(FileSystemError) {
        if batch.count > files.individualSynchronizations {
            try files.synchronizeAll()
            return
        }
        for staged in batch { try files.synchronizeDirectories(above: staged.entry.path) }
    }

    /// Moves one file to its place. - Returns: nil, or why it is not there.
    private func place(_ staged: StagedDownload) -> Result? {
        do {
            let target = staged.entry.path
            if keepsEdits, let state = try edit(of: staged) {
                try files.removeFile(staged.temporary)
                return .failed(.observedLocal(entry: staged.entry.version, state))
            }
            if staged.replaced == .nothing, let problem = try names.obstacle(to: target) {
                try files.removeFile(staged.temporary)
                return .blocked(problem)
            }
            var result = try install(staged)
            if result == .occupied, try files.status(target).kind == .directory {
                // A directory without a file in it holds nothing that could be lost.
                try files.removeEmptyDirectories(target)
                result = try install(staged)
            }
            switch result {
            case .installed: return nil
            case .occupied: return try makeSense(ofOccupied: staged)
            }
        } catch {
            return discard(staged, because: error)
        }
    }

    /// What stands where the version that base recorded is to be replaced; nil if it is that, or nothing.
    private func edit(of staged: StagedDownload) throws(FileSystemError) -> LocalState? {
        guard staged.replaced == .base, let expected = staged.expected else { return nil }
        do {
            // All of it: nothing of ours has moved ctime yet, and an edit may have put mtime back.
            let status = try files.status(staged.entry.path)
            return status.kind == .file && status.state != expected ? status.state : nil
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// The base that a file in its place makes. Looking at it only now, when the whole batch is durable, lets most of
    /// them be older than a tick of the clock: the next cycle need not read those again.
    private func settle(_ staged: StagedDownload) -> Result {
        do {
            let placed = try files.status(staged.entry.path).state
            if placed.matchesContent(of: staged.state) {
                let isRacy = placed.isRacy(at: clock.now())
                return .installed(agreed(staged, local: placed, isRacy: isRacy))
            }
        } catch {
            // It is gone, or hidden: below, as for an edit.
        }
        // Somebody changed it already. The base is what we installed: the change will be seen as one.
        return .installed(agreed(staged, local: staged.state, isRacy: true))
    }

    private func install(_ staged: StagedDownload) throws(FileSystemError) -> InstallResult {
        let target = staged.entry.path
        switch staged.replaced {
        case .nothing:
            return try files.install(temporary: staged.temporary, at: target, expecting: nil, trash)
        case .base:
            guard keepsEdits, let expected = staged.expected else {
                return try files.install(temporary: staged.temporary, at: target, expecting: staged.expected, trash)
            }
            let (result, edit) = try files.installInspecting(
                temporary: staged.temporary,
                at: target,
                expecting: expected,
                keepsIt: staged.isRanged ? keepsReplacedByLarge : keepsReplaced,
                trash
            )
            if let edit { showEdit(edit, of: target) }
            return result
        case .foreign:
            return try files.installKeeping(temporary: staged.temporary, at: target, trash)
        }
    }

    /// Brings a file that was edited at the last moment from the trash to the light, as the loser of a conflict. Where that
    /// cannot be it stays in the trash.
    private func showEdit(_ place: RelativePath, of target: RelativePath) {
        let hasher = ContentHasher()
        guard let file = try? files.open(place), let state = try? file.status().state,
            (try? file.forEachPiece { hasher.update($0) }) != nil
        else { return }
        let copy = ConflictName.make(for: target, modified: state.modified, digest: ContentDigest(hasher.finish()))
        try? files.rename(place, to: copy)
        trash.removeEmptied(above: place, keeping: [])
    }

    /// A name that was not there when it was scanned is there now.
    private func makeSense(ofOccupied staged: StagedDownload) throws(FileSystemError) -> Result {
        try files.removeFile(staged.temporary)
        if let problem = try names.obstacle(to: staged.entry.path) { return .blocked(problem) }
        let status = try files.status(staged.entry.path)
        switch status.kind {
        case .file:
            return .failed(.observedLocal(entry: staged.entry.version, status.state))
        case .directory, .symbolicLink, .special:
            let problem = Problem(
                path: staged.entry.path.bytes,
                side: .local,
                kind: .collision,
                message: "a directory, link or special file has the name of this object: rename or remove it"
            )
            return .blocked(problem)
        }
    }

    private func agreed(_ staged: StagedDownload, local: LocalState, isRacy: Bool) -> Outcome {
        let base = BaseState(local: local, remote: staged.remote, digest: staged.digest)
        return .agreed(
            entry: staged.entry.version,
            base: base,
            isRacy: isRacy,
            endedJob: staged.isRanged ? .download : nil
        )
    }

    /// Removes what was fetched; but where the name stands for another file by now, since an exchange only seemed to fail, that
    /// goes to the trash.
    private func remove(_ staged: StagedDownload) {
        guard let now = try? files.status(staged.temporary) else { return }
        if now.state.inode == staged.state.inode {
            try? files.removeFile(staged.temporary)
        } else {
            _ = try? trash.move(staged.temporary, as: staged.entry.path)
        }
    }

    private func discard(_ staged: StagedDownload, because error: FileSystemError) -> Result {
        let problem = Problem(local: staged.entry.path, error: error)
        if [.isDirectory, .notDirectory, .notEmpty].contains(error.code) {
            // What came in ranges waits for the way to be cleared: its job knows of it.
            if !staged.isRanged { try? files.removeFile(staged.temporary) }
            return .blocked(problem)
        }
        remove(staged)
        return .failed(.failed(entry: staged.entry.version, problem))
    }
}

extension LocalState {
    /// Equal but for ctime, which a rename moves.
    func matchesContent(of other: LocalState) -> Bool {
        inode == other.inode && size == other.size && modified == other.modified && mode == other.mode
    }
}
