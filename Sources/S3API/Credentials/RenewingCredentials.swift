/// Keys that are looked for when they are first needed, and again before they expire, after a file that they came from
/// has changed, and when a service refused them. Whoever asks meanwhile waits for the one who looks.
public actor RenewingCredentials: CredentialsProvider {
    /// Where keys are looked for.
    public typealias Finder = @Sendable () async throws(CredentialsError) -> FoundCredentials

    private let find: Finder
    private let host: any CredentialsHost
    private var held: Held?
    /// The look under way, and who waits for it.
    private var search: (number: Int, task: Task<Void, Never>)?
    private var waiters: [Int: CheckedContinuation<Result<FoundCredentials, CredentialsError>, Never>] = [:]
    private var lastNumber = 0
    /// Before this nobody looks again for keys in place of refused ones.
    private var noReplacementBefore = S3Time(seconds: .min)

    private struct Held {
        var found: FoundCredentials
        var since: S3Time
        var stamps: [FileStamp?]
        /// Before this the keys are not looked for again, however near their end is.
        var notBefore: S3Time
        /// When the files were looked at last.
        var checked: S3Time

        func isGood(at now: S3Time) -> Bool { found.credentials.expiration.map { now < $0 } ?? true }
    }

    /// Seconds before their end from which keys are replaced; a quarter of their life where that is shorter.
    private static let margin: Int64 = 300
    /// Seconds after a look that brought nothing new until the next one.
    private static let patience: Int64 = 30
    /// Seconds between two looks at the files.
    private static let fileInterval: Int64 = 10

    public init(host: any CredentialsHost, find: @escaping Finder) {
        self.host = host
        self.find = find
    }

    public func current() async throws(CredentialsError) -> S3Credentials {
        try await found().credentials
    }

    /// The keys with the place that they come from.
    public func found() async throws(CredentialsError) -> FoundCredentials {
        let now = host.environment.now()
        guard let old = held else { return try await look() }
        // One waits for whoever lends new ones; the others go on with the old ones as long as these are good.
        guard isDue(old, at: now), search == nil || !old.isGood(at: now) else { return old.found }
        do throws(CredentialsError) {
            return try await look()
        } catch {
            // A service that lends keys may be away for a while, and a look may have taken long.
            let now = host.environment.now()
            guard let held, held.isGood(at: now) else { throw error }
            self.held?.notBefore = S3Time(seconds: now.seconds + Self.patience)
            return held.found
        }
    }

    public func replacement(for refused: S3Credentials) async throws(CredentialsError) -> S3Credentials? {
        if let held, held.found.credentials != refused { return held.found.credentials }
        let now = host.environment.now()
        // A limit further ahead than it is ever set is of a clock that was put back since.
        let wait = noReplacementBefore.seconds.subtractingReportingOverflow(now.seconds).partialValue
        guard !(1...2 * Self.patience).contains(wait) else { return nil }
        let fresh = try await look().credentials
        // Also where they are fresh: a lender that makes new ones each time is not asked for every refused request.
        noReplacementBefore = S3Time(seconds: host.environment.now().seconds + 2 * Self.patience)
        return fresh == refused ? nil : fresh
    }

    private func isDue(_ held: Held, at now: S3Time) -> Bool {
        // By a clock that was put back nothing would ever be due.
        if now < held.since { return true }
        guard now >= held.notBefore || held.notBefore.seconds - now.seconds > Self.patience else { return false }
        if let end = held.found.credentials.expiration {
            let margin = min(Self.margin, (end.seconds - held.since.seconds) / 4)
            if now.seconds >= end.seconds - margin { return true }
        }
        guard !held.found.files.isEmpty, now.seconds - held.checked.seconds >= Self.fileInterval else { return false }
        self.held?.checked = now
        return held.found.files.map(host.stamp) != held.stamps
    }

    // MARK: Looking

    private static let stopped = CredentialsError(.unreachable, "stopped on request")

    /// Looks, unless somebody does so already. Who is cancelled waits no longer, and when nobody waits the look ends.
    private func look() async throws(CredentialsError) -> FoundCredentials {
        lastNumber += 1
        let number = lastNumber
        let result: Result<FoundCredentials, CredentialsError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else {
                    continuation.resume(returning: .failure(Self.stopped))
                    return
                }
                waiters[number] = continuation
                if search == nil { begin(number) }
            }
        } onCancel: {
            // The handler is no part of the actor, and nobody waits for what it starts.
            Task { await giveUp(number) }
        }
        return try result.get()
    }

    private func begin(_ number: Int) {
        // It belongs to all who wait for it, and outlives the one who began it.
        let task = Task { [find] in
            let result: Result<FoundCredentials, CredentialsError>
            do throws(CredentialsError) {
                result = .success(try await find())
            } catch {
                result = .failure(error)
            }
            finish(number, result)
        }
        search = (number, task)
    }

    private func finish(_ number: Int, _ result: Result<FoundCredentials, CredentialsError>) {
        // One that everybody gave up may end while the next is under way.
        guard search?.number == number else { return }
        search = nil
        if case .success(let found) = result { keep(found) }
        let waiting = waiters.values
        waiters = [:]
        for waiter in waiting { waiter.resume(returning: result) }
    }

    private func keep(_ found: FoundCredentials) {
        let now = host.environment.now()
        held = Held(
            found: found,
            since: now,
            stamps: found.stamps ?? found.files.map(host.stamp),
            // Keys that are as good as expired when they come are for the service to judge: our clock may be wrong.
            notBefore: S3Time(seconds: now.seconds + Self.patience),
            checked: now
        )
    }

    private func giveUp(_ number: Int) {
        waiters.removeValue(forKey: number)?.resume(returning: .failure(Self.stopped))
        guard waiters.isEmpty else { return }
        search?.task.cancel()
        search = nil
    }
}
