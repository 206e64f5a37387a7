/// What reading a file came to.
enum FileLook: Sendable {
    case read(ContentComparer.Reading)
    /// Another each time it was read.
    case restless
    /// Not there, beneath directories that could be looked into.
    case gone
    /// Unknown, and why: a sentence for the operator.
    case unreadable(String)
}

/// Reads one file of an entry that is verified.
struct FileInspector: Sendable {
    let files: any FileSystem
    let comparer: ContentComparer

    /// `etag` is the object's, and `base` what the content may be: the file is read for both.
    /// - Throws: `CancellationError`.
    func look(at path: RelativePath, etag: ETag, base: ContentDigest?) async throws -> FileLook {
        do {
            return .read(try await comparer.read(path, etag: etag, known: base))
        } catch is BusyFile {
            return .restless
        } catch let error as FileSystemError {
            return isAbsence(error, of: path) ? .gone : .unreadable(Problem(local: path, error: error).message)
        }
    }

    private func isAbsence(_ error: FileSystemError, of path: RelativePath) -> Bool {
        switch error.code {
        // A parent that became a file holds nothing either.
        case .notFound, .notDirectory: return true
        // A directory has taken the name; a link or a special file hides what may still be there.
        case .notRegular: return (try? files.status(path).kind) == .directory
        case .exists, .isDirectory, .notEmpty, .symbolicLink, .accessDenied, .noSpace, .tooManyOpenFiles, .readOnly,
            .crossDevice, .nameTooLong, .unsupported, .inputOutput, .stale, .other:
            return false
        }
    }
}
