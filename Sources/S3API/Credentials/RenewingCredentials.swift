/// Keys that are looked for when they are first needed, and again before they expire, after a file that they came from
/// has changed, and when a service refused them. Whoever asks meanwhile waits for the one who looks.
public actor RenewingCredentials: CredentialsProvider {
    /// Where keys are looked for.
    public typealias Finder = @Sendable () async throws(CredentialsError) -> FoundCredentials

    private let find: Finder
    private let host: any CredentialsHost
    private var held: Held?
    private var search: Task<Result<FoundCredentials, CredentialsError>, Never>?
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
        guard let old = held, !isDue(old, at: now) else {
            do throws(CredentialsError) {
                return try await look()
            } catch {
                // A service that lends keys may be away for a while: until their end the old ones are good.
                guard let held, held.found.credentials.expiration.map({ now < $0 }) ?? true else { throw error }
                self.held?.notBefore = S3Time(seconds: now.seconds + Self.patience)
                return held.found
            }
        }
        return old.found
    }

    public func replacement(for refused: S3Credentials) async throws(CredentialsError) -> S3Credentials? {
        if let held, held.found.credentials != refused { return held.found.credentials }
        let now = host.environment.now()
        guard now >= noReplacementBefore else { return nil }
        let fresh = try await look().credentials
        guard fresh == refused else { return fresh }
        noReplacementBefore = S3Time(seconds: now.seconds + 2 * Self.patience)
        return nil
    }

    private func isDue(_ held: Held, at now: S3Time) -> Bool {
        guard now >= held.notBefore else { return false }
        if let end = held.found.credentials.expiration {
            let margin = min(Self.margin, (end.seconds - held.since.seconds) / 4)
            if now.seconds >= end.seconds - margin { return true }
        }
        guard !held.found.files.isEmpty, now.seconds - held.checked.seconds >= Self.fileInterval else { return false }
        self.held?.checked = now
        return held.found.files.map(host.stamp) != held.stamps
    }

    /// Looks, unless somebody does so already.
    private func look() async throws(CredentialsError) -> FoundCredentials {
        if let search { return try await search.value.get() }
        // It belongs to all who wait for it, and outlives the one who began it.
        let task = Task { [find] () -> Result<FoundCredentials, CredentialsError> in
            do throws(CredentialsError) {
                return .success(try await find())
            } catch {
                return .failure(error)
            }
        }
        search = task
        let result = await task.value
        search = nil
        let found = try result.get()
        let now = host.environment.now()
        held = Held(
            found: found,
            since: now,
            stamps: found.files.map(host.stamp),
            // Keys that are as good as expired when they come are for the service to judge: our clock may be wrong.
            notBefore: S3Time(seconds: now.seconds + Self.patience),
            checked: now
        )
        return found
    }
}
