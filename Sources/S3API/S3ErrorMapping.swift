import Text

extension S3Error {
    /// The error that an answer makes: S3's own code where the body holds one, else the status.
    init(_ response: HTTPResponse, operation: String, bucket: String?, key: ObjectKey?) {
        let document = S3Answers.error(response.body)
        let name = document?.code ?? ""
        self.init(
            code: name.isEmpty ? Code(status: response.status, key: key) : Code(name: name, status: response.status),
            operation: operation,
            bucket: bucket,
            key: key,
            status: response.status,
            message: name.isEmpty ? "" : (document?.message).map { $0.isEmpty ? name : "\(name): \($0)" } ?? name,
            requestID: response.headers["x-amz-request-id"] ?? document?.requestID
        )
    }
}

extension S3Error.Code {
    /// The code that S3 names, whatever the status.
    init(name: String, status: Int) {
        switch name {
        case "NoSuchKey": self = .noSuchKey
        case "NoSuchBucket": self = .noSuchBucket
        case "NoSuchUpload": self = .noSuchUpload
        case "AccessDenied", "AllAccessDisabled", "AccountProblem": self = .accessDenied
        case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired",
            "InvalidClientTokenId", "NotSignedUp":
            self = .credentialsRefused
        case "PreconditionFailed": self = .preconditionFailed
        case "ConditionalRequestConflict": self = .conflict
        case "InvalidRange": self = .invalidRange
        case "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyRequests",
            "RequestLimitExceeded":
            self = .slowDown
        case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
            self = .badDigest
        case "InvalidObjectState": self = .invalidObjectState
        case "KeyTooLongError", "KeyTooLong", "InvalidObjectName": self = .keyTooLong
        case "EntityTooLarge": self = .entityTooLarge
        case "EntityTooSmall", "InvalidPart", "InvalidPartOrder": self = .invalidPart
        case "NotImplemented": self = .notImplemented
        case "InternalError": self = .internalError
        default: self = Self.named(name, status: status)
        }
    }

    /// A code that is not known here, with a status that says enough.
    private static func named(_ name: String, status: Int) -> Self {
        switch status {
        // R2 says "Unauthorized" of keys that it does not take (its documents, read 2026-11-28).
        case 401: .credentialsRefused
        case 408: .other("RequestTimeout")
        case 412: .preconditionFailed
        case 416: .invalidRange
        case 429, 503: .slowDown
        case 501: .notImplemented
        case 500...599: .internalError
        default: .other(name)
        }
    }

    /// What a status means that comes without a code: to HEAD, or from something in between.
    init(status: Int, key: ObjectKey?) {
        switch status {
        case 401: self = .credentialsRefused
        case 403: self = .accessDenied
        case 404: self = key == nil ? .noSuchBucket : .noSuchKey
        case 409: self = .conflict
        case 412: self = .preconditionFailed
        case 416: self = .invalidRange
        case 429, 503: self = .slowDown
        case 501: self = .notImplemented
        case 500...599: self = .internalError
        default: self = .other(String(status))
        }
    }
}

extension S3Error: CustomStringConvertible {
    /// One sentence for the operator, without any secret; control characters are escaped, so that neither a key nor a
    /// service's words can write to somebody's terminal.
    public var description: String {
        var subject = bucket.map { "bucket \"\($0)\"" } ?? "the service"
        if let key { subject += " key \"\(key)\"" }
        if let transport {
            return printable("\(subject): \(operation) got no answer: \(transport.message)")
        }
        // What was never sent says itself what is wrong.
        guard status != nil || code != .credentialsRefused && code != .credentialsUnreachable else {
            return printable(message)
        }
        var text = "\(subject) answered \(status.map(String.init) ?? "nothing") to \(operation)"
        if !message.isEmpty { text += ": \(message)" }
        if let requestID { text += " (request \(requestID))" }
        return printable(text)
    }
}
