extension Problem {
    /// The problem that a failed operation on a file makes.
    init(local path: RelativePath, error: FileSystemError) {
        let kind: Kind
        let advice: String
        switch error.code {
        case .accessDenied:
            (kind, advice) = (.unreadable, "give syncd's user the permission, or exclude it")
        case .noSpace:
            (kind, advice) = (.unwritable, "make room on the disk; the old file is as it was")
        case .readOnly:
            (kind, advice) = (.unwritable, "the file system is mounted read-only")
        case .notDirectory, .isDirectory, .notEmpty, .exists:
            (kind, advice) = (.collision, "a file and a directory want the same name: rename one of them")
        case .symbolicLink, .notRegular:
            (kind, advice) = (.unreadable, "it is no regular file any more")
        case .nameTooLong:
            (kind, advice) = (.name, "this file system cannot hold so long a name")
        case .tooManyOpenFiles:
            (kind, advice) = (.unreadable, "too many files are open: lower \"concurrency\" or raise the limit")
        case .notFound, .crossDevice, .unsupported, .inputOutput, .stale, .other:
            (kind, advice) = (.unreadable, "look at the file system's own messages")
        }
        self.init(
            path: path.bytes,
            side: .local,
            kind: kind,
            message: "\(error.operation) failed: \(error.reason); \(advice)"
        )
    }

    /// The problem that a refused request makes.
    init(remote path: RelativePath, error: StoreError) {
        if let cause = error.cause {
            self.init(local: path, error: cause)
            return
        }
        if error.code == .accessDenied {
            self.init(path: path.bytes, side: .remote, kind: .denied, message: Self.denial(of: error.operation))
            return
        }
        let kind: Kind =
            switch error.code {
            case .badDigest, .malformedAnswer, .rangeIgnored: .corrupt
            case .preconditionFailed, .notFound: .busy
            case .archived: .archived
            case .accessDenied, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown, .localFile, .cancelled,
                .uploadGone, .partsRefused, .refused:
                .refused
            }
        self.init(path: path.bytes, side: .remote, kind: kind, message: error.message)
    }

    /// One sentence for all paths, so that it can be told once.
    private static func denial(of operation: String?) -> String {
        "the service denied \(operation ?? "the request") (403 AccessDenied): `syncd policy` prints what the keys need"
    }
}
