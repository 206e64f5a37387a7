import S3API
import SyncEngine
import Text

/// Reads `connection` and `connections`, filled in from the environment, the service manager's credentials and AWS's
/// shared files where they say nothing.
struct ConnectionReader {
    /// More connections than this are refused.
    static let maximumConnections = 100

    private static let keys = [
        "accessKeyId", "secretAccessKey", "sessionToken", "profile", "region", "endpoint", "addressing", "dualStack",
        "caFile", "provider", "capabilities",
    ]

    private(set) var fields: ConfigurationFields
    private let environment: ProcessEnvironment
    private let host: any CredentialsHost

    init(fields: ConfigurationFields, environment: ProcessEnvironment) {
        self.fields = fields
        self.environment = environment
        host = SystemCredentialsHost(environment)
    }

    /// The one called `connection`, as if it were empty where it is missing. Nil where a fault was noted.
    mutating func readConnection(_ value: JSONValue?) -> Connection? {
        read(value ?? .object([]), name: nil, at: "connection")
    }

    /// Those of `connections`.
    mutating func readNamed(_ value: JSONValue?) -> [Connection] {
        guard let value else { return [] }
        guard let members = value.members else {
            fields.fault("connections", "must be an object of connections by name, is \(value.kind)")
            return []
        }
        if members.count > Self.maximumConnections {
            let count = members.count
            fields.fault("connections", "has \(count) connections, at most \(Self.maximumConnections) are allowed")
            return []
        }
        var connections: [Connection] = []
        for member in members {
            let path = "connections.\(printable(member.key))"
            guard Self.isName(member.key) else {
                fields.fault(path, "is no name: write letters, digits, \".\", \"-\" and \"_\", at most 64")
                continue
            }
            if let connection = read(member.value, name: member.key, at: path) { connections.append(connection) }
        }
        return connections
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { isLetterOrDigit($0) || [45, 46, 95].contains($0) }
    }

    private mutating func read(_ value: JSONValue, name: String?, at path: String) -> Connection? {
        guard let section = fields.section(value, at: path, known: Self.keys) else { return nil }
        let credentials = credentials(section)
        let caFile = fields.setText("caFile", in: section)
        if let caFile, !caFile.hasPrefix("/") {
            let message = "\"\(printable(caFile))\" is not absolute: write it from \"/\" on"
            fields.fault(section.keyPath("caFile"), message)
        }
        let profile = fields.setText("profile", in: section)
        let settings = credentials == nil ? profileSettings(profile, section) : ProfileSettings()
        let endpoint = endpoint(section, settings)
        let isDualStack = fields.flag("dualStack", in: section, default: false)
        if isDualStack, endpoint != nil {
            fields.fault(section.keyPath("dualStack"), "is about AWS's own hosts: remove it, or the endpoint")
        }
        let provider = provider(section, endpoint)
        return Connection(
            name: name,
            credentials: credentials,
            profile: profile,
            region: region(section, settings, provider),
            endpoint: endpoint,
            addressing: addressing(section),
            isDualStack: isDualStack,
            caFile: caFile,
            provider: provider,
            statedCapabilities: capabilities(section)
        )
    }

    private mutating func provider(_ section: ConfigurationSection, _ endpoint: S3Endpoint?) -> Provider {
        let name = fields.word("provider", of: Provider.all.map(\.name), in: section)
        return Provider.find(named: name, endpoint: endpoint)
    }

    /// An object of features, each true or false.
    private mutating func capabilities(_ section: ConfigurationSection) -> Capabilities {
        var capabilities = Capabilities()
        let features = Capabilities.Feature.allCases
        guard let value = section.value["capabilities"],
            let inner = fields.section(
                value,
                at: section.keyPath("capabilities"),
                known: features.map(\.rawValue)
            )
        else { return capabilities }
        for feature in features where value[feature.rawValue] != nil {
            let isThere = fields.flag(feature.rawValue, in: inner, default: false)
            capabilities[feature] = isThere ? .yes : .no
        }
        return capabilities
    }

