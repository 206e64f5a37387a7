import Synchronization

/// Speaks S3: signs, sends, reads the answer or the error, tries again where that makes sense.
///
/// One client serves any number of tasks at once. Regions and the clock's offset that a service corrected are kept.
public final class S3Client: Sendable {
    let connection: S3Connection
    private let transport: any HTTPTransport
    private let environment: S3Environment
    private let policy: RetryPolicy
    private let shared: Shared
    private let counts = Mutex(Counts())
    /// Encrypts the objects that are written and decrypts those that are read; nil where the service has the keys.
    let customerKey: CustomerKey?

    /// What clients that count for themselves have in common.
    private final class Shared: Sendable {
        let state = Mutex(State())
        let gate: ConcurrencyGate

        init(_ gate: ConcurrencyGate) { self.gate = gate }
    }

    private struct Counts {
        var requests: [String: Int64] = [:]
        var retries: Int64 = 0
    }

    private struct State {
        var budget = RetryBudget()
        /// Seconds that the service's clock is ahead of ours.
        var clockOffset: Int64 = 0
        /// The `Date` of the last answer, and our own time when it came.
        var lastDate: (text: String, received: S3Time)?
        var regions: [String: String] = [:]
        /// What a HEAD was signed with that was refused without a word, though both are right.
        var confirmed: [String: Confirmed] = [:]
        var signingKeys = SigningKeys()
    }

    /// A bucket's region and keys that an operation with an answer's body confirmed.
    private struct Confirmed: Equatable {
        var region: String
        var keys: S3Credentials
    }

    /// Regions that are kept; beyond, all are forgotten and asked for anew.
    private static let maximumRegions = 1_000

    /// A client of one service. Clients that share a `transport` share its connections and threads.
    ///
    /// It has at most `concurrency` requests under way at once, at least 1: 32 in the beginning, more where that is
    /// faster, and fewer where the service asks for less.
    public init(
        connection: S3Connection,
        transport: any HTTPTransport = CurlTransport(),
        environment: S3Environment = .system,
        policy: RetryPolicy = RetryPolicy(),
        concurrency: Int = 256
    ) {
        self.connection = connection
        self.transport = transport
        self.environment = environment
        self.policy = policy
        customerKey = nil
        shared = Shared(ConcurrencyGate(bound: concurrency, uptime: environment.uptime))
    }

    private init(sharing other: S3Client, _ customerKey: CustomerKey?) {
        self.customerKey = customerKey
        connection = other.connection
        transport = other.transport
        environment = other.environment
        policy = other.policy
        shared = other.shared
    }

    /// A client with counts of its own, that shares all else with this one: connections, how many requests may be under
    /// way, the budget for retries, and what the service corrected.
    public func counting() -> S3Client { S3Client(sharing: self, customerKey) }

    /// The same for objects that a key of the caller's own encrypts (SSE-C), which AWS takes over TLS only.
    public func counting(with customerKey: CustomerKey) -> S3Client { S3Client(sharing: self, customerKey) }

    /// Requests sent so far by class: LIST, GET, HEAD, PUT, DELETE, POST; each try counts.
    public var requestCounts: [String: Int64] { counts.withLock(\.requests) }

    /// Tries after the first of each request.
    public var retryCount: Int64 { counts.withLock(\.retries) }

    /// Operations that are worth having under way or ready at the moment: a few more than requests may be under way, and
    /// never more than they ever may. It changes all the time.
    public var worthwhileOperations: Int { shared.gate.worthwhile }

    /// Whether bodies must be hashed with SHA-256: without TLS nothing else protects them.
    var signsBodies: Bool { connection.signsBodies || !(connection.endpoint?.isSecure ?? true) }

    /// Sends `operation` until it succeeds or there is no point in going on.
    /// - Returns: an answer with a 2xx status.
    func perform(_ operation: Operation) async throws(S3Error) -> HTTPResponse {
        try await performCounting(operation).response
    }

