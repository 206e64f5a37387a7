/// Whether and when a failed request is sent again: pure answers to (attempt, error, chance).
///
/// The figures are those of the AWS SDKs' standard mode since November 2026 (botocore 1.44.5, read 2026-11-22), with
/// more attempts: what they call a new command is the same cycle here.
public struct RetryPolicy: Hashable, Sendable {
    /// Tries of one request, the first one included.
    public var maximumAttempts = 6
    /// Tries of a request whose endpoint cannot be reached at all.
    public var maximumUnreachable = 4
    /// Longest wait in seconds.
    public var maximumDelay = 20.0

    public init() {}

    /// What kind of failure it was, as far as trying again is concerned.
    enum Kind: Hashable, Sendable {
        case transient
        case throttled
        case unreachable
        case final
    }

    /// The wait in seconds before the next try; nil to give up.
    /// `attempt` counts the tries so far, at least 1.
    /// `retryAfter` is what the service asked for, in seconds.
    /// `chance` is in 0..<1.
    func delay(after attempt: Int, _ kind: Kind, retryAfter: Double?, chance: Double) -> Double? {
        let base: Double
        switch kind {
        case .final: return nil
        case .transient: base = 0.05
        case .throttled: base = 1
        case .unreachable: base = 0.5
        }
        guard attempt < (kind == .unreachable ? maximumUnreachable : maximumAttempts) else { return nil }
        let backoff = min(maximumDelay, base * Double(1 << min(attempt - 1, 20)))
        let jittered = backoff * chance
        guard let retryAfter, retryAfter >= 0 else { return jittered }
        // What the service asks for, but not so long that a cycle hangs on one answer.
        return max(jittered, min(retryAfter, backoff + 5))
    }

    static func kind(of error: S3Error) -> Kind {
        switch error.code {
        case .slowDown: .throttled
        // An upload that met another writer has to be begun anew (AWS, CompleteMultipartUpload, read 2026-11-28).
        case .conflict: error.operation == "CompleteMultipartUpload" ? .final : .transient
        case .internalError: .transient
        case .transport: kind(of: error.transport)
        case .other(let name): transientNames.contains(name) ? .transient : .final
        case .noSuchKey, .noSuchBucket, .noSuchUpload, .accessDenied, .credentialsRefused,
            .credentialsUnreachable, .preconditionFailed,
            .invalidRange, .badDigest, .invalidObjectState, .keyTooLong, .entityTooLarge, .invalidPart, .notImplemented,
            .malformedAnswer:
            .final
        }
    }

    private static func kind(of error: TransportError?) -> Kind {
        switch error?.code {
        case .unreachable: .unreachable
        case .interrupted, .truncated, .malformed: .transient
        case .tls, .bodyTooLarge, .localRead, .localWrite, .cancelled, nil: .final
        }
    }

    private static let transientNames: Set<String> = [
        "RequestTimeout", "IncompleteBody", "OperationAborted", "PriorRequestNotComplete", "408", "425",
    ]
}

/// What all requests of a client may spend on retries together, so that a failing service is not flooded.
struct RetryBudget: Hashable, Sendable {
    private var tokens = capacity

    private static let capacity = 500
    private static let transientCost = 14
    private static let throttledCost = 5

    /// Takes the price of one retry; false if the budget is spent.
    mutating func spend(on kind: RetryPolicy.Kind) -> Bool {
        let cost = Self.cost(of: kind)
        guard tokens >= cost else { return false }
        tokens -= cost
        return true
    }

    /// A request that succeeded pays back what its last retry, of `kind`, had cost; one that needed none pays one.
    mutating func succeed(afterRetry kind: RetryPolicy.Kind?) {
        tokens = min(Self.capacity, tokens + (kind.map(Self.cost) ?? 1))
    }

    private static func cost(of kind: RetryPolicy.Kind) -> Int {
        kind == .throttled ? throttledCost : transientCost
    }
}
