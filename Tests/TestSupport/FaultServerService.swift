import S3API
import Synchronization

/// A request that came, and what became of it.
public struct FaultRecord: Sendable {
    /// Its body is left out.
    public var request: FaultRequest
    /// Bytes of the body that were read; the request did not come whole if this is less than its length.
    public var bodyCount = 0
    /// How many connections came before the one that it came on.
    public var connection: Int
    /// Whether it did what it asked for.
    public var tookEffect = false
    /// Of the answer; nil where none was sent, or none yet.
    public var status: Int?

    public var operation: FaultOperation { request.operation }
}

/// The service behind a ``FaultServer``: what it holds, its rules, its clock, and what it was asked.
public final class FaultService: Sendable {
    private struct State {
        var store: FaultStore
        var rules: [FaultRule] = []
        var records: [FaultRecord] = []
        /// Seconds that the clock is ahead.
        var clockOffset: Int64 = 0
    }

    private let state: Mutex<State>
    private let clock: @Sendable () -> Int64

    init(store: FaultStore, clock: @escaping @Sendable () -> Int64) {
        state = Mutex(State(store: store))
        self.clock = clock
    }

    // MARK: For tests

    /// Reads or changes what the service holds.
    @discardableResult
    public func withStore<Value>(_ body: (inout FaultStore) throws -> sending Value) rethrows -> sending Value {
        try state.withLock { try body(&$0.store) }
    }

    /// All requests so far, in the order in which their heads came.
    public var records: [FaultRecord] { state.withLock { $0.records } }

    /// Rules that have not done all that they ask for, in words; a test that expects none proves that its faults came.
    public var pendingRules: [String] { state.withLock { $0.rules.filter { !$0.isDone }.map(\.description) } }

    func add(_ rule: FaultRule) { state.withLock { $0.rules.append(rule) } }

    func removeRules() { state.withLock { $0.rules = [] } }

    /// The time by the service's clock, in seconds since 1970.
    public var now: Int64 { clock() + state.withLock { $0.clockOffset } }

    /// Sets the service's clock so many seconds ahead of the right time.
    public func setClock(ahead seconds: Int64) { state.withLock { $0.clockOffset = seconds } }

    // MARK: For connections

    /// Notes a request whose head has come. - Returns: its number.
    func note(_ request: FaultRequest, connection: Int) -> Int {
        state.withLock { state in
            state.records.append(FaultRecord(request: request, connection: connection))
            return state.records.count - 1
        }
    }

    func update(_ number: Int, _ change: (inout FaultRecord) -> Void) {
        state.withLock { change(&$0.records[number]) }
    }

    /// The fault that is due for a request, which all rules count.
    func fault(for request: FaultRequest) -> Fault? {
        state.withLock { state in
            var due: Int?
            for index in state.rules.indices where state.rules[index].count(request) { due = due ?? index }
            guard let due else { return nil }
            state.rules[due].fire()
            return state.rules[due].fault
        }
    }

    /// Does what the request asks for.
    func perform(_ request: FaultRequest, number: Int) -> FaultAnswer {
        let now = now
        return state.withLock { state in
            let answer = state.store.perform(request, now: now)
            state.records[number].tookEffect = answer.isSuccess
            return answer
        }
    }

    /// Seconds that a request's time may differ from the service's.
    private static let maximumSkew: Int64 = 15 * 60

    /// Why the head of a request is refused; nil if it is not.
    func refusal(ofHead request: FaultRequest) -> FaultAnswer? {
        let quirks = withStore { $0.quirks }
        let check = SignatureCheck(method: request.method, target: request.target, headers: request.headers, body: nil)
        let (id, secret) = (FaultServer.credentials.accessKeyID, FaultServer.credentials.secretAccessKey)
        if let objection = check.objection(accessKeyID: id, secret: secret) { return FaultAnswer(objection) }
        guard let time = request.header("x-amz-date").flatMap(FaultTime.signing) else {
            return .error(403, "AccessDenied", "x-amz-date is no time")
        }
        guard abs(time - now) <= Self.maximumSkew else { return .error(403, "RequestTimeTooSkewed") }
        guard request.header("x-amz-security-token") == quirks.sessionToken else {
            return .error(400, "InvalidToken")
        }
        if let region = quirks.region, check.region != region {
            let message = "the region is wrong; expecting '\(region)'"
            return .error(
                400,
                "AuthorizationHeaderMalformed",
                message,
                headers: [("x-amz-bucket-region", region)],
                elements: [("Region", region)]
            )
        }
        return refusal(ofTransferOf: request)
    }

    /// Bodies must have a length, and a hash: this service has no TLS.
    private func refusal(ofTransferOf request: FaultRequest) -> FaultAnswer? {
        guard request.header("transfer-encoding") == nil else {
            return .error(501, "NotImplemented", "chunked bodies are not taken")
        }
        let hasBody = ["PUT", "POST"].contains(request.method)
        guard !hasBody || request.header("content-length") != nil else { return .error(411, "MissingContentLength") }
        let hash = request.header("x-amz-content-sha256") ?? ""
        guard hash.utf8.count == 64 else {
            return .error(400, "InvalidRequest", "x-amz-content-sha256 is \(hash), which only TLS allows")
        }
        return nil
    }

    /// Why a request that has come whole is refused; nil if it is not.
    func refusal(ofBody request: FaultRequest) -> FaultAnswer? {
        let check = SignatureCheck(
            method: request.method,
            target: request.target,
            headers: request.headers,
            body: request.body
        )
        guard let objection = check.bodyObjection() else { return nil }
        if request.operation == .uploadPart { withStore { $0.partArrivedDamaged(request) } }
        return FaultAnswer(objection)
    }
}