    /// The same. - Returns: also how often it was sent: what was sent before the last time may have taken effect.
    func performCounting(_ operation: Operation) async throws(S3Error) -> (response: HTTPResponse, attempts: Int) {
        var attempt = 0
        var corrections = Corrections()
        var lastRetry: RetryPolicy.Kind?
        while true {
            attempt += 1
            let failure: S3Error
            var retryAfter: Double?
            let region = region(of: operation.bucket)
            let keys = try await currentKeys(for: operation)
            do {
                let response = try await exchange(operation, region: region, keys)
                if (200..<300).contains(response.status) {
                    shared.state.withLock { state in
                        state.budget.succeed(afterRetry: lastRetry)
                        state.lastDate = response.headers["date"].map { ($0, environment.now()) } ?? state.lastDate
                    }
                    return (response, attempt)
                }
                if correct(operation, response, signedFor: region, &corrections) { continue }
                failure = S3Error(response, operation: operation.name, bucket: operation.bucket, key: operation.key)
                retryAfter = self.retryAfter(response)
            } catch {
                failure = error
            }
            if await hasOtherRegion(than: region, keys, after: failure, operation, &corrections) { continue }
            if try await hasOtherKeys(than: keys, after: failure, operation, &corrections) { continue }
            lastRetry = try await pause(after: attempt, failure, retryAfter)
        }
    }

    /// Sends `operation` once, when there is a place for it.
    /// - Returns: the answer, whatever its status. - Throws: what kept it from coming.
    private func exchange(
        _ operation: Operation,
        region: String,
        _ keys: S3Credentials
    ) async throws(S3Error) -> HTTPResponse {
        guard let place = await shared.gate.acquire(isLarge: operation.isLarge) else {
            throw S3Error(TransportError.stopped, of: operation)
        }
        do {
            let response = try await transport.send(signed(operation, region: region, keys))
            shared.gate.release(place, ending(of: operation, response))
            return response
        } catch {
            shared.gate.release(place, .failed)
            throw S3Error(error, of: operation)
        }
    }

    /// What an answer says of how much the service can bear.
    private func ending(of operation: Operation, _ response: HTTPResponse) -> ConcurrencyGate.Ending {
        if !(200..<300).contains(response.status) {
            let failure = S3Error(response, operation: operation.name, bucket: operation.bucket, key: operation.key)
            switch RetryPolicy.kind(of: failure) {
            case .throttled: return .throttled
            case .transient, .unreachable: return .failed
            case .final: break
            }
        }
        return .answered(operation.kind, isTelling: !response.isOnNewConnection)
    }

    /// Waits before the next try. - Throws: `failure` if there is to be none.
    @discardableResult
    func pause(
        after attempt: Int,
        _ failure: S3Error,
        _ retryAfter: Double?
    ) async throws(S3Error) -> RetryPolicy.Kind {
        let kind = RetryPolicy.kind(of: failure)
        let chance = environment.chance()
        guard let delay = policy.delay(after: attempt, kind, retryAfter: retryAfter, chance: chance),
            shared.state.withLock({ $0.budget.spend(on: kind) })
        else { throw failure }
        counts.withLock { $0.retries += 1 }
        do {
            try await shared.gate.delaying { try await environment.sleep(.seconds(delay)) }
            return kind
        } catch {
            throw failure.cancelled
        }
    }

    /// In seconds. `x-amz-retry-after` counts milliseconds; `Retry-After` seconds, or it is a date.
    private func retryAfter(_ response: HTTPResponse) -> Double? {
        if let text = response.headers["x-amz-retry-after"], let value = Double(text) { return value / 1_000 }
        guard let text = response.headers["retry-after"] else { return nil }
        return Double(text) ?? S3Time(http: text).map { Double($0.seconds - serviceTime.seconds) }
    }

    /// The time by the service's clock, as far as that is known.
    private var serviceTime: S3Time {
        S3Time(seconds: environment.now().seconds + shared.state.withLock { $0.clockOffset })
    }

