/// Requests to the endpoints that lend keys to a container or an instance from the machine beneath it.
///
/// - SeeAlso: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS credential provider", as
///   known in 2026-11.
struct NearbyEndpoints {
    let host: any CredentialsHost

    /// The endpoint of a container's keys, and what authorises to ask it; nil where the environment names none.
    func containerRequest() throws(CredentialsError) -> HTTPRequest? {
        let name: String
        let url: String
        if let path = host.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            (name, url) = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "http://169.254.170.2" + path)
        } else if let full = host.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            (name, url) = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", full)
        } else {
            return nil
        }
        guard let (endpoint, target) = Self.split(url) else {
            throw CredentialsError(.unusable, "\(name) is no http address with a path")
        }
        guard endpoint.isSecure || Self.isNearby(endpoint) else {
            throw CredentialsError(
                .unusable,
                "\(name): without TLS only addresses of this machine or container are asked"
            )
        }
        var headers = [(name: "host", value: endpoint.authority), (name: "accept", value: "application/json")]
        if let token = try authorization() { headers.append((name: "authorization", value: token)) }
        return Self.get(endpoint, target, headers)
    }

    /// Read anew each time: the file's token is replaced while we run.
    private func authorization() throws(CredentialsError) -> String? {
        guard let path = host.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
            return host.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        }
        guard let bytes = try host.contents(of: path) else {
            throw CredentialsError(.unusable, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: there is no \(path)")
        }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init)
    }

    // MARK: The instance

    private static let roles = "/latest/meta-data/iam/security-credentials/"

    /// Where an instance is asked; nil where this machine is none, or must not ask.
    func instanceEndpoint() throws(CredentialsError) -> S3Endpoint? {
        if host.variable("AWS_EC2_METADATA_DISABLED")?.lowercased() == "true" { return nil }
        let variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
        guard let text = host.variable(variable) ?? (host.isInstance ? "http://169.254.169.254" : nil) else {
            return nil
        }
        do throws(S3Endpoint.Invalid) {
            return try S3Endpoint(text)
        } catch {
            throw CredentialsError(.unusable, "\(variable): \(error.message)")
        }
    }

    /// Asks for the token that version 2 of the instance's service wants with every other request.
    func tokenRequest(_ endpoint: S3Endpoint) -> HTTPRequest {
        let lifetime = (name: "x-aws-ec2-metadata-token-ttl-seconds", value: "21600")
        return HTTPRequest(
            method: .put,
            origin: endpoint.text,
            target: "/latest/api/token",
            headers: [(name: "host", value: endpoint.authority), lifetime],
            body: .none,
            sink: .memory(limit: CredentialsLimits.answer)
        )
    }

    /// Asks for the name of the instance's role, or for the keys of `role`.
    func instanceRequest(_ endpoint: S3Endpoint, token: String, role: String = "") -> HTTPRequest {
        let name = PercentEncoding.encode(role.utf8, keepingSlash: false)
        let headers = [
            (name: "host", value: endpoint.authority), (name: "x-aws-ec2-metadata-token", value: token),
        ]
        return Self.get(endpoint, Self.roles + name, headers)
    }

    private static func get(
        _ endpoint: S3Endpoint,
        _ target: String,
        _ headers: [(name: String, value: String)]
    ) -> HTTPRequest {
        HTTPRequest(
            method: .get,
            origin: endpoint.text,
            target: target,
            headers: headers,
            body: .none,
            sink: .memory(limit: CredentialsLimits.answer)
        )
    }

    // MARK: Addresses

    /// Scheme, host and port, and what comes behind them; nil for anything else, or a target that is not printable.
    static func split(_ url: String) -> (endpoint: S3Endpoint, target: String)? {
        guard let colon = url.firstIndex(of: ":") else { return nil }
        let authority = url[colon...].dropFirst(3)
        let slash = authority.firstIndex(of: "/") ?? authority.endIndex
        let target = slash == authority.endIndex ? "/" : String(authority[slash...])
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else { return nil }
        do throws(S3Endpoint.Invalid) {
            return (try S3Endpoint(String(url[..<slash])), target)
        } catch {
            return nil
        }
    }

    /// Loopback, and the addresses that AWS gives to its agents for containers.
    static func isNearby(_ endpoint: S3Endpoint) -> Bool {
        var name = endpoint.authority
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("]") { name = String(name[..<colon]) }
        if ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(name) { return true }
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil)
    }
}
