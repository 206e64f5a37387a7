/// The names under which losers of conflicts are kept, and which of them go to the bucket.
struct ConflictCopies: Sendable {
    private let files: any FileSystem
    private let comparer: ContentComparer
    private let claims: PathClaims
    private let rules: IgnoreRules
    private let prefixLength: Int

    init(_ context: CycleContext) {
        files = context.files
        comparer = ContentComparer(context)
        claims = context.claims
        rules = IgnoreRules(patterns: context.folder.exclude)
        prefixLength = context.folder.prefix.count
    }

    /// Where a loser is kept.
    enum Place: Sendable {
        case made(RelativePath)
        /// An earlier try has kept it there already.
        case found(RelativePath)

        var path: RelativePath {
            switch self {
            case .made(let path), .found(let path): path
            }
        }
    }

    /// Gives the loser, whose time and MD5 these are, its name by `make`.
    /// - Throws: ``Problem`` where there are too many copies, or other files have the names; what `make` throws.
    func keep(
        _ path: RelativePath,
        modified: UnixTime,
        digest: ContentDigest,
        by make: (RelativePath) throws(FileSystemError) -> Void
    ) async throws -> Place {
        var name = path
        for precision in ConflictName.Precision.allCases {
            name = ConflictName.make(for: path, modified: modified, digest: digest, precision)
            guard try exists(name) else {
                guard try count(of: path) < ConflictName.maximumCopies else { throw Problem.tooManyCopies(path) }
                try make(name)
                return .made(name)
            }
            let kept = try await comparer.read(name, etag: ETag(""), known: nil)
            if kept.digests.first == digest { return .found(name) }
        }
        throw Problem.nameTaken(path, name)
    }

    private func exists(_ path: RelativePath) throws(FileSystemError) -> Bool {
        do {
            _ = try files.status(path)
            return true
        } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    private func count(of path: RelativePath) throws(FileSystemError) -> Int {
        try files.readDirectory(path.parent).entries.count { ConflictName.isCopy($0.name, of: path) }
    }

    /// Whether a copy goes up now, and is worked on by the caller alone. Otherwise it is what any new file is to the next cycle.
    func claim(_ copy: RelativePath) -> Bool {
        guard !rules.excludes(copy), copy.neededFeatures.isEmpty,
            keyProblem(of: copy, prefixLength: prefixLength) == nil
        else { return false }
        return claims.claim(copy, for: .cycle)
    }

    func release(_ copy: RelativePath) { claims.release(copy, by: .cycle) }
}

extension Problem {
    fileprivate static func tooManyCopies(_ path: RelativePath) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .conflict,
            message: "changed on both sides, and there are \(ConflictName.maximumCopies) conflict copies of it already:"
                + " neither side is touched until some of them are gone"
        )
    }

    fileprivate static func nameTaken(_ path: RelativePath, _ copy: RelativePath) -> Problem {
        Problem(
            path: path.bytes,
            side: .local,
            kind: .conflict,
            message:
                "changed on both sides, and \"\(String(decoding: copy.bytes, as: UTF8.self))\" is another file already:"
                + " rename that one"
        )
    }
}
