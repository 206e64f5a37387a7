import S3API
import Text

/// Reads `connection`, filled in from the environment and the service manager's credentials where it says nothing.
struct ConnectionReader {
    private static let keys = ["accessKeyId", "secretAccessKey", "sessionToken", "region", "endpoint", "caFile"]

    private(set) var fields: ConfigurationFields
    private let environment: ProcessEnvironment

    init(fields: ConfigurationFields, environment: ProcessEnvironment) {
        self.fields = fields
        self.environment = environment
    }

    /// Nil where a fault was noted.
    mutating func read(_ value: JSONValue) -> Connection? {
        guard let section = fields.section(value, at: "connection", known: Self.keys) else { return nil }
        let credentials = credentials(section)
        let region =
            fields.setText("region", in: section) ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
            ?? "us-east-1"
        if !region.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }) {
            fields.fault("connection.region", "\"\(printable(region))\" is no region: letters, digits and hyphens")
        }
        let caFile = fields.setText("caFile", in: section)
        if let caFile, !caFile.hasPrefix("/") {
            fields.fault("connection.caFile", "\"\(printable(caFile))\" is not absolute: write it from \"/\" on")
        }
        return Connection(credentials: credentials, region: region, endpoint: endpoint(section), caFile: caFile)
    }

    /// Keys of one place only, the first that has any: never one from the file and the other from the environment.
    private mutating func credentials(_ section: ConfigurationSection) -> StaticCredentials? {
        let id = fields.setText("accessKeyId", in: section)
        let secret = fields.setText("secretAccessKey", in: section)
        let token = fields.setText("sessionToken", in: section)
        switch (id, secret) {
        case (let id?, let secret?):
            return StaticCredentials(
                accessKeyID: id,
                secretAccessKey: Secret(secret),
                sessionToken: token.map { Secret($0) },
                source: .configuration
            )
        case (_?, nil):
            fields.fault("connection.secretAccessKey", "is missing, while accessKeyId is set")
        case (nil, _?):
            fields.fault("connection.accessKeyId", "is missing, while secretAccessKey is set")
        case (nil, nil) where token != nil:
            fields.fault("connection.sessionToken", "is set without accessKeyId and secretAccessKey")
        case (nil, nil):
            return environmentCredentials()
        }
        return nil
    }

    private mutating func environmentCredentials() -> StaticCredentials? {
        switch (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) {
        case (let id?, let secret?):
            return StaticCredentials(
                accessKeyID: id,
                secretAccessKey: Secret(secret),
                sessionToken: environment["AWS_SESSION_TOKEN"].map { Secret($0) },
                source: .environment
            )
        case (_?, nil):
            fields.fault("connection", "the environment has AWS_ACCESS_KEY_ID, but no AWS_SECRET_ACCESS_KEY")
        case (nil, _?):
            fields.fault("connection", "the environment has AWS_SECRET_ACCESS_KEY, but no AWS_ACCESS_KEY_ID")
        case (nil, nil):
            return serviceCredentials()
        }
        return nil
    }

    private mutating func serviceCredentials() -> StaticCredentials? {
        do {
            return try ServiceCredentials(environment)?.read()
        } catch {
            fields.fault("connection", error.message)
            return nil
        }
    }

    private mutating func endpoint(_ section: ConfigurationSection) -> S3Endpoint? {
        let configured = fields.setText("endpoint", in: section)
        let variables = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
        let variable = variables.first { environment[$0] != nil }
        guard let text = configured ?? variable.flatMap({ environment[$0] }) else { return nil }
        do {
            return try S3Endpoint(text)
        } catch {
            let source = configured == nil ? "\(variable ?? "") in the environment: " : ""
            fields.fault(
                "connection.endpoint",
                "\(source)\(error.message): write it like \"https://s3.example.net:9000\""
            )
            return nil
        }
    }
}
