import S3API
import SyncEngine
import Text

/// `syncd check`: looks at all that a run relies on, and changes nothing.
struct CheckRun: Sendable {
    /// Whether a folder's prefix holds anything.
    typealias Lister = @Sendable (ConfiguredFolder) async throws(S3Error) -> Bool

    var local: LocalChecks
    /// Those to check.
    var folders: [ConfiguredFolder]
    var isJSON: Bool
    var console: Console
    /// Asks the service.
    var list: Lister

    private var configuration: Configuration { local.configuration }

    /// By one request for a page of one object.
    static func lister(_ client: S3Client) -> Lister {
        { folder throws(S3Error) in
            let query = ListQuery(prefix: ObjectKey(folder.folder.prefix), maxKeys: 1)
            let page = try await client.listObjects(bucket: folder.folder.bucket, query)
            return !page.objects.isEmpty
        }
    }

    func run() async -> ExitCause {
        var findings = [
            CheckFinding(.config, "\(configuration.file), \(Format.count(Int64(folders.count), "folder"))"),
            local.credentials(), local.state(),
        ]
        var watches: Int64 = 0
        for folder in folders {
            let (finding, wanted) = local.root(folder)
            findings.append(finding)
            watches += wanted
        }
        if let finding = local.watching(watches) { findings.append(finding) }
        if configuration.connection.credentials != nil { findings += await remote() }
        let report = CheckReport(findings: findings)
        if isJSON {
            console.json(report.json)
        } else {
            console.lines(report.lines(console))
        }
        return report.exitCause
    }

    /// The endpoint, and each folder's prefix. An endpoint that does not answer is asked once.
    private func remote() async -> [CheckFinding] {
        var findings: [CheckFinding] = []
        for folder in folders {
            let name = folder.folder.name
            let place = "s3://\(folder.folder.bucket)/\(escaped(folder.folder.prefix))"
            do {
                let holds = try await list(folder)
                findings.append(CheckFinding(.bucket, folder: name, "\(place), \(holds ? "not empty" : "empty")"))
            } catch {
                if error.code == .transport {
                    return findings + [endpoint(.bad(error.description, .unreachable))]
                }
                let cause: ExitCause = error.code == .credentialsRefused ? .credentialsRefused : .failed
                findings.append(CheckFinding(.bucket, folder: name, place, .bad(error.description, cause)))
            }
        }
        return [endpoint(.good)] + findings
    }

    private func endpoint(_ verdict: CheckFinding.Verdict) -> CheckFinding {
        let connection = configuration.connection
        let place = connection.endpoint.map { "\($0.text) (path style)" } ?? "AWS"
        return CheckFinding(.endpoint, "\(place), region \(connection.region)", verdict)
    }
}
