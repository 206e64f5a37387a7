/// What a look at both sides, or at parts of them, brought, beside what went into the index.
struct Observed: Sendable {
    /// Nil where the local side was not looked at.
    var scan: ScanResult?
    /// Nil where the bucket was not listed.
    var listing: ListingSummary?
    var view: FolderView
    /// Whether the scan was one of the whole tree.
    var isWholeScan = false
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

/// What the index knows of what a listing will show.
private struct IndexKnowledge: ListingKnowledge {
    let index: any Index
    let folder: Int64
    let expected: Int64

    /// Names that are drawn: enough to tell where a hundredth of all lies.
    private static let count = 4_096

    func sample() async throws -> NameSample {
        guard expected > 0 else { return NameSample([], of: 0) }
        return NameSample(try await index.someNames(folder, count: Self.count), of: expected)
    }
}

/// Looks at both sides at once, each streaming into the index.
struct Observer {
    let context: CycleContext
    let rules: IgnoreRules
    let folder: Int64
    let scope: CycleScope
    /// What is known of what is not looked at.
    let view: FolderView

    /// - Throws: ``CycleFailure`` if the listing did not come to its end or the root could not be read: then nothing is
    ///   concluded from what was not seen, on either side.
    func observe() async throws -> Observed {
        async let listed = list()
        async let scanned = scan()
        do {
            var observed = Observed(view: view)
            let scan = try await scanned
            let listing = try await listed
            if let scan { try await take(scan.result, scan.number, &observed) }
            if let listing { try await take(listing.summary, listing.number, &observed) }
            return observed
        } catch let error as StoreError {
            throw Self.failure(ofListing: error)
        } catch let error as FileSystemError {
            throw CycleFailure(code: .unreadableRoot, message: "the root cannot be read: \(error.reason)")
        }
    }

    private func scan() async throws -> (result: ScanResult, number: Sequence)? {
        let entries: EntryScope
        switch scope.local {
        case .whole: entries = .whole
        case .paths(let paths): entries = .paths(paths)
        case .none: return nil
        }
        let number = try await context.index.beginObservation(folder, of: .local, within: entries)
        let scanner = DirectoryScanner(
            files: context.files,
            rules: rules,
            stop: context.stop,
            watcher: context.watcher
        )
        let observe: @Sendable ([LocalObservation]) async throws -> Void = { [context] page in
            try await context.index.observe(number, local: page)
            context.progress.update { $0.filesScanned += Int64(page.count) }
        }
        do {
            switch entries {
            case .whole: return (try await scanner.scan(observe: observe), number)
            case .paths(let paths): return (try await scanner.scan(paths, on: view.device, observe: observe), number)
            }
        } catch {
            await context.index.abandonObservation(number)
            throw error
        }
    }

    private func list() async throws -> (summary: ListingSummary, number: Sequence)? {
        guard scope.lists else { return nil }
        let number = try await context.index.beginObservation(folder, of: .remote)
        do {
            let expected = try await context.index.counts(folder).entries
            let lister = RemoteLister(
                store: context.store,
                rules: rules,
                progress: context.progress,
                stop: context.stop,
                policy: context.listing,
                clock: context.clock,
                knowledge: IndexKnowledge(index: context.index, folder: folder, expected: expected)
            )
            let summary = try await lister.list { [context] page in
                try await context.index.observe(number, remote: page)
            } isSure: {
                try await !context.index.hasUnseen(number)
            }
            return (summary, number)
        } catch {
            await context.index.abandonObservation(number)
            throw error
        }
    }

    private func take(_ scan: ScanResult, _ number: Sequence, _ observed: inout Observed) async throws {
        var scan = scan
        if scan.isComplete {
            let mountPoints = MountPoints(context: context, rules: rules, folder: folder)
            try await mountPoints.judge(&scan, number, within: scope.entries)
            try await complete(number, unknown: scan.unknown)
        } else {
            await context.index.abandonObservation(number)
        }
        observed.scan = scan
        switch scope.entries {
        case .whole:
            observed.isWholeScan = true
            observed.view.device = scan.device
            observed.view.unknown = scan.unknown
            observed.view.skippedLocal = scan.skipped
        case .paths(let paths):
            observed.view.merge(scan, of: paths)
        }
        let now = context.clock.now()
        try await context.index.setProblems(folder, of: .local, within: scope.entries, scan.problems, at: now)
    }

    private func take(_ listing: ListingSummary, _ number: Sequence, _ observed: inout Observed) async throws {
        try await complete(number, unknown: [])
        observed.listing = listing
        observed.view.skippedRemote = listing.skipped
        observed.view.markers = listing.markers
        let now = context.clock.now()
        try await context.index.setProblems(folder, of: .remote, within: .whole, listing.problems, at: now)
    }

    private func complete(_ number: Sequence, unknown: [RelativePath]) async throws {
        let unseen = Unseen(
            unknown: unknown,
            keepsExcluded: scope.isPlan,
            isExcluded: { [rules] in rules.excludes($0) }
        )
        try await context.index.completeObservation(number, unseen: unseen)
    }

    private static func failure(ofListing error: StoreError) -> CycleFailure {
        if let failure = CycleFailure(fatal: error) { return failure }
        switch error.code {
        case .accessDenied:
            let advice = "without a listing nothing can be decided; `syncd policy` prints what the keys need"
            return CycleFailure(code: .refused, message: "\(error.message): \(advice)")
        case .notFound, .preconditionFailed, .noSuchBucket, .credentialsRefused, .unreachable, .slowDown, .badDigest,
            .uploadGone, .partsRefused, .rangeIgnored, .malformedAnswer, .archived, .localFile, .cancelled, .refused:
            let message = "the listing did not come to its end, so nothing was changed on either side: \(error.message)"
            return CycleFailure(code: .incompleteListing, message: message)
        }
    }
}
