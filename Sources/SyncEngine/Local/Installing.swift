import Glibc

/// How a temporary file came to its place.
enum InstallResult: Hashable, Sendable {
    case installed
    /// Nothing was expected at the target, and something is there; the temporary file is where it was.
    case occupied
}

extension FileSystem {
    /// Puts a temporary file in the place of `target` in one step.
    ///
    /// `expected` is the version that may be replaced and forgotten; nil if nothing may be there. Compared
    ///   without ctime, which the exchange itself moves: an edit between the last look and the exchange shows in mtime
    ///   or size, and a replacement in the inode. Any other version goes to the trash.
    func install(
        temporary: RelativePath,
        at target: RelativePath,
        expecting expected: LocalState?,
        _ trash: Trash
    ) throws(FileSystemError) -> InstallResult {
        guard let expected else {
            do {
                try rename(temporary, to: target)
                return .installed
            } catch {
                if error.code == .exists { return .occupied }
                throw error
            }
        }
        guard try isFile(target, like: expected) else {
            return try installKeeping(temporary: temporary, at: target, trash)
        }
        do {
            try exchange(temporary, with: target)
        } catch {
            switch error.code {
            case .notFound:
                return try install(temporary: temporary, at: target, expecting: nil, trash)
            case .unsupported:
                let kept = try replaceKeeping(temporary: temporary, at: target, trash)
                if try isFile(kept, like: expected) { try removeFile(kept) }
                return .installed
            case .exists, .notDirectory, .isDirectory, .notEmpty, .notRegular, .symbolicLink, .accessDenied, .noSpace,
                .tooManyOpenFiles, .readOnly, .crossDevice, .nameTooLong, .inputOutput, .stale, .other:
                throw error
            }
        }
        // What came out bears the temporary file's name now: whatever goes wrong from here on, it is never removed unseen.
        if (try? isFile(temporary, like: expected)) == true {
            try? removeFile(temporary)
        } else {
            // It was written to between the look and the exchange, or nobody can tell: it is kept, or goes back.
            do {
                _ = try trash.move(temporary, as: target)
            } catch {
                try exchange(temporary, with: target)
                throw error
            }
        }
        return .installed
    }

    /// The same, but what stands at the target goes to the trash, and comes to lie there in the very step that replaces
    /// it: were it to bear the temporary file's name for a moment, a crash in that moment would leave it to be swept.
    func installKeeping(
        temporary: RelativePath,
        at target: RelativePath,
        _ trash: Trash
    ) throws(FileSystemError) -> InstallResult {
        do {
            // A directory would be exchanged as well; the caller wants that known before.
            if try status(target).kind == .directory { return .occupied }
            _ = try trash.exchange(temporary, with: target)
            return .installed
        } catch {
            switch error.code {
            case .notFound:
                return try install(temporary: temporary, at: target, expecting: nil, trash)
            case .unsupported:
                _ = try replaceKeeping(temporary: temporary, at: target, trash)
                return .installed
            case .exists, .notDirectory, .isDirectory, .notEmpty, .notRegular, .symbolicLink, .accessDenied, .noSpace,
                .tooManyOpenFiles, .readOnly, .crossDevice, .nameTooLong, .inputOutput, .stale, .other:
                throw error
            }
        }
    }

    /// The same where edits stay visible: what stands at the target is looked at in the trash, so that a crash finds it there,
    /// and is forgotten if it is `expected`, unless that is to be kept. - Returns: where it is, if it is anything else.
    func installInspecting(
        temporary: RelativePath,
        at target: RelativePath,
        expecting expected: LocalState,
        keepsIt: Bool,
        _ trash: Trash
    ) throws(FileSystemError) -> (result: InstallResult, edit: RelativePath?) {
        let place: RelativePath
        do {
            if try status(target).kind == .directory { return (.occupied, nil) }
            place = try trash.exchange(temporary, with: target)
        } catch {
            switch error.code {
            case .notFound:
                return (try install(temporary: temporary, at: target, expecting: nil, trash), nil)
            case .unsupported:
                place = try replaceKeeping(temporary: temporary, at: target, trash)
            case .exists, .notDirectory, .isDirectory, .notEmpty, .notRegular, .symbolicLink, .accessDenied, .noSpace,
                .tooManyOpenFiles, .readOnly, .crossDevice, .nameTooLong, .inputOutput, .stale, .other:
                throw error
            }
        }
        if (try? status(place))?.kind == .directory {
            // It was made at the last moment, and what lies in it belongs under its own name.
            try exchange(place, with: target)
            try rename(place, to: temporary)
            return (.occupied, nil)
        }
        guard try isFile(place, like: expected) else { return (.installed, place) }
        if !keepsIt { try? trash.drop(place) }
        return (.installed, nil)
    }

    /// For file systems that cannot exchange: the old file gets a second name in the trash first, then it is replaced. An
    /// edit through another descriptor in between is kept there too; a replacement by rename in between is lost.
    /// - Returns: the second name.
    private func replaceKeeping(
        temporary: RelativePath,
        at target: RelativePath,
        _ trash: Trash
    ) throws(FileSystemError) -> RelativePath {
        let kept = try trash.link(target)
        try replace(temporary, onto: target)
        return kept
    }

    /// False also where there is nothing.
    private func isFile(_ path: RelativePath, like expected: LocalState) throws(FileSystemError) -> Bool {
        do {
            let status = try status(path)
            return status.kind == .file && status.state.matchesContent(of: expected)
        } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    /// Removes a directory that holds nothing but such directories. - Throws: `.notEmpty` at the first other name.
    func removeEmptyDirectories(_ directory: RelativePath) throws(FileSystemError) {
        for entry in try readDirectory(directory).entries {
            let path = RelativePath(unchecked: entry.name, in: directory)
            guard entry.status?.kind == .directory else {
                throw FileSystemError(code: .notEmpty, operation: "rmdir", path: directory.bytes, errno: ENOTEMPTY)
            }
            try removeEmptyDirectories(path)
        }
        try removeDirectory(directory)
    }
}
