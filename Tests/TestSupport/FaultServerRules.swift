/// What becomes of a request that a rule is for.
public enum Fault: Sendable {
    // Without an effect.

    /// This answer, when the request has come whole.
    case answer(FaultAnswer)
    /// An answer that is made when the request has come whole.
    case reply(@Sendable (FaultService) -> FaultAnswer)
    /// This answer as soon as the head has come; the body is never read.
    case refuseEarly(FaultAnswer)
    /// The connection is reset when the request has come whole.
    case reset
    /// Silence until the client closes.
    case stall

    // With its effect.

    /// It is done, and the connection reset instead of an answer.
    case resetAfterEffect
    /// It is done, and nothing is answered until the client closes.
    case stallAfterEffect
    /// Of the answer's body so many bytes come; then the connection ends.
    case truncate(after: Int)
    /// Of the answer's body so many bytes come; then nothing until the client closes.
    case stallWithin(after: Int)
    /// The answer's body goes on without an end, all white space and well-formed so far.
    case flood
    /// The answer's body comes in pieces of `bytes`, with a pause before each.
    case dribble(bytes: Int, pauseMilliseconds: Int)
    /// Status 200 at once, then `spaces` with a pause before each, then the body, whatever the status would have been.
    case keepAlive(spaces: Int, pauseMilliseconds: Int, KeepAlivePlace)
    /// The answer is changed before it is sent.
    case rewrite(@Sendable (inout FaultAnswer) -> Void)
    /// Something else happens first. It may change the store, move the clock, or wait.
    case before(@Sendable (FaultService) -> Void)
    /// Something else happens between the effect and its answer.
    case after(@Sendable (FaultService) -> Void)

    /// Where spaces that keep a connection alive stand in a document.
    public enum KeepAlivePlace: Sendable, CaseIterable {
        /// Behind the XML declaration, as AWS sends them.
        case afterDeclaration
        /// Before a document that has no declaration.
        case beforeRoot
        /// Before the declaration, which makes it no XML.
        case beforeDeclaration
    }
}

extension Fault {
    /// The answer of a service that has too much to do. `retryAfter` is in seconds.
    public static func slowDown(retryAfter: Int? = nil) -> Fault {
        .answer(.error(503, "SlowDown", headers: retryAfter.map { [("Retry-After", "\($0)")] } ?? []))
    }

    /// S3's error, without an effect.
    public static func error(_ status: Int, _ code: String) -> Fault { .answer(.error(status, code)) }

    /// A policy that does not allow the operation.
    public static var deny: Fault { .error(403, "AccessDenied") }

    /// 301 and 307 as AWS answers them for a bucket that lies in `region`.
    public static func redirect(_ status: Int, region: String) -> Fault {
        let code = status == 301 ? "PermanentRedirect" : "TemporaryRedirect"
        let headers = [("x-amz-bucket-region", region), ("Location", "http://127.0.0.1:1/elsewhere")]
        return .answer(.error(status, code, headers: headers, elements: [("Endpoint", "127.0.0.1:1")]))
    }

    /// An `<Error>` with status 200, and no effect.
    public static func errorInside200(_ code: String) -> Fault {
        var answer = FaultAnswer.error(200, code)
        answer.status = 200
        return .answer(answer)
    }

    /// The effect, and an answer whose XML is not what it should be.
    public static func hostile(_ kind: HostileXML) -> Fault {
        .rewrite { answer in
            if answer.isSuccess { answer.body = kind.spoiled(answer.body) }
        }
    }
}

/// Which of the requests that a rule matches are meant, counted from 1.
public struct FaultTurn: ExpressibleByIntegerLiteral, Sendable {
    var range: ClosedRange<Int>

    public init(integerLiteral value: Int) { range = value...value }

    private init(_ range: ClosedRange<Int>) { self.range = range }

    public static let every = FaultTurn(1...Int.max)

    /// The first `count` of them.
    public static func first(_ count: Int) -> FaultTurn { FaultTurn(1...count) }

    /// From one to another, both included.
    public static func from(_ range: ClosedRange<Int>) -> FaultTurn { FaultTurn(range) }
}

/// A fault, and the requests that it is for. Of several rules that are due for a request the first acts; all count it.
struct FaultRule: Sendable {
    /// Nil for any.
    var operation: FaultOperation?
    /// Nil for any.
    var key: [UInt8]?
    var turn: FaultTurn
    var matches: @Sendable (FaultRequest) -> Bool
    var fault: Fault
    /// Requests that matched so far.
    private(set) var seen = 0
    private(set) var fired = 0

    init(
        _ operation: FaultOperation?,
        key: [UInt8]?,
        turn: FaultTurn,
        matches: @escaping @Sendable (FaultRequest) -> Bool,
        fault: Fault
    ) {
        (self.operation, self.key, self.turn, self.matches, self.fault) = (operation, key, turn, matches, fault)
    }

    /// Counts the request if it matches. - Returns: whether the rule is due for it.
    mutating func count(_ request: FaultRequest) -> Bool {
        guard operation == nil || operation == request.operation, key == nil || key == request.key, matches(request)
        else { return false }
        seen += 1
        return turn.range.contains(seen)
    }

    mutating func fire() { fired += 1 }

    /// Whether all has happened that it asked for; a rule for every request must have acted once.
    var isDone: Bool { turn.range.upperBound == Int.max ? fired > 0 : fired == turn.range.count }

    /// For people: `UploadPart "k" 2...3: 1 of 2`.
    var description: String {
        let name = operation?.rawValue ?? "any request"
        let object = key.map { " \"\(String(decoding: $0, as: UTF8.self))\"" } ?? ""
        let turns = turn.range.upperBound == Int.max ? "every" : "\(turn.range)"
        return "\(name)\(object) \(turns): acted \(fired) times, saw \(seen)"
    }
}
