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

    /// What clients that count for themselves have in common.
    private final class Shared: Sendable {
        let state = Mutex(State())
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
        var signingKeys: [String: [UInt8]] = [:]
    }

    /// Regions and signing keys that are kept; beyond, all are forgotten and made anew.
    private static let maximumCached = 1_000

    public init(
        connection: S3Connection,
        transport: any HTTPTransport,
        environment: S3Environment,
        policy: RetryPolicy = RetryPolicy()
    ) {
        self.connection = connection
        self.transport = transport
        self.environment = environment
        self.policy = policy
        shared = Shared()
    }

    private init(sharing other: S3Client) {
        connection = other.connection
        transport = other.transport
        environment = other.environment
        policy = other.policy
        shared = other.shared
    }

    /// A client with counts of its own, that shares all else with this one: connections, the budget for retries, and what
    /// the service corrected.
    public func counting() -> S3Client { S3Client(sharing: self) }

    /// Requests sent so far by class: LIST, GET, HEAD, PUT, DELETE, POST; each try counts.
    public var requestCounts: [String: Int64] { counts.withLock(\.requests) }

    /// Tries after the first of each request.
    public var retryCount: Int64 { counts.withLock(\.retries) }

    /// One operation, before it is signed.
    struct Operation: Sendable {
        /// By S3's name: `PutObject`.
        var name: String
        var method: HTTPRequest.Method
        var bucket: String?
        var key: ObjectKey?
        /// Unencoded names; values as bytes.
        var query: [(name: String, value: [UInt8])] = []
        var headers: [(name: String, value: String)] = []
        var body: RequestBody = .none
        /// Lower-case hexadecimal; nil where the body is not hashed, which only TLS allows.
        var bodySHA256: String?
        var sink: ResponseSink = .memory(limit: HTTPLimits.errorBody)
        /// Seconds without a byte after which there is no hope; nil for the transport's own.
        var stallTimeout: Int?
        /// Whether it must be known how often it was sent.
        var needsNewConnection = false

        /// The class that it is counted in.
        var countedAs: String { name.hasPrefix("List") ? "LIST" : method.rawValue }
    }

    /// Whether bodies must be hashed with SHA-256: without TLS nothing else protects them.
    var signsBodies: Bool { !(connection.endpoint?.isSecure ?? true) }

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
            do throws(TransportError) {
                let response = try await transport.send(signed(operation, region: region))
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
                failure = S3Error(
                    code: .transport,
                    operation: operation.name,
                    bucket: operation.bucket,
                    key: operation.key,
                    message: error.message,
                    transport: error
                )
            }
            lastRetry = try await pause(after: attempt, failure, retryAfter)
        }
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
            try await environment.sleep(.seconds(delay))
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

    // MARK: Corrections by the service

    /// What a service may correct, each once for a request.
    private struct Corrections {
        var region = false
        var clock = false
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
        guard isRedirect, let region = document?.region ?? response.headers["x-amz-bucket-region"],
            region != signedRegion, Self.isRegion(region)
        else { return false }
        done.region = true
        remember(region: region, of: bucket)
        return true
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
            if state.regions.count >= Self.maximumCached { state.regions.removeAll() }
            state.regions[bucket] = region
        }
    }

    private func region(of bucket: String?) -> String {
        guard let bucket else { return connection.region }
        return shared.state.withLock { $0.regions[bucket] } ?? connection.region
    }

    // MARK: Signing

    /// The request as it goes out now: every try is signed anew, with its own time.
    private func signed(_ operation: Operation, region: String) -> HTTPRequest {
        let address = connection.address(bucket: operation.bucket, region: region)
        var path = address.path
        if let key = operation.key {
            path += (path.hasSuffix("/") ? "" : "/") + PercentEncoding.encode(key.bytes, keepingSlash: true)
        }
        if path.isEmpty { path = "/" }
        let query = operation.query.map {
            (
                name: PercentEncoding.encode($0.name.utf8, keepingSlash: false),
                value: PercentEncoding.encode($0.value, keepingSlash: false)
            )
        }
        counts.withLock { $0.requests[operation.countedAs, default: 0] += 1 }
        let time = serviceTime.signingText
        let hash = operation.bodySHA256 ?? (operation.body.length == 0 ? Self.emptySHA256 : "UNSIGNED-PAYLOAD")
        var headers = operation.headers
        headers.append(("host", address.authority))
        headers.append(("x-amz-content-sha256", hash))
        headers.append(("x-amz-date", time))
        if let token = connection.credentials.sessionToken { headers.append(("x-amz-security-token", token)) }
        let signer = SigV4(
            accessKeyID: connection.credentials.accessKeyID,
            region: region,
            signingKey: signingKey(day: String(time.prefix(8)), region: region)
        )
        let authorization = signer.authorization(
            SigV4.Request(
                method: operation.method.rawValue,
                path: path,
                query: query,
                headers: headers,
                payloadHash: hash
            ),
            time: time
        )
        headers.append(("Authorization", authorization))
        let suffix = query.isEmpty ? "" : "?" + SigV4.canonicalQuery(query)
        var request = HTTPRequest(
            method: operation.method,
            origin: address.origin,
            target: path + suffix,
            headers: headers,
            body: operation.body,
            sink: operation.sink,
            stallTimeout: operation.stallTimeout
        )
        request.needsNewConnection = operation.needsNewConnection
        return request
    }

    static let emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// Four HMACs that are the same all day.
    private func signingKey(day: String, region: String) -> [UInt8] {
        let name = "\(day)/\(region)"
        if let key = shared.state.withLock({ $0.signingKeys[name] }) { return key }
        let key = SigV4.signingKey(secret: connection.credentials.secretAccessKey, day: day, region: region)
        shared.state.withLock { state in
            if state.signingKeys.count >= Self.maximumCached { state.signingKeys.removeAll() }
            state.signingKeys[name] = key
        }
        return key
    }
}

extension S3Error {
    /// The same operation, ended because its task was cancelled.
    var cancelled: S3Error {
        var error = self
        error.code = .transport
        error.transport = TransportError(code: .cancelled, message: "stopped on request")
        return error
    }
}
