/// Why an entry is as it is: everything that a decision on it rests on.
public struct Explanation: Sendable {
    /// What stands at the path now.
    public enum OnDisk: Hashable, Sendable {
        case file(LocalState)
        case directory
        case link
        case special
        case absent
        /// It cannot be looked at, and why.
        case unreadable(String)
    }

    public var path: RelativePath
    public var onDisk: OnDisk
    /// Nil where the index has no row for it.
    public var entry: Entry?
    /// Nil where no pattern matches.
    public var rule: IgnoreRules.Match?
    /// What was decided from what was last seen; nil without an entry.
    public var change: Change?
    public var problem: KnownProblem?
    /// Failures in a row, and when it is tried again; nil where none waits.
    public var attempts: Int64
    public var nextAttempt: UnixTime?
    /// Whether it waits for a decision.
    public var needsAttention: Bool
    /// Whether it waits because it just changed, and may change again.
    public var isSettling: Bool

    /// False for a path that is neither here nor, as far as is known, in the bucket.
    public var isAnything: Bool { onDisk != .absent || entry != nil || isSettling }

    /// True if the bucket holds what stands here, and both are as they last agreed; or if neither is there.
    public var isSynced: Bool {
        guard !isSettling, !needsAttention else { return false }
        switch onDisk {
        case .file(let state): return entry?.base?.local == state && entry?.remoteRelation == .asBase
        case .directory: return true
        case .absent: return entry?.remote == nil
        case .link, .special, .unreadable: return false
        }
    }
}

/// What the index holds of one path beside the three trees.
public struct EntryNotes: Sendable {
    public var entry: Entry
    public var needsAttention: Bool
    public var attempts: Int64
    public var nextAttempt: UnixTime?
    public var problem: KnownProblem?

    public init(
        entry: Entry,
        needsAttention: Bool,
        attempts: Int64,
        nextAttempt: UnixTime?,
        problem: KnownProblem?
    ) {
        self.entry = entry
        self.needsAttention = needsAttention
        self.attempts = attempts
        self.nextAttempt = nextAttempt
        self.problem = problem
    }
}

/// How a path, with all beneath it, stands to the bucket.
public struct SyncState: Hashable, Sendable {
    /// Whether the bucket has it as it is here.
    public var isSynced: Bool
    /// What keeps it from being so, where that is known and needs the operator.
    public var problem: String?
    /// False for a path that is neither here nor, as far as is known, in the bucket.
    public var isAnything: Bool

    public init(isSynced: Bool, problem: String? = nil, isAnything: Bool) {
        self.isSynced = isSynced
        self.problem = problem
        self.isAnything = isAnything
    }
}

/// Puts an explanation together. It writes nothing.
public struct Explainer: Sendable {
    private let context: CycleContext
    /// Whether a path waits to be looked at.
    private let isSettling: @Sendable (RelativePath) -> Bool

    public init(_ context: CycleContext, isSettling: @escaping @Sendable (RelativePath) -> Bool = { _ in false }) {
        self.context = context
        self.isSettling = isSettling
    }

    /// - Throws: where the index cannot be read.
    public func explain(_ path: RelativePath) async throws(CycleFailure) -> Explanation {
        do {
            let memory = try await context.index.memory(of: context.folder)
            var notes: EntryNotes?
            if let memory { notes = try await context.index.notes(memory.id, at: path) }
            let onDisk = look(at: path)
            let isSettling = isSettling(path)
            let decider = Decider(
                policy: context.folder.policy,
                unknown: UnknownPaths(context.share.view?.unknown ?? [])
            )
            return Explanation(
                path: path,
                onDisk: onDisk,
                entry: notes?.entry,
                rule: IgnoreRules(patterns: context.folder.exclude).match(path, isDirectory: onDisk == .directory),
                change: notes.map { decider.change(for: $0.entry) },
                problem: notes?.problem,
                attempts: notes?.attempts ?? 0,
                nextAttempt: notes?.nextAttempt,
                needsAttention: notes?.needsAttention ?? false,
                isSettling: isSettling
            )
        } catch {
            throw CycleFailure(of: error)
        }
    }

    /// Whether all at and beneath a path is in the bucket as it is here, and what keeps it from being so.
    public func syncState(_ path: RelativePath) async throws(CycleFailure) -> SyncState {
        let explanation = try await explain(path)
        var state = SyncState(isSynced: false, isAnything: explanation.isAnything)
        if let rule = explanation.rule, rule.excludes {
            state.problem = "it is excluded by \"\(rule.pattern)\""
        } else if let problem = explanation.problem {
            state.problem = problem.problem.message
        } else if let reason = Self.neverSynced(explanation) {
            state.problem = reason
        } else if explanation.isSynced {
            try await look(beneath: path, &state)
        }
        return state
    }

    /// Why nothing of this kind ever gets into the bucket; nil where it does.
    private static func neverSynced(_ explanation: Explanation) -> String? {
        switch explanation.onDisk {
        case .file, .directory, .absent: return nil
        case .link: return "it is a symbolic link, and links are not synced"
        case .special: return "it is no regular file, and only these are synced"
        case .unreadable(let reason): return "it cannot be looked at: \(reason)"
        }
    }

    private func look(beneath path: RelativePath, _ state: inout SyncState) async throws(CycleFailure) {
        do {
            guard let memory = try await context.index.memory(of: context.folder) else { return }
            let waiting = try await context.index.attention(
                memory.id,
                beneath: path,
                after: nil,
                dueBy: nil,
                limit: 1
            )
            guard let first = waiting.first else {
                state.isSynced = true
                return
            }
            if let problem = try await context.index.notes(memory.id, at: first.path)?.problem {
                state.problem = "\(String(decoding: first.path.bytes, as: UTF8.self)): \(problem.problem.message)"
            }
        } catch {
            throw CycleFailure(of: error)
        }
    }

    private func look(at path: RelativePath) -> Explanation.OnDisk {
        do throws(FileSystemError) {
            let status = try context.files.status(path)
            switch status.kind {
            case .file: return .file(status.state)
            case .directory: return .directory
            case .symbolicLink: return .link
            case .special: return .special
            }
        } catch {
            let isAbsent = error.code == .notFound || error.code == .notDirectory
            return isAbsent ? .absent : .unreadable(error.reason)
        }
    }
}
