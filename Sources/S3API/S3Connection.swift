/// The keys that requests are signed with. Nothing that describes a value of this type shows its secrets.
public struct S3Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var accessKeyID: String
    public var secretAccessKey: String
    /// Of temporary credentials.
    public var sessionToken: String?

    public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    /// The access key id but for its middle: `AKIA…WXYZ`.
    public var description: String {
        accessKeyID.count > 8 ? "key \(accessKeyID.prefix(4))…\(accessKeyID.suffix(4))" : "key …"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A service that speaks S3: scheme, host and port.
public struct S3Endpoint: Hashable, Sendable {
    public var isSecure: Bool
    /// With the port where it is not the scheme's own; an IPv6 address in brackets.
    public var authority: String

    /// Why a text is no endpoint; the sentence says what is wrong with it.
    public struct Invalid: Error, Hashable, Sendable {
        public var message: String
    }

    /// `text` is `https://host` or `http://host:port`, nothing behind it.
    public init(_ text: String) throws(Invalid) {
        let rest: Substring
        if text.lowercased().hasPrefix("https://") {
            (isSecure, rest) = (true, text.dropFirst(8))
        } else if text.lowercased().hasPrefix("http://") {
            (isSecure, rest) = (false, text.dropFirst(7))
        } else {
            throw Invalid(message: "an endpoint begins with https:// or http://")
        }
        let host = rest.hasSuffix("/") ? rest.dropLast() : rest
        if host.contains("@") { throw Invalid(message: "an endpoint holds no user or password") }
        if host.contains(where: { "/?#".contains($0) }) { throw Invalid(message: "an endpoint has no path or query") }
        let (name, port) = Self.split(host)
        guard Self.isHost(name) else {
            throw Invalid(message: "an endpoint is a host name or address, with a port or without")
        }
        guard let port else {
            authority = name.lowercased()
            return
        }
        guard port.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(port), (1...65_535).contains(number)
        else {
            throw Invalid(message: "an endpoint's port is 1 to 65535")
        }
        authority = name.lowercased() + (number == (isSecure ? 443 : 80) ? "" : ":\(number)")
    }

    /// The endpoint in one spelling: `https://host:port`, lower case, no final `/`, no port that is the scheme's own.
    public var text: String { (isSecure ? "https://" : "http://") + authority }

    /// Name and port, divided at the last colon that is not in brackets.
    private static func split(_ host: Substring) -> (name: Substring, port: Substring?) {
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return (host, nil) }
        return (host[..<colon], host[host.index(after: colon)...])
    }

    /// True for letters, digits, `.`, `-` and `_`, or an IPv6 address in brackets.
    private static func isHost(_ name: Substring) -> Bool {
        if name.hasPrefix("["), name.hasSuffix("]") {
            let address = name.dropFirst().dropLast()
            return address.contains(":") && address.utf8.allSatisfy { isHexDigit($0) || $0 == 58 || $0 == 46 }
        }
        return !name.isEmpty
            && name.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 || $0 == 95 }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}

/// Where requests go and with which keys.
public struct S3Connection: Sendable {
    public var credentials: S3Credentials
    public var region: String
    /// Nil is AWS.
    public var endpoint: S3Endpoint?

    public init(credentials: S3Credentials, region: String = "us-east-1", endpoint: S3Endpoint? = nil) {
        self.credentials = credentials
        self.region = region
        self.endpoint = endpoint
    }

    /// Where a request goes: scheme and authority, and the path before the key, percent-encoded.
    struct Address: Hashable, Sendable {
        var origin: String
        var authority: String
        var path: String
        var isSecure: Bool
    }

    /// Path style with an endpoint; without, AWS's virtual-hosted style, but for names that no certificate covers.
    func address(bucket: String?, region: String) -> Address {
        if let endpoint {
            let path = bucket.map { "/" + PercentEncoding.encode($0.utf8, keepingSlash: false) } ?? "/"
            return Address(
                origin: endpoint.text,
                authority: endpoint.authority,
                path: path,
                isSecure: endpoint.isSecure
            )
        }
        let host = "s3.\(region).amazonaws.com"
        guard let bucket else { return Address(origin: "https://\(host)", authority: host, path: "/", isSecure: true) }
        if bucket.contains(".") || !Self.isHostLabel(bucket) {
            let path = "/" + PercentEncoding.encode(bucket.utf8, keepingSlash: false)
            return Address(origin: "https://\(host)", authority: host, path: path, isSecure: true)
        }
        let own = "\(bucket).\(host)"
        return Address(origin: "https://\(own)", authority: own, path: "", isSecure: true)
    }

    /// True if `name` can stand in a host name: lower-case letters, digits and hyphens.
    private static func isHostLabel(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 63
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (48...57).contains($0) || $0 == 45
            }
    }
}

/// What a client takes from the world beside the network.
public struct S3Environment: Sendable {
    /// The wall clock, which signatures carry.
    public var now: @Sendable () -> S3Time
    public var sleep: @Sendable (Duration) async throws -> Void
    /// In 0..<1, for the jitter of retries.
    public var chance: @Sendable () -> Double

    public init(
        now: @escaping @Sendable () -> S3Time,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        chance: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.chance = chance
    }
}