    /// The time by the service's clock as its last answer told it, in whole seconds: what it stamps on things that are
    /// made now is this or a little later. Our own time where no answer has come yet.
    public var stampTime: S3Time {
        let now = environment.now()
        guard let last = shared.state.withLock({ $0.lastDate }), let date = S3Time(http: last.text) else {
            return serviceTime
        }
        return S3Time(seconds: date.seconds + max(0, now.seconds - last.received.seconds))
    }

    /// Seconds that our clock was ahead of the service's when its last answer came, give or take one and the answer's way;
    /// nil where none has come, or none with a date.
    public var clockLead: Int64? {
        guard let last = shared.state.withLock({ $0.lastDate }), let date = S3Time(http: last.text) else { return nil }
        return last.received.seconds - date.seconds
    }

    // MARK: Corrections by the service

    /// What a service may correct, each once for a request.
    private struct Corrections {
        var region = false
        var clock = false
        var keys = false
    }

    /// - Throws: an error of `operation`, where there are no keys to sign it with.
    private func currentKeys(for operation: Operation) async throws(S3Error) -> S3Credentials {
        do {
            return try await connection.credentials.current()
        } catch {
            let failure = S3Error(error, of: operation)
            // Who is stopped while keys are looked for was stopped, and not refused.
            throw Task.isCancelled ? failure.cancelled : failure
        }
    }

    /// True if a request was refused for its region without being told the right one. A HEAD's answer has no body to say
    /// so, but a GET is told; of a bucket in a region that an account must opt in to, only a HEAD of the bucket is.
    private func hasOtherRegion(
        than signedRegion: String,
        _ keys: S3Credentials,
        after failure: S3Error,
        _ operation: Operation,
        _ done: inout Corrections
    ) async -> Bool {
        guard !done.region, let bucket = operation.bucket, operation.key != nil || operation.countedAs == "LIST" else {
            return false
        }
        if failure.code == .other("IllegalLocationConstraintException") {
            done.region = true
            // What matters is what the service corrects on the way, of this request and of that beneath it.
            _ = try? await perform(Operation(name: "HeadBucket", method: .head, bucket: bucket))
        } else if operation.method == .head, failure.code == .other("400") {
            done.region = true
            let signedWith = Confirmed(region: signedRegion, keys: keys)
            // Each of ten thousand objects may be refused for a reason of its own.
            guard shared.state.withLock({ $0.confirmed[bucket] }) != signedWith else {
                done.keys = true
                return false
            }
            if (try? await bucketLocation(bucket)) != nil, region(of: bucket) == signedRegion {
                confirm(signedWith, bucket)
            }
        } else {
            return false
        }
        return region(of: bucket) != signedRegion
    }

    private func confirm(_ confirmed: Confirmed, _ bucket: String) {
        shared.state.withLock { state in
            if state.confirmed.count >= Self.maximumRegions { state.confirmed.removeAll() }
            state.confirmed[bucket] = confirmed
        }
    }

    /// True if the service refused the keys, and there are others by now.
    private func hasOtherKeys(
        than keys: S3Credentials,
        after failure: S3Error,
        _ operation: Operation,
        _ done: inout Corrections
    ) async throws(S3Error) -> Bool {
        // The answer to HEAD has no body, and an expired token makes it 400.
        let mayBeRefusal = failure.code == .credentialsRefused || (operation.method == .head && failure.status == 400)
        guard mayBeRefusal, !done.keys else { return false }
        done.keys = true
        do {
            return try await connection.credentials.replacement(for: keys) != nil
        } catch {
            let failure = S3Error(error, of: operation)
            // Who is stopped while keys are looked for was stopped, and not refused.
            throw Task.isCancelled ? failure.cancelled : failure
        }
    }

