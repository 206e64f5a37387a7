/// Keys that are looked for when they are first needed, and again before they expire, after a file that they came from
/// has changed, and when a service refused them.
///
/// While the keys at hand are good, others are looked for beside the requests. Where there are none, or they are expired
/// or refused, whoever asks waits for the one search that is under way. Who is cancelled no longer waits, and a search
/// that the last one has left is stopped.
public actor RenewingCredentials: CredentialsProvider {
    /// Where keys are looked for.
    public typealias Finder = @Sendable () async throws(CredentialsError) -> FoundCredentials

    private typealias Outcome = Result<FoundCredentials, CredentialsError>

    private let find: Finder
    private let host: any CredentialsHost
    private var held: Held?
    private var search: (id: Int, task: Task<Void, Never>)?
    /// Those who wait for the search, by numbers of their own.
    private var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
    /// The search that was begun last: one that was given up may still be ending.
    private var lastTask: Task<Void, Never>?
    private var lastNumber = 0
    /// The last look for keys in place of refused ones, and why it brought none.
    private var lastReplacement: (pause: Pause, failure: CredentialsError?)?

    private struct Held {
        var found: FoundCredentials
        var since: S3Time
        /// After the last search, however near the keys' end is.
        var renewal: Pause
        /// After the last look at the files.
        var files: Pause
    }

    /// Seconds before their end from which keys are replaced; a quarter of their life where that is shorter.
    private static let margin: Int64 = 300
    /// Seconds after a look until the next one.
    private static let patience: Int64 = 30
    /// The same where it was for keys in place of refused ones.
    private static let replacementPatience: Int64 = 60
    /// Seconds between two looks at the files.
    private static let fileInterval: Int64 = 10

    private static let stopped = CredentialsError(.unreachable, "stopped on request while looking for them")

    public init(host: any CredentialsHost, find: @escaping Finder) {
        self.host = host
        self.find = find
    }

    deinit { search?.task.cancel() }

    public func current() async throws(CredentialsError) -> S3Credentials {
        try await found().credentials
    }

    /// The keys with the place that they come from.
    public func found() async throws(CredentialsError) -> FoundCredentials {
        let now = host.environment.now()
        guard let held, isGood(held, at: now) else { return try await look() }
        if search == nil, isRenewalDue(at: now) { beginSearch() }
        return held.found
    }

    public func replacement(for refused: S3Credentials) async throws(CredentialsError) -> S3Credentials? {
        if let held, held.found.credentials != refused {
            let others = try await current()
            return others == refused ? nil : others
        }
        // Some lenders make new keys for each who asks: without a pause, each request that is refused would ask.
        if search == nil, let last = lastReplacement, !last.pause.isOver(at: host.environment.now()) {
            if let failure = last.failure { throw failure }
            return nil
        }
        do throws(CredentialsError) {
            let fresh = try await look().credentials
            noteReplacement(failure: nil, seconds: Self.replacementPatience)
            return fresh == refused ? nil : fresh
        } catch {
            // Who was stopped has learned nothing.
            if !Task.isCancelled { noteReplacement(failure: error, seconds: Self.patience) }
            throw error
        }
    }

    private func noteReplacement(failure: CredentialsError?, seconds: Int64) {
        lastReplacement = (Pause(since: host.environment.now(), seconds: seconds), failure)
    }

    // MARK: The keys at hand

    private func isGood(_ held: Held, at now: S3Time) -> Bool {
        guard let end = held.found.credentials.expiration, now >= end else { return true }
        // Keys that came expired are for the service to judge for a while: our clock may be wrong.
        return held.since >= end && !Pause(since: held.since, seconds: Self.patience).isOver(at: now)
    }

    private func isRenewalDue(at now: S3Time) -> Bool {
        guard let held, held.renewal.isOver(at: now) else { return false }
        if let end = held.found.credentials.expiration {
            let life = max(0, end.seconds - held.since.seconds)
            if now.seconds >= end.seconds - min(Self.margin, life / 4) { return true }
        }
        guard !held.found.files.isEmpty, held.files.isOver(at: now) else { return false }
        self.held?.files = Pause(since: now, seconds: Self.fileInterval)
        return held.found.files.contains { host.stamp(of: $0.path) != $0.stamp }
    }

    // MARK: Searching

    /// Waits for a search, which it begins unless one is under way.
    private func look() async throws(CredentialsError) -> FoundCredentials {
        if Task.isCancelled { throw Self.stopped }
        if search == nil { beginSearch() }
        let waiter = number()
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { waiters[waiter] = $0 }
        } onCancel: {
            // The handler cannot wait for the actor, and is called where the task is cancelled.
            Task { await leave(waiter) }
        }
        return try outcome.get()
    }

    private func beginSearch() {
        let id = number()
        // It belongs to all who wait for it, or to nobody, and outlives the one who began it.
        let task = Task { [weak self, find, lastTask] in
            // One that was given up may take a moment to end: no two are under way.
            await lastTask?.value
            if Task.isCancelled { return }
            let outcome: Outcome
            do throws(CredentialsError) {
                outcome = .success(try await find())
            } catch {
                outcome = .failure(error)
            }
            await self?.finish(id, outcome)
        }
        search = (id, task)
        lastTask = task
    }

    private func finish(_ id: Int, _ outcome: Outcome) {
        // A search that was given up brings nothing.
        guard search?.id == id else { return }
        search = nil
        // By the clock as it is now: a search may take longer than the pauses are.
        let now = host.environment.now()
        let renewal = Pause(since: now, seconds: Self.patience)
        switch outcome {
        case .success(let found):
            let files = Pause(since: now, seconds: Self.fileInterval)
            held = Held(found: found, since: now, renewal: renewal, files: files)
        case .failure:
            // Whoever lends keys may be away for a while: until their end the old ones are good.
            held?.renewal = renewal
        }
        let waiting = waiters.values
        waiters = [:]
        for waiter in waiting { waiter.resume(returning: outcome) }
    }

    /// Ends the wait of one who was cancelled, and the search if nobody else waits for it.
    private func leave(_ waiter: Int) {
        guard let continuation = waiters.removeValue(forKey: waiter) else { return }
        continuation.resume(returning: .failure(Self.stopped))
        guard waiters.isEmpty else { return }
        search?.task.cancel()
        search = nil
    }

    private func number() -> Int {
        lastNumber += 1
        return lastNumber
    }
}

/// Seconds in which something is not done again. A clock that is set back ends it, lest it last for as long as that.
private struct Pause {
    var since: S3Time
    var seconds: Int64

    func isOver(at now: S3Time) -> Bool {
        now.seconds < since.seconds || now.seconds - since.seconds >= seconds
    }
}
