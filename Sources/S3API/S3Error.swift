/// A request to S3 that failed, after all retries.
public struct S3Error: Error, Sendable {
    /// What callers branch on: S3's own code where it sent one, else the status.
    public enum Code: Hashable, Sendable {
        case noSuchKey
        case noSuchBucket
        case noSuchUpload
        case accessDenied
        /// InvalidAccessKeyId, SignatureDoesNotMatch, ExpiredToken, InvalidToken and their like: the keys are no good, or
        /// there are none.
        case credentialsRefused
        /// Whoever lends the keys did not answer; later it may.
        case credentialsUnreachable
        /// 412.
        case preconditionFailed
        /// 409 ConditionalRequestConflict: another writer was at it; read again.
        case conflict
        /// 416.
        case invalidRange
        /// SlowDown, 429, 503.
        case slowDown
        case badDigest
        /// InvalidObjectState: archived.
        case invalidObjectState
        case keyTooLong
        case entityTooLarge
        /// EntityTooSmall, InvalidPart, InvalidPartOrder: an upload cannot be completed with these parts.
        case invalidPart
        case notImplemented
        /// InternalError and any other 5xx.
        case internalError
        /// No answer: see ``S3Error/transport``.
        case transport
        /// A 2xx whose body is not what S3 answers.
        case malformedAnswer
        /// Any other code, as the service spells it; the status in digits where there was none.
        case other(String)
    }

    public var code: Code
    /// The operation by S3's name: `PutObject`.
    public var operation: String
    public var bucket: String?
    public var key: ObjectKey?
    /// The HTTP status; nil where there was no answer.
    public var status: Int?
    /// The service's words.
    public var message: String
    public var requestID: String?
    /// Set with ``Code/transport``.
    public var transport: TransportError?

    public init(
        code: Code,
        operation: String,
        bucket: String? = nil,
        key: ObjectKey? = nil,
        status: Int? = nil,
        message: String,
        requestID: String? = nil,
        transport: TransportError? = nil
    ) {
        self.code = code
        self.operation = operation
        self.bucket = bucket
        self.key = key
        self.status = status
        self.message = message
        self.requestID = requestID
        self.transport = transport
    }
}
