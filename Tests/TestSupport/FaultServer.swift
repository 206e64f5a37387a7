import Glibc
public import S3API

/// An S3 service in memory on 127.0.0.1 that behaves like AWS, and misbehaves where a test says so.
///
/// It checks signatures and bodies by code of its own, so that what it takes is right and not merely what the client
/// meant. All it holds is open to the test; it ends with this object.
///
///     let server = try FaultServer()
///     server.on(.uploadPart, 2, .resetAfterEffect)
///     let client = try server.client(environment: world.environment)
///     …
///     #expect(server.pendingRules.isEmpty)
public final class FaultServer: Sendable {
    public let service: FaultService
    private let loopback: LoopbackServer

    /// A bucket that every service has.
    public static let bucket = "bucket"

    /// The keys that it knows, those of AWS's published examples. They open nothing.
    public static let credentials = S3Credentials(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE",
        secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    )

    /// `clock` gives seconds since 1970; nil for the system's clock.
    public init(quirks: FaultQuirks = FaultQuirks(), clock: (@Sendable () -> Int64)? = nil) throws {
        let clock = clock ?? { Int64(time(nil)) }
        var store = FaultStore(quirks: quirks)
        store.buckets[Self.bucket] = FaultBucket(created: clock())
        let service = FaultService(store: store, clock: clock)
        self.service = service
        // The handler holds the service, not this object, whose end must be able to end it.
        loopback = try LoopbackServer { FaultConversation(service: service, connection: $0).run() }
    }

    public var origin: String { loopback.origin }

    /// Connections accepted so far.
    public var connectionCount: Int { loopback.connectionCount }

    /// Breaks all connections off and accepts no more.
    public func stop() { loopback.stop() }

    /// A client of this service, by libcurl unless `transport` says otherwise.
    public func client(
        environment: S3Environment,
        transport: (any HTTPTransport)? = nil,
        credentials: S3Credentials = FaultServer.credentials,
        region: String = "us-east-1"
    ) throws -> S3Client {
        let endpoint = try S3Endpoint(origin)
        return S3Client(
            connection: S3Connection(credentials: credentials, region: region, endpoint: endpoint),
            transport: transport ?? CurlTransport(),
            environment: environment
        )
    }

    // MARK: The script

    /// Adds a rule: what becomes of those requests that are `operation` (nil for any), for `key` (nil for any) and as
    /// `matches` says. `turn` picks among them; of several rules that are due for a request the first acts.
    public func on(
        _ operation: FaultOperation?,
        key: String? = nil,
        _ turn: FaultTurn,
        _ fault: Fault,
        where matches: @escaping @Sendable (FaultRequest) -> Bool = { _ in true }
    ) {
        let bytes = key.map { Array($0.utf8) }
        service.add(FaultRule(operation, key: bytes, turn: turn, matches: matches, fault: fault))
    }

    /// From now on it behaves.
    public func removeRules() { service.removeRules() }

    /// Rules that have not done all that they ask for, in words.
    public var pendingRules: [String] { service.pendingRules }

    // MARK: What it was asked and holds

    /// All requests so far, in the order in which their heads came.
    public var records: [FaultRecord] { service.records }

    /// Requests of one operation.
    public func records(of operation: FaultOperation) -> [FaultRecord] {
        records.filter { $0.operation == operation }
    }

    /// How many requests of one operation came.
    public func count(of operation: FaultOperation) -> Int { records(of: operation).count }

    /// Reads or changes what the service holds.
    @discardableResult
    public func withStore<Value>(_ body: (inout FaultStore) throws -> sending Value) rethrows -> sending Value {
        try service.withStore(body)
    }

    /// What an object of ``bucket`` holds; nil if it is not there.
    public func content(of key: String) -> [UInt8]? { withStore { $0.content(of: key) } }

    /// Changes how the service differs from AWS.
    public func configure(_ change: (inout FaultQuirks) -> Void) { withStore { change(&$0.quirks) } }
}