    /// True if the answer said that region or clock are others than we took them for: then the same request, signed
    /// anew, is worth sending.
    private func correct(
        _ operation: Operation,
        _ response: HTTPResponse,
        signedFor signedRegion: String,
        _ done: inout Corrections
    ) -> Bool {
        guard [301, 307, 400, 403].contains(response.status) else { return false }
        let document = S3Answers.error(response.body)
        if !done.clock, let time = response.headers["date"].flatMap(S3Time.init(http:)), isSkew(document, at: time) {
            done.clock = true
            shared.state.withLock { $0.clockOffset = time.seconds - environment.now().seconds }
            return true
        }
        guard !done.region, let bucket = operation.bucket else { return false }
        let isRedirect =
            [301, 307].contains(response.status) || document?.code == "AuthorizationHeaderMalformed"
            || (operation.method == .head && response.headers["x-amz-bucket-region"] != nil)
        // Compared with what was signed, not with what is remembered: many requests may learn it at once.
        guard isRedirect, let region = Self.namedRegion(document, response), region != signedRegion,
            Self.isRegion(region)
        else { return false }
        done.region = true
        remember(region: region, of: bucket)
        return true
    }

    /// The region that an answer names: in its body, in a header, or by AWS's host where the bucket is.
    private static func namedRegion(_ document: ErrorDocument?, _ response: HTTPResponse) -> String? {
        if let region = document?.region ?? response.headers["x-amz-bucket-region"] { return region }
        guard let host = document?.host, AWSPartition.isHost(host) else { return nil }
        let labels = host.split(separator: ".")
        guard let service = labels.lastIndex(where: { $0 == "s3" || $0.hasPrefix("s3-") }) else { return nil }
        let next = labels[service] == "s3" ? labels[service + 1] : labels[service].dropFirst(3)
        return next == "dualstack" ? String(labels[service + 2]) : next == "amazonaws" ? nil : String(next)
    }

    /// The difference in seconds that every service bears.
    private static let harmlessSkew: Int64 = 300

    /// Whether it was our clock that was refused. HEAD has no body to say so, and `rclone serve` calls it AccessDenied.
    private func isSkew(_ document: ErrorDocument?, at time: S3Time) -> Bool {
        switch document?.code {
        case "RequestTimeTooSkewed": true
        case nil, "AccessDenied": abs(time.seconds - serviceTime.seconds) > Self.harmlessSkew
        default: false
        }
    }

    /// False for what would lead to another host, since a region is part of a host's name.
    private static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) || (48...57).contains($0) || $0 == 45
                    || $0 == 95
            }
    }

    func remember(region: String, of bucket: String) {
        shared.state.withLock { state in
            if state.regions.count >= Self.maximumRegions { state.regions.removeAll() }
            state.regions[bucket] = region
        }
    }

    private func region(of bucket: String?) -> String {
        let known = bucket.flatMap { bucket in shared.state.withLock { $0.regions[bucket] } }
        return connection.signingRegion(known ?? connection.region)
    }

    // MARK: Signing

    /// The request as it goes out now: every try is signed anew, with its own time.
    private func signed(_ operation: Operation, region: String, _ keys: S3Credentials) -> HTTPRequest {
        counts.withLock { $0.requests[operation.countedAs, default: 0] += 1 }
        let time = serviceTime.signingText
        let key = shared.state.withLock { $0.signingKeys.key(of: keys, day: String(time.prefix(8)), region: region) }
        let signer = SigV4(accessKeyID: keys.accessKeyID, region: region, signingKey: key)
        return operation.request(
            to: connection.address(bucket: operation.bucket, region: region),
            signer,
            sessionToken: keys.sessionToken,
            time: time
        )
    }
}

extension S3Error {
    /// There are no keys to send an operation with.
    init(_ error: CredentialsError, of operation: S3Client.Operation) {
        self.init(
            code: error.code == .unreachable ? .credentialsUnreachable : .credentialsRefused,
            operation: operation.name,
            bucket: operation.bucket,
            key: operation.key,
            message: error.code == .none ? "no credentials: \(error.message)" : "credentials: \(error.message)"
        )
    }

    /// An operation that got no answer.
    init(_ error: TransportError, of operation: S3Client.Operation) {
        self.init(
            code: .transport,
            operation: operation.name,
            bucket: operation.bucket,
            key: operation.key,
            message: error.message,
            transport: error
        )
    }

    /// The same operation, ended because its task was cancelled.
    var cancelled: S3Error {
        var error = self
        error.code = .transport
        error.transport = TransportError(code: .cancelled, message: "stopped on request")
        return error
    }
}
