public import S3API
import Synchronization

/// Answers requests from a script or by a rule, and keeps what was asked.
public final class FakeTransport: HTTPTransport {
    /// What a request meets.
    public enum Answer: Sendable {
        case response(HTTPResponse)
        case failure(TransportError.Code)
        /// No answer until the task is cancelled; the gate opens when the request has come.
        case silence(Gate)

        /// An answer whose body is in memory.
        public static func status(_ status: Int, _ headers: HTTPFields = [:], _ body: String = "") -> Answer {
            .response(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
        }

        /// The `<Error>` document that S3 sends with `status`.
        public static func error(_ status: Int, _ code: String, _ headers: HTTPFields = [:]) -> Answer {
            .status(status, headers, "<Error><Code>\(code)</Code><Message>words</Message></Error>")
        }
    }

    private let rule: @Sendable (HTTPRequest, Int) -> Answer
    private let asked = Mutex<[HTTPRequest]>([])

    /// Requests beyond the script fail for good.
    public convenience init(_ script: [Answer]) {
        self.init { _, number in number < script.count ? script[number] : .failure(.tls) }
    }

    /// `rule` is given each request and how many came before it.
    public init(rule: @escaping @Sendable (HTTPRequest, Int) -> Answer) {
        self.rule = rule
    }

    /// All requests so far, in the order in which they came.
    public var requests: [HTTPRequest] { asked.withLock { $0 } }

    public func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let number = asked.withLock { asked in
            asked.append(request)
            return asked.count - 1
        }
        switch rule(request, number) {
        case .response(let response):
            return response
        case .failure(let code):
            throw TransportError(code: code, message: "a failure of the script")
        case .silence(let gate):
            gate.open()
            // Ends only by cancellation.
            try? await Task.sleep(for: .seconds(86_400))
            throw TransportError(code: .cancelled, message: "stopped on request")
        }
    }
}

/// A clock that only sleeping moves, and chance by rote.
public final class FakeS3World: Sendable {
    private let state: Mutex<State>
    private let chance: Double

    private struct State {
        var now: S3Time
        var sleeps: [Duration] = []
        var clockReads = 0
    }

    /// `chance` is drawn each time; `now` is 2013-05-24, a Friday, 00:00 UTC unless said otherwise.
    public init(now: S3Time = S3Time(seconds: 1_369_353_600), chance: Double = 0.5) {
        state = Mutex(State(now: now))
        self.chance = chance
    }

    /// How long was slept, each time.
    public var sleeps: [Duration] { state.withLock { $0.sleeps } }

    /// How often the time was asked for: where a test waits for somebody to come by.
    public var clockReads: Int { state.withLock { $0.clockReads } }

    /// The time, in seconds since 1970.
    public var seconds: Int64 { state.withLock { $0.now.seconds } }

    public func advance(seconds: Int64) { state.withLock { $0.now.seconds += seconds } }

    /// To be given to a client. It keeps this world.
    public var environment: S3Environment {
        S3Environment(
            now: {
                self.state.withLock { state in
                    state.clockReads += 1
                    return state.now
                }
            },
            sleep: { duration in
                try Task.checkCancellation()
                self.state.withLock { state in
                    state.sleeps.append(duration)
                    state.now.seconds += duration.components.seconds
                }
            },
            chance: { self.chance }
        )
    }
}
