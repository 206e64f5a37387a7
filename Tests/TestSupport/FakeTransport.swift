public import S3API
import Synchronization

/// A service that is a function: it sees each request and says what comes back.
public final class FakeTransport: HTTPTransport {
    /// What one request meets: its number, from 1, and the request itself.
    public typealias Service = @Sendable (_ number: Int, _ request: HTTPRequest) -> Result<HTTPResponse, TransportError>

    private let service: Service
    private let seen = Mutex<[HTTPRequest]>([])

    public init(_ service: @escaping Service) {
        self.service = service
    }

    /// All requests that came, in order.
    public var requests: [HTTPRequest] { seen.withLock { $0 } }

    public func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        if Task.isCancelled { throw TransportError(code: .cancelled, message: "stopped") }
        let number = seen.withLock { seen in
            seen.append(request)
            return seen.count
        }
        return try service(number, request).get()
    }
}

extension HTTPRequest {
    /// The value of a header that is given in lower case.
    public func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

extension Result where Success == HTTPResponse, Failure == TransportError {
    /// An answer.
    public static func answer(_ status: Int, _ body: String = "", headers: HTTPFields = [:]) -> Self {
        .success(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
    }

    /// An `<Error>` of S3's.
    public static func error(_ status: Int, _ code: String, more: String = "", headers: HTTPFields = [:]) -> Self {
        answer(status, "<Error><Code>\(code)</Code><Message>words</Message>\(more)</Error>", headers: headers)
    }

    /// No answer.
    public static func nothing(_ code: TransportError.Code) -> Self {
        .failure(TransportError(code: code, message: "no answer"))
    }
}
