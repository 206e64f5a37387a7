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

    /// Whether what is sent stays on this machine.
    public var isLoopback: Bool {
        let host = Self.split(authority[...]).name
        let isAddress = host.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
        return host == "localhost" || host == "[::1]" || (isAddress && host.hasPrefix("127."))
    }

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

/// How a bucket's name goes into a URL.
public enum S3Addressing: String, Hashable, Sendable, CaseIterable {
    /// `https://host/bucket/key`
    case path
    /// `https://bucket.host/key`, but for buckets whose name no certificate covers, or that goes into no host name.
    case virtual
}

/// Where requests go and with which keys.
public struct S3Connection: Sendable {
    public var credentials: any CredentialsProvider
    /// `auto` where a service or a bucket's own answer is to say it.
    public var region: String
    /// Nil is AWS.
    public var endpoint: S3Endpoint?
    /// Nil for the usual: path style with an endpoint, virtual-hosted style at AWS.
    public var addressing: S3Addressing?
    /// Whether AWS is reached by its hosts that have IPv6 addresses as well. An endpoint of one's own has what it has.
    public var isDualStack: Bool
    /// Whether bodies are signed over TLS as well, which some services ask for.
    public var signsBodies = false

    public init(
        credentials: any CredentialsProvider,
        region: String = "us-east-1",
        endpoint: S3Endpoint? = nil,
        addressing: S3Addressing? = nil,
        isDualStack: Bool = false
    ) {
        self.credentials = credentials
        self.region = region
        self.endpoint = endpoint
        self.addressing = addressing
        self.isDualStack = isDualStack
    }

    /// Where a request goes: scheme and authority, and the path before the key, percent-encoded.
    struct Address: Hashable, Sendable {
        var origin: String
        var authority: String
        var path: String
        var isSecure: Bool
    }

    /// Where requests for a bucket go that is taken to lie in `region`; nil for those that name none.
    func address(bucket: String?, region: String) -> Address {
        let host = endpoint?.authority ?? awsHost(region: region)
        let scheme = endpoint.map { $0.isSecure ? "https://" : "http://" } ?? "https://"
        let isSecure = endpoint?.isSecure ?? true
        guard let bucket else {
            return Address(origin: scheme + host, authority: host, path: "/", isSecure: isSecure)
        }
        switch addressing ?? (endpoint == nil ? .virtual : .path) {
        case .virtual where Self.isHostLabel(bucket):
            let own = "\(bucket).\(host)"
            return Address(origin: scheme + own, authority: own, path: "", isSecure: isSecure)
        case .path, .virtual:
            let path = "/" + PercentEncoding.encode(bucket.utf8, keepingSlash: false)
            return Address(origin: scheme + host, authority: host, path: path, isSecure: isSecure)
        }
    }

    /// - SeeAlso: AWS General Reference, "Amazon S3 endpoints and quotas", as known in 2026-11.
    private func awsHost(region: String) -> String {
        let name = region == Self.unknownRegion ? Self.firstRegion : region
        let service = isDualStack ? "s3.dualstack" : "s3"
        return "\(service).\(name).\(AWSPartition.of(region: name).hostSuffix)"
    }

    /// What stands for a region that is not known, and the one that AWS is asked in then: it names the right one.
    static let unknownRegion = "auto"
    static let firstRegion = "us-east-1"

    /// What requests are signed for. Services beside AWS may take `auto` itself for a region.
    func signingRegion(_ region: String) -> String {
        endpoint == nil && region == Self.unknownRegion ? Self.firstRegion : region
    }

    /// True if `name` can stand in a host name, and a certificate for all names beneath a host covers it: lower-case
    /// letters, digits and hyphens, without dots.
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
    /// The time since some fixed moment, by a clock that is never set: for how long requests take.
    public var uptime: @Sendable () -> Duration

    public init(
        now: @escaping @Sendable () -> S3Time,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        chance: @escaping @Sendable () -> Double,
        uptime: @escaping @Sendable () -> Duration = S3Environment.systemUptime
    ) {
        self.now = now
        self.sleep = sleep
        self.chance = chance
        self.uptime = uptime
    }
}