    private mutating func region(
        _ section: ConfigurationSection,
        _ settings: ProfileSettings,
        _ provider: Provider
    ) -> String {
        let region =
            fields.setText("region", in: section) ?? environment.region ?? settings.region ?? provider.region
            ?? "us-east-1"
        if !region.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }) {
            let message = "\"\(printable(region))\" is no region: letters, digits and hyphens"
            fields.fault(section.keyPath("region"), message)
        }
        return region
    }

    private mutating func addressing(_ section: ConfigurationSection) -> S3Addressing? {
        guard section.value["addressing"] != nil else { return nil }
        return fields.choice("addressing", in: section, default: S3Addressing.path)
    }

    // MARK: Keys

    /// Keys of one place only, the first that has any: never one from the file and the other from the environment.
    private mutating func credentials(_ section: ConfigurationSection) -> StaticCredentials? {
        let id = fields.setText("accessKeyId", in: section)
        let secret = fields.setText("secretAccessKey", in: section)
        let token = fields.setText("sessionToken", in: section)
        let hasProfile = section.value["profile"]?.text.map { !$0.isEmpty } ?? false
        if hasProfile, id != nil || secret != nil || token != nil {
            fields.fault(section.keyPath("profile"), "stands beside keys: one of the two can be meant")
        }
        switch (id, secret) {
        case (let id?, let secret?):
            return StaticCredentials(
                accessKeyID: id,
                secretAccessKey: Secret(secret),
                sessionToken: token.map { Secret($0) },
                source: .configuration
            )
        case (_?, nil):
            fields.fault(section.keyPath("secretAccessKey"), "is missing, while accessKeyId is set")
        case (nil, _?):
            fields.fault(section.keyPath("accessKeyId"), "is missing, while secretAccessKey is set")
        case (nil, nil) where token != nil:
            fields.fault(section.keyPath("sessionToken"), "is set without accessKeyId and secretAccessKey")
        // Who names a profile wants its keys.
        case (nil, nil) where hasProfile: return nil
        case (nil, nil): return environmentCredentials(section)
        }
        return nil
    }

    private mutating func environmentCredentials(_ section: ConfigurationSection) -> StaticCredentials? {
        switch (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) {
        case (let id?, let secret?):
            return StaticCredentials(
                accessKeyID: id,
                secretAccessKey: Secret(secret),
                sessionToken: environment["AWS_SESSION_TOKEN"].map { Secret($0) },
                source: .environment
            )
        case (_?, nil):
            fields.fault(section.path, "the environment has AWS_ACCESS_KEY_ID, but no AWS_SECRET_ACCESS_KEY")
        case (nil, _?):
            fields.fault(section.path, "the environment has AWS_SECRET_ACCESS_KEY, but no AWS_ACCESS_KEY_ID")
        case (nil, nil):
            return serviceCredentials(section)
        }
        return nil
    }

    private mutating func serviceCredentials(_ section: ConfigurationSection) -> StaticCredentials? {
        do {
            return try ServiceCredentials(environment)?.read()
        } catch {
            fields.fault(section.path, error.message)
            return nil
        }
    }

    // MARK: Profiles

    /// What a profile says beside its keys.
    private struct ProfileSettings {
        var region: String?
        var endpoint: String?
    }

    private mutating func profileSettings(_ profile: String?, _ section: ConfigurationSection) -> ProfileSettings {
        let name = profile ?? environment["AWS_PROFILE"] ?? "default"
        let files = ProfileFiles(host: host)
        do {
            return ProfileSettings(
                region: try files.setting("region", of: name),
                endpoint: try files.setting("endpoint_url", of: name)
            )
        } catch {
            fields.fault(section.path, error.message)
            return ProfileSettings()
        }
    }

    private mutating func endpoint(_ section: ConfigurationSection, _ settings: ProfileSettings) -> S3Endpoint? {
        let configured = fields.setText("endpoint", in: section)
        let variables = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
        let variable = variables.first { environment[$0] != nil }
        let source =
            configured != nil ? "" : variable.map { "\($0) in the environment: " } ?? "endpoint_url of the profile: "
        guard let text = configured ?? variable.flatMap({ environment[$0] }) ?? settings.endpoint else { return nil }
        do {
            return try S3Endpoint(text)
        } catch {
            let message = "\(source)\(error.message): write it like \"https://s3.example.net:9000\""
            fields.fault(section.keyPath("endpoint"), message)
            return nil
        }
    }
}
