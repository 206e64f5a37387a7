import Text

/// Keys, and where they were found.
public struct FoundCredentials: Hashable, Sendable {
    public var credentials: S3Credentials
    /// For the operator: `profile "backup"`, `instance role web`. It holds no secret.
    public var origin: String
    /// Files whose change may mean other keys, as they were before they were read.
    var files: [SeenFile]
}

/// A file in the state in which it was seen.
struct SeenFile: Hashable, Sendable {
    var path: String
    /// Nil where it was not there.
    var stamp: FileStamp?
}

/// Looks for keys where AWS's own tools look, beyond the environment's keys: a profile of the shared files, a token of
/// the machine's identity, the container's endpoint, the instance's. The first place that has any is the one.
///
/// - SeeAlso: AWS SDKs and Tools Reference Guide, "Standardized credential providers", as known in 2026-11.
public struct CredentialsChain: Sendable {
    private let profile: String?
    private let region: String
    private let host: any CredentialsHost

    /// `profile` is the only place to look, where one is named: here or by `AWS_PROFILE`. `region` is where roles are
    /// asked for.
    public init(profile: String?, region: String, host: any CredentialsHost) {
        self.profile = profile ?? host.variable("AWS_PROFILE")
        self.region = region
        self.host = host
    }

    private var nearby: NearbyEndpoints { NearbyEndpoints(host: host) }

    /// Whether there is a place to look at; nobody is asked for it.
    /// - Throws: what is wrong with the place.
    public func hasPlace() throws(CredentialsError) -> Bool { try place() != nil }

    /// The first place, and the profile that names it, empty where none does.
    private func place() throws(CredentialsError) -> (plan: ProfilePlan, owner: String)? {
        let files = ProfileFiles(host: host)
        let name = profile ?? "default"
        if let plan = try ProfileResolver(file: files.read()).plan(for: name) {
            return (plan, "profile \"\(printable(name))\"")
        }
        if let profile {
            let places = files.paths.isEmpty ? "HOME is not set" : files.paths.joined(separator: ", ")
            throw CredentialsError(
                .unusable,
                "profile \"\(printable(profile))\" is not there or has no keys (\(places))"
            )
        }
        if let identity = environmentIdentity() { return (.webIdentity(identity), "") }
        if try nearby.containerRequest() != nil { return (.container, "") }
        if try nearby.instanceEndpoint() != nil { return (.instance, "") }
        return nil
    }

    /// Looks, and asks whoever must be asked.
    /// - Throws: `.none` where no place has keys.
    public func find() async throws(CredentialsError) -> FoundCredentials {
        // Before they are read: what is replaced meanwhile has changed then.
        let files = ProfileFiles(host: host).paths.map { SeenFile(path: $0, stamp: host.stamp(of: $0)) }
        guard let (plan, owner) = try place() else { throw CredentialsError(.none, "no place has keys") }
        var found = try await fetch(plan, of: owner)
        if !owner.isEmpty { found.files = files }
        return found
    }

    private func environmentIdentity() -> WebIdentity? {
        guard let file = host.variable("AWS_WEB_IDENTITY_TOKEN_FILE"), let arn = host.variable("AWS_ROLE_ARN") else {
            return nil
        }
        let name = host.variable("AWS_ROLE_SESSION_NAME") ?? RoleRequest.standardSessionName
        return WebIdentity(role: RoleRequest(arn: arn, sessionName: name), tokenFile: file)
    }

    // MARK: Fetching

    /// `owner` is the profile that the plan belongs to; empty where it is none's.
    private func fetch(_ plan: ProfilePlan, of owner: String) async throws(CredentialsError) -> FoundCredentials {
        let suffix = owner.isEmpty ? "" : " (\(owner))"
        switch plan {
        case .keys(let keys): return FoundCredentials(credentials: keys, origin: owner, files: [])
        case .command(let command):
            let origin = "credential_process\(suffix)"
            let keys = try CredentialsAnswers.json(await host.output(of: command), of: origin)
            return FoundCredentials(credentials: keys, origin: origin, files: [])
        case .environment: return FoundCredentials(credentials: try environmentKeys(), origin: owner, files: [])
        case .container:
            guard let request = try nearby.containerRequest() else {
                throw CredentialsError(.unusable, "no container's endpoint is set in the environment\(suffix)")
            }
            let origin = "the container's endpoint\(suffix)"
            let body = try await near(origin).answer(request)
            return FoundCredentials(
                credentials: try CredentialsAnswers.json(body, of: origin),
                origin: origin,
                files: []
            )
        case .instance: return try await instanceKeys(suffix)
        case .webIdentity(let identity): return try await exchange(identity, suffix)
        case .role(let role, let source):
            let keys = try await fetch(source, of: owner)
            let origin = "role \(printable(role.arn))\(suffix)"
            let service = try tokenService()
            let body = try await far(origin).answer { service.assume(role, with: keys.credentials, at: $0) }
            let own = try CredentialsAnswers.token(body, of: origin)
            return FoundCredentials(credentials: own, origin: origin, files: keys.files)
        }
    }

    private func near(_ place: String) -> Lender { Lender(host: host, place: place, staysNear: true) }

    private func far(_ place: String) -> Lender { Lender(host: host, place: place, staysNear: false) }

    private func environmentKeys() throws(CredentialsError) -> S3Credentials {
        guard let id = host.variable("AWS_ACCESS_KEY_ID"), let secret = host.variable("AWS_SECRET_ACCESS_KEY") else {
            throw CredentialsError(.unusable, "credential_source is Environment, which has no AWS_ACCESS_KEY_ID")
        }
        return S3Credentials(
            accessKeyID: id,
            secretAccessKey: secret,
            sessionToken: host.variable("AWS_SESSION_TOKEN")
        )
    }

    private func tokenService() throws(CredentialsError) -> TokenService {
        try TokenService(override: host.variable("AWS_ENDPOINT_URL_STS"), region: region)
    }

    private func exchange(_ identity: WebIdentity, _ suffix: String) async throws(CredentialsError) -> FoundCredentials
    {
        let origin = "web identity for role \(printable(identity.role.arn))\(suffix)"
        guard let bytes = try host.contents(of: identity.tokenFile) else {
            throw CredentialsError(.unusable, "\(origin): there is no file \(printable(identity.tokenFile))")
        }
        let token = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        let request = try tokenService().assume(identity.role, token: token)
        let body = try await far(origin).answer(request)
        let keys = try CredentialsAnswers.token(body, of: origin)
        return FoundCredentials(credentials: keys, origin: origin, files: [])
    }

    private func instanceKeys(_ suffix: String) async throws(CredentialsError) -> FoundCredentials {
        guard let endpoint = try nearby.instanceEndpoint() else {
            throw CredentialsError(.unusable, "this machine is no instance of EC2\(suffix)")
        }
        let place = "the instance's metadata service\(suffix)"
        let token = text(try await near(place).answer(nearby.tokenRequest(endpoint)))
        let names = nearby.instanceRequest(endpoint, token: token)
        let role = text(try await near("\(place), asked for the instance's role,").answer(names))
        guard !role.isEmpty else { throw CredentialsError(.unusable, "\(place): the instance has no role") }
        let origin = "instance role \(printable(role))\(suffix)"
        let keys = nearby.instanceRequest(endpoint, token: token, role: role)
        let body = try await near(origin).answer(keys)
        return FoundCredentials(credentials: try CredentialsAnswers.json(body, of: origin), origin: origin, files: [])
    }

    /// The first line.
    private func text(_ body: [UInt8]) -> String {
        String(decoding: body, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}
