import ArgumentParser
import Glibc
import S3API
import SyncEngine
import Text

/// What every command for buckets takes beside the usual. It needs no folders, no state, and not even a configuration.
struct ConnectorOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The one of the configuration's connections to use.", valueName: "name"))
    var connection: String?

    @Option(
        help: ArgumentHelp("A file with the key that objects are encrypted by (SSE-C).", valueName: "file")
    )
    var customerKeyFile: String?

    /// Finds out how to reach the service.
    func open(_ shared: SharedOptions) throws -> ConnectorContext {
        let environment = ProcessEnvironment.current
        let connection = try ConfigurationFile.loadConnection(
            shared.config,
            named: connection,
            environment: environment
        )
        let host = SystemCredentialsHost(environment)
        let isThere = access(shared.config, F_OK) == 0
        try connection.requireCredentials(host, file: isThere ? shared.config : "without a configuration")
        let client = EngineWiring.makeClient(connection, host).client
        return ConnectorContext(
            client: try customerKey(over: connection).map { client.counting(with: $0) } ?? client,
            parts: connection.provider.parts,
            endpoint: connection.endpoint?.text ?? "",
            isJSON: shared.json,
            console: Console.standard(environment)
        )
    }

    private func customerKey(over connection: Connection) throws -> CustomerKey? {
        guard let customerKeyFile else { return nil }
        if let endpoint = connection.endpoint, !endpoint.isSecure, !endpoint.isLoopback {
            throw ValidationError("--customer-key-file sends the key, and \(endpoint.text) is not encrypted: use https")
        }
        do {
            return try CustomerKeyFile.read(customerKeyFile)
        } catch {
            throw ValidationError("--customer-key-file: \(error.message)")
        }
    }
}

/// What a command for buckets works with.
struct ConnectorContext: Sendable {
    var client: S3Client
    var parts: PartPolicy
    /// Where the service is; empty is AWS.
    var endpoint: String
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
                console.complain(Self.sentence(error))
                return ExitCause(error)
            }
        }
        if cause != .done { throw ExitCode(cause.rawValue) }
    }

    static func noSuchBucket(_ name: String) -> String { "there is no bucket \"\(name)\"" }

    /// What is not there is told plainly, all else in the service's words.
    private static func sentence(_ error: S3Error) -> String {
        switch error.code {
        case .noSuchKey:
            let address = ObjectAddress(bucket: error.bucket ?? "", key: error.key ?? ObjectKey([]))
            return "\(address) is not there"
        case .noSuchBucket: return noSuchBucket(error.bucket ?? "")
        case .accessDenied: return "\(error.description): `syncd policy` prints what the keys need"
        // A HEAD has no body to say so.
        case .other("400") where error.operation == "HeadObject":
            return "\(error.description): if a key of its own encrypts the object, --customer-key-file names it"
        default: return error.description
        }
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
