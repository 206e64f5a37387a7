/// The body of a request. Its length is always known: S3 services refuse chunked uploads.
public enum RequestBody: Sendable {
    case none
    case bytes([UInt8])
    /// `length` bytes of an open file from `offset`, read with `pread`. The caller keeps the descriptor open until
    /// ``HTTPTransport/send(_:)`` has returned.
    case descriptor(CInt, offset: Int64, length: Int64)

    /// In bytes.
    public var length: Int64 {
        switch self {
        case .none: 0
        case .bytes(let bytes): Int64(bytes.count)
        case .descriptor(_, _, let length): length
        }
    }
}

/// Where the body of a successful answer goes. Bodies of other answers always go to memory, up to
/// ``HTTPLimits/errorBody``.
public enum ResponseSink: Sendable {
    /// Kept in memory; a body of more than `limit` bytes fails with ``TransportError/Code/bodyTooLarge``.
    case memory(limit: Int)
    /// Written with `pwrite` from `offset` on, its MD5 taken on the way. The caller keeps the descriptor open until
    /// ``HTTPTransport/send(_:)`` has returned.
    case descriptor(CInt, offset: Int64, limit: Int64)
    /// Hashed and dropped, for who wants to know what is there and not to keep it.
    case discard(limit: Int64)
}

/// What bounds every exchange.
public enum HTTPLimits {
    /// Bytes of an error's body that are read.
    public static let errorBody = 1 << 20
    /// Bytes of one page of a listing.
    public static let listBody = 32 << 20
    /// Bytes of all headers of an answer together.
    public static let headers = 100 << 10
}

/// A request that is ready to be sent: signed, every byte of path and query already percent-encoded.
public struct HTTPRequest: Sendable {
    /// The methods that S3 uses.
    public enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    public var method: Method
    /// `http` or `https`, host and port; no trailing `/`.
    public var origin: String
    /// From the first `/` to the end of the query, sent as it is: no normalisation, no decoding.
    public var target: String
    /// `host` among them; all but `Content-Length`, which the transport sets from the body.
    public var headers: [(name: String, value: String)]
    public var body: RequestBody
    public var sink: ResponseSink
    /// Seconds without a byte in either direction after which the exchange has failed; nil for the transport's own.
    public var stallTimeout: Int?
    /// Whether it goes out on a connection that was not kept from an earlier request. On a kept one that turns out to
    /// be dead, a request may be sent anew below us: it took effect twice, perhaps, and nobody learns of it.
    public var needsNewConnection = false

    public init(
        method: Method,
        origin: String,
        target: String,
        headers: [(name: String, value: String)],
        body: RequestBody,
        sink: ResponseSink,
        stallTimeout: Int? = nil
    ) {
        self.method = method
        self.origin = origin
        self.target = target
        self.headers = headers
        self.body = body
        self.sink = sink
        self.stallTimeout = stallTimeout
    }
}

/// An answer, whatever its status.
public struct HTTPResponse: Sendable {
    public var status: Int
    public var headers: HTTPFields
    /// Empty where the body went to a descriptor or was dropped.
    public var body: [UInt8]
    /// What was written to a descriptor or dropped; nil where the body went to memory.
    public var written: WrittenBody?
    /// Whether a connection was made for it: then it took longer than others will.
    public var isOnNewConnection = false

    public init(
        status: Int,
        headers: HTTPFields,
        body: [UInt8],
        written: WrittenBody? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.written = written
    }
}

/// A body that was written to a descriptor or dropped, as it came.
public struct WrittenBody: Hashable, Sendable {
    /// In bytes.
    public var count: Int64
    /// 16 bytes.
    public var md5: [UInt8]
    /// By the algorithm of the checksum that the answer's headers state; nil where they state none.
    public var checksum: Checksum?

    public init(count: Int64, md5: [UInt8], checksum: Checksum? = nil) {
        self.count = count
        self.md5 = md5
        self.checksum = checksum
    }
}

/// Sends one request and returns its answer: no retry, no redirect, no signing. The seam where tests enter.
public protocol HTTPTransport: Sendable {
    /// When this returns or throws, the transport no longer touches the request's descriptors or memory. Cancelling the
    /// task ends the exchange with ``TransportError/Code/cancelled``.
    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse
}

/// An exchange that brought no whole answer.
public struct TransportError: Error, Sendable {
    /// What callers branch on.
    public enum Code: Hashable, Sendable {
        /// The name did not resolve, or no connection could be made, TLS included.
        case unreachable
        /// The certificate was refused, or the certificates to trust cannot be read.
        case tls
        /// The connection ended or stalled after it stood; whether the request took effect is unknown.
        case interrupted
        /// The body was shorter than its `Content-Length`.
        case truncated
        /// The answer exceeds a bound of ``HTTPLimits`` or of its sink.
        case bodyTooLarge
        /// Not HTTP.
        case malformed
        /// `pread` of the request's body failed, or the file is shorter than was declared.
        case localRead(errno: CInt)
        /// `pwrite` of the answer's body failed.
        case localWrite(errno: CInt)
        case cancelled
    }

    public var code: Code
    /// libcurl's words, without credentials.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}
