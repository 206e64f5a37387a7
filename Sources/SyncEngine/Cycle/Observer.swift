/// What one look at both sides brought, beside what went into the index.
struct Observed: Sendable {
    var scan: ScanResult
    var listing: ListingSummary
    /// Paths that were not observed here: they and all beneath them.
    var unknown: UnknownPaths
}

/// Paths of which nothing is known, with all that lies beneath them.
struct UnknownPaths: Sendable {
    private let paths: Set<RelativePath>

    init(_ paths: [RelativePath]) {
        self.paths = Set(paths)
    }

    func covers(_ path: RelativePath) -> Bool {
        guard !paths.isEmpty else { return false }
        var current: RelativePath? = path
        while let candidate = current {
            if paths.contains(candidate) { return true }
            current = candidate.parent
        }
        return false
    }
}

/// Looks at both sides at once, each streaming into the index.
struct Observer {
    let context: CycleContext
    let rules: IgnoreRules
    let folder: Int64

    /// - Throws: ``CycleFailure`` if the listing did not come to its end or the root could not be read: then nothing is
    ///   concluded from what was not seen, on either side.
    func observe() async throws -> Observed {
        async let listed = list()
        async let scanned = scan()
        do {
            let (scan, scanNumber) = try await scanned
            let (listing, listNumber) = try await listed
            if scan.isComplete {
                try await complete(scanNumber, unknown: scan.unknown)
            } else {
                await context.index.abandonObservation(scanNumber)
            }
            try await complete(listNumber, unknown: [])
            try await noteProblems(scan: scan, listing: listing)
            return Observed(scan: scan, listing: listing, unknown: UnknownPaths(scan.unknown))
        } catch let error as StoreError {
            throw Self.failure(ofListing: error)
        } catch let error as FileSystemError {
            throw CycleFailure(code: .unreadableRoot, message: "the root cannot be read: \(error.reason)")
        }
    }

    private func scan() async throws -> (ScanResult, Sequence) {
        let number = try await context.index.beginObservation(folder, of: .local)
        let scanner = DirectoryScanner(files: context.files, rules: rules, stop: context.stop)
        do {
            let result = try await scanner.scan { page in
                try await context.index.observe(number, local: page)
                context.progress.update { $0.filesScanned += Int64(page.count) }
            }
            return (result, number)
        } catch {
            await context.index.abandonObservation(number)
            throw error
        }
    }

    private func list() async throws -> (ListingSummary, Sequence) {
        let number = try await context.index.beginObservation(folder, of: .remote)
        let lister = RemoteLister(
            store: context.store,
            rules: rules,
            progress: context.progress,
            stop: context.stop
        )
        do {
            let summary = try await lister.list { page in
                try await context.index.observe(number, remote: page)
            }
            return (summary, number)
        } catch {
            await context.index.abandonObservation(number)
            throw error
        }
    }

    private func complete(_ number: Sequence, unknown: [RelativePath]) async throws {
        let unseen = Unseen(unknown: unknown, isExcluded: { [rules] in rules.excludes($0) })
        try await context.index.completeObservation(number, unseen: unseen)
    }

    private func noteProblems(scan: ScanResult, listing: ListingSummary) async throws {
        let now = context.clock.now()
        try await context.index.setProblems(folder, of: .local, scan.problems, at: now)
        try await context.index.setProblems(folder, of: .remote, listing.problems, at: now)
    }

    private static func failure(ofListing error: StoreError) -> CycleFailure {
        if let failure = CycleFailure(fatal: error) { return failure }
        switch error.code {
        case .accessDenied:
            return CycleFailure(code: .refused, message: error.message)
        case .notFound, .preconditionFailed, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown, .badDigest,
            .uploadGone, .partsRefused, .rangeIgnored, .malformedAnswer, .archived, .localFile, .cancelled, .refused:
            let message = "the listing did not come to its end, so nothing was changed on either side: \(error.message)"
            return CycleFailure(code: .incompleteListing, message: message)
        }
    }
}
