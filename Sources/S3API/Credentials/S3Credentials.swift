/// The keys that requests are signed with. Nothing that describes a value of this type shows its secrets.
public struct S3Credentials: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    public var accessKeyID: String
    public var secretAccessKey: String
    /// Of temporary credentials.
    public var sessionToken: String?
    /// When the service will refuse them; nil for keys that last.
    public var expiration: S3Time?

    public init(
        accessKeyID: String,
        secretAccessKey: String,
        sessionToken: String? = nil,
        expiration: S3Time? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }

    /// The access key id but for its middle: `AKIA…WXYZ`.
    public var description: String {
        accessKeyID.count > 8 ? "key \(accessKeyID.prefix(4))…\(accessKeyID.suffix(4))" : "key …"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Gives a client the keys that it signs with. A client asks before every request.
public protocol CredentialsProvider: Sendable {
    /// The keys that are good now, fetched anew where those at hand are about to expire.
    func current() async throws(CredentialsError) -> S3Credentials

    /// Keys in place of `refused`, which a service did not take; nil where there are no others.
    func replacement(for refused: S3Credentials) async throws(CredentialsError) -> S3Credentials?
}

/// Keys that are what they are.
extension S3Credentials: CredentialsProvider {
    public func current() -> S3Credentials { self }

    public func replacement(for refused: S3Credentials) -> S3Credentials? { nil }
}

/// Why there are no keys to sign with. It holds no secret.
public struct CredentialsError: Error, Hashable, Sendable {
    /// What callers branch on.
    public enum Code: Hashable, Sendable {
        /// No place where keys can come from has any.
        case none
        /// A place that should have them says something wrong, or refuses.
        case unusable
        /// It did not answer; later it may.
        case unreachable
    }

    public var code: Code
    /// One sentence: which place, and what is wrong with it.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
