/// AWS's shared files on this machine.
public struct ProfileFiles: Sendable {
    private let host: any CredentialsHost

    public init(host: any CredentialsHost) {
        self.host = host
    }

    private var configPath: String? { path("AWS_CONFIG_FILE", standard: "config") }
    private var credentialsPath: String? { path("AWS_SHARED_CREDENTIALS_FILE", standard: "credentials") }

    /// Where they are, whether or not they are there.
    public var paths: [String] { [configPath, credentialsPath].compactMap { $0 } }

    private func path(_ variable: String, standard: String) -> String? {
        let home = host.variable("HOME")
        guard let named = host.variable(variable) else { return home.map { "\($0)/.aws/\(standard)" } }
        guard named.hasPrefix("~/"), let home else { return named }
        return home + named.dropFirst()
    }

    func read() throws(CredentialsError) -> ProfileFile {
        ProfileFile(
            config: ProfileFile(try contents(configPath, namedBy: "AWS_CONFIG_FILE"), kind: .config),
            credentials: ProfileFile(
                try contents(credentialsPath, namedBy: "AWS_SHARED_CREDENTIALS_FILE"),
                kind: .credentials
            )
        )
    }

    /// A file in its usual place that cannot be read is another user's: `HOME` stays as it was when somebody becomes a
    /// service's user. One that is named is wanted.
    private func contents(_ path: String?, namedBy variable: String) throws(CredentialsError) -> [UInt8] {
        guard let path else { return [] }
        do {
            return try host.contents(of: path) ?? []
        } catch {
            guard host.variable(variable) == nil else { throw error }
            return []
        }
    }

    /// A setting of a profile that is not about keys, such as `region` or `endpoint_url`; nil where there is none.
    public func setting(_ name: String, of profile: String) throws(CredentialsError) -> String? {
        try read().profiles[profile]?[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
