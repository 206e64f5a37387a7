import ArgumentParser
import S3API
import SyncEngine
import Text

/// What every command for buckets takes. It needs no folders, no state, and not even a configuration.
struct ConnectorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The configuration. (default: \(ConfigurationFile.defaultPath), if it is there)",
            valueName: "path"
        )
    )
    var config: String?

    @Option(help: ArgumentHelp("The one of its connections to use.", valueName: "name"))
    var connection: String?

    @Flag(help: "Answer in JSON.")
    var json = false

    /// Finds out how to reach the service.
    func open() throws -> ConnectorContext {
        let environment = ProcessEnvironment.current
        let connection = try ConfigurationFile.loadConnection(
            config,
            named: connection,
            environment: environment
        )
        let host = SystemCredentialsHost(environment)
        try connection.requireCredentials(host, file: config ?? ConfigurationFile.defaultPath)
        return ConnectorContext(
            client: EngineWiring.makeClient(connection, host).client,
            isJSON: json,
            console: Console.standard(environment)
        )
    }
}

/// What a command for buckets works with.
struct ConnectorContext: Sendable {
    var client: S3Client
    var isJSON: Bool
    var console: Console

    /// Runs the work under the signals' rule, and exits as it ended; an error of the service is told and ends it.
    func finish(_ work: @escaping @Sendable (StopSignal) async throws(S3Error) -> ExitCause) async throws {
        let console = console
        let cause = await Signals.stopping {
            console.clearLine()
        } _: { stop in
            do throws(S3Error) {
                return try await work(stop)
            } catch {
                console.clearLine()
                console.complain(error.description)
                return ExitCause(error)
            }
        }
        if cause != .done { throw ExitCode(cause.rawValue) }
    }
}

extension ExitCause {
    /// What a refused or failed request ends a command with.
    init(_ error: S3Error) {
        switch error.code {
        case .credentialsRefused: self = .credentialsRefused
        case .credentialsUnreachable: self = .unreachable
        case .transport:
            self = error.transport?.code == .unreachable || error.transport?.code == .tls ? .unreachable : .failed
        case .noSuchKey, .noSuchBucket, .noSuchUpload, .accessDenied, .preconditionFailed, .conflict, .invalidRange,
            .slowDown, .badDigest, .invalidObjectState, .keyTooLong, .entityTooLarge, .invalidPart, .notImplemented,
            .internalError, .malformedAnswer, .other:
            self = .failed
        }
    }
}
