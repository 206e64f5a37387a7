/// How a temporary file came to its place.
enum InstallResult: Hashable, Sendable {
    case installed
    /// It is in place; what stood there before was not what was expected and has this name now.
    case displaced(RelativePath)
    /// Nothing was expected at the target, and something is there; the temporary file is where it was.
    case occupied
}

extension FileSystem {
    /// Puts a temporary file in the place of `target` in one step.
    ///
    /// `expected` is the version that may be replaced and forgotten; nil if nothing may be there. Compared
    ///   without ctime, which the exchange itself moves: an edit between the last look and the exchange shows in mtime
    ///   or size, and a replacement in the inode.
    func install(
        temporary: RelativePath,
        at target: RelativePath,
        expecting expected: LocalState?
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
        switch try installKeeping(temporary: temporary, at: target) {
        case .displaced(let path):
            let status = try status(path)
            guard status.kind == .file, status.state.matchesContent(of: expected) else { return .displaced(path) }
            try removeFile(path)
            return .installed
        case .installed: return .installed
        case .occupied: return .occupied
        }
    }

    /// The same, but what stood at the target is never removed: it is `.displaced`.
    func installKeeping(temporary: RelativePath, at target: RelativePath) throws(FileSystemError) -> InstallResult {
        do {
            // A directory would be exchanged as well; the caller wants that known before.
            if try status(target).kind == .directory { return .occupied }
            try exchange(temporary, with: target)
            return .displaced(temporary)
        } catch {
            switch error.code {
            case .notFound:
                return try install(temporary: temporary, at: target, expecting: nil)
            case .unsupported:
                return try replaceKeeping(temporary: temporary, at: target)
            case .exists, .notDirectory, .isDirectory, .notEmpty, .notRegular, .symbolicLink, .accessDenied, .noSpace,
                .tooManyOpenFiles, .readOnly, .crossDevice, .nameTooLong, .inputOutput, .stale, .other:
                throw error
            }
        }
    }

    /// For file systems that cannot exchange: the old file gets a second name first, then it is replaced. An edit
    /// through another descriptor in between is kept under that name too; a replacement by rename in between is lost.
    private func replaceKeeping(
        temporary: RelativePath,
        at target: RelativePath
    ) throws(FileSystemError) -> InstallResult {
        let aside = RelativePath(
            unchecked: Array(temporary.name.dropLast(4)) + Array("old.tmp".utf8),
            in: target.parent
        )
        try link(target, to: aside)
        try replace(temporary, onto: target)
        return .displaced(aside)
    }

    /// Removes a directory that holds nothing but such directories. - Throws: `.notEmpty` at the first other name.
    func removeEmptyDirectories(_ directory: RelativePath) throws(FileSystemError) {
        for entry in try readDirectory(directory).entries {
            let path = RelativePath(unchecked: entry.name, in: directory)
            guard entry.status?.kind == .directory else {
                throw FileSystemError(code: .notEmpty, operation: "rmdir", path: directory.bytes, errno: 0)
            }
            try removeEmptyDirectories(path)
        }
        try removeDirectory(directory)
    }
}
