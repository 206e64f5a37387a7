import S3API
import SyncEngine
import Text

/// `syncd check`: looks at all that a run relies on, and changes nothing.
struct CheckRun: Sendable {
    /// Whether a folder's prefix holds anything.
    typealias Lister = @Sendable (ConfiguredFolder) async throws(S3Error) -> Bool
    /// Looks for the keys of a connection that the configuration does not know.
    typealias KeyFinder = @Sendable (Connection) async throws(CredentialsError) -> FoundCredentials

    var local: LocalChecks
    /// Those to check.
    var folders: [ConfiguredFolder]
    var isJSON: Bool
    var console: Console
    var findKeys: KeyFinder
    /// Asks the service.
    var list: Lister

    private var configuration: Configuration { local.configuration }

    /// By one request for a page of one object.
    static func lister(_ makeClient: @escaping @Sendable (Connection) -> S3Client) -> Lister {
        { folder throws(S3Error) in
            let client = makeClient(folder.connection)
            let query = ListQuery(prefix: ObjectKey(folder.folder.prefix), maxKeys: 1)
            let page = try await client.listObjects(bucket: folder.folder.bucket, query)
            return !page.objects.isEmpty
        }
    }

    func run() async -> ExitCause {
        var findings = [
            CheckFinding(.config, "\(configuration.file), \(Format.count(Int64(folders.count), "folder"))"),
            local.state(),
        ]
        var watches: Int64 = 0
        for folder in folders {
            let (finding, wanted) = local.root(folder)
            findings.append(finding)
            watches += wanted
        }
        if let finding = local.watching(watches) { findings.append(finding) }
        for connection in configuration.usedConnections {
            let own = folders.filter { $0.connection == connection }
            if !own.isEmpty { findings += await check(connection, own) }
        }
        let report = CheckReport(findings: findings)
        if isJSON {
            console.json(report.json)
        } else {
            console.lines(report.lines(console))
        }
        return report.exitCause
    }

    /// Its keys, and with these its endpoint and each folder's prefix. An endpoint that does not answer is asked once.
    private func check(_ connection: Connection, _ folders: [ConfiguredFolder]) async -> [CheckFinding] {
        let keys = await local.credentials(connection, findKeys)
        guard keys.verdict == .good else { return [keys] }
        var findings: [CheckFinding] = []
        for folder in folders {
            let name = folder.folder.name
            let place = "s3://\(folder.folder.bucket)/\(escaped(folder.folder.prefix))"
            do {
                let holds = try await list(folder)
                findings.append(CheckFinding(.bucket, folder: name, "\(place), \(holds ? "not empty" : "empty")"))
            } catch {
                if error.code == .transport {
                    return [keys] + findings + [endpoint(connection, .bad(error.description, .unreachable))]
                }
                let cause: ExitCause = error.code == .credentialsRefused ? .credentialsRefused : .failed
                findings.append(CheckFinding(.bucket, folder: name, place, .bad(error.description, cause)))
            }
        }
        return [keys, endpoint(connection, .good)] + findings
    }

    private func endpoint(_ connection: Connection, _ verdict: CheckFinding.Verdict) -> CheckFinding {
        let style = (connection.addressing ?? (connection.endpoint == nil ? .virtual : .path)).rawValue
        let place = connection.endpoint.map { "\($0.text) (\(style) style)" } ?? "AWS (\(style) style)"
        return CheckFinding(.endpoint, connection: connection.name, "\(place), region \(connection.region)", verdict)
    }
}
