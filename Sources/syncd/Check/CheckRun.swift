import S3API
import SyncEngine
import Text

/// `syncd check`: looks at all that a run relies on, and changes nothing.
struct CheckRun: Sendable {
    /// What one request tells of a folder's prefix.
    struct Look: Sendable {
        var holdsObjects: Bool
        /// Seconds that our clock is ahead of the service's; nil where the service told no time.
        var clockLead: Int64?
    }

    typealias Lister = @Sendable (ConfiguredFolder) async throws(S3Error) -> Look
    /// Finds out what keys may do with a folder's prefix, and what its service can.
    typealias Prober = @Sendable (ConfiguredFolder) async throws(S3Error) -> CapabilityProbe.Findings
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
    /// Writes and deletes a few objects of its own to find out what may be done and what the service can; nil where
    /// nothing is to be written.
    var probe: Prober?

    private var configuration: Configuration { local.configuration }

    /// By one request for a page of one object.
    static func lister(_ makeClient: @escaping @Sendable (Connection) -> S3Client) -> Lister {
        { folder throws(S3Error) in
            let client = makeClient(folder.connection)
            let query = ListQuery(prefix: ObjectKey(folder.folder.prefix), maxKeys: 1)
            let page = try await client.listObjects(bucket: folder.folder.bucket, query)
            return Look(holdsObjects: !page.objects.isEmpty, clockLead: client.clockLead)
        }
    }

    static func prober(_ makeClient: @escaping @Sendable (Connection) -> S3Client) -> Prober {
        { folder throws(S3Error) in
            try await CapabilityProbe(
                client: makeClient(folder.connection),
                bucket: folder.folder.bucket,
                prefix: folder.folder.prefix,
                writing: folder.writing,
                nonce: SystemRandom().bytes(8)
            ).run()
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
        var clockLead: Int64?
        for folder in folders {
            let name = folder.folder.name
            let place = "s3://\(folder.folder.bucket)/\(escaped(folder.folder.prefix))"
            do {
                let look = try await list(folder)
                clockLead = clockLead ?? look.clockLead
                let holding = look.holdsObjects ? "not empty" : "empty"
                findings.append(CheckFinding(.bucket, folder: name, "\(place), \(holding)"))
                if let probe {
                    findings += try await probed(folder, by: probe)
                } else {
                    findings += local.capabilities(folder)
                }
            } catch {
                if error.code == .transport {
                    return [keys] + findings + [endpoint(connection, .bad(error.description, .unreachable))]
                }
                let cause: ExitCause = error.code == .credentialsRefused ? .credentialsRefused : .failed
                findings.append(CheckFinding(.bucket, folder: name, place, .bad(error.description, cause)))
            }
        }
        return [keys] + clock(connection, clockLead) + [endpoint(connection, .good)] + findings
    }

    private func probed(
        _ folder: ConfiguredFolder,
        by probe: Prober
    ) async throws(S3Error) -> [CheckFinding] {
        let found = try await probe(folder)
        return [
            ProbeFindings.permissions(found.permissions, of: folder.folder),
            ProbeFindings.capabilities(found.capabilities, of: folder.folder),
        ] + ProbeFindings.writes(found.capabilities, of: folder.folder)
    }

    /// Seconds between two clocks that nobody need care for.
    private static let harmlessLead: Int64 = 60

    private func clock(_ connection: Connection, _ lead: Int64?) -> [CheckFinding] {
        guard let lead else { return [] }
        let size = Format.elapsed(.seconds(abs(lead)))
        let detail = abs(lead) <= 1 ? "as the endpoint's" : "\(size) \(lead > 0 ? "ahead of" : "behind") the endpoint's"
        let message = "requests are signed by the endpoint's clock; set this machine's (timedatectl)"
        let verdict: CheckFinding.Verdict = abs(lead) > Self.harmlessLead ? .careful(message) : .good
        return [CheckFinding(.clock, connection: connection.name, detail, verdict)]
    }

    private func endpoint(_ connection: Connection, _ verdict: CheckFinding.Verdict) -> CheckFinding {
        let style = (connection.addressing ?? (connection.endpoint == nil ? .virtual : .path)).rawValue
        let place = connection.endpoint.map { "\($0.text) (\(style) style)" } ?? "AWS (\(style) style)"
        return CheckFinding(.endpoint, connection: connection.name, "\(place), region \(connection.region)", verdict)
    }
}
