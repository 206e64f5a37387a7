public import S3API
import Synchronization

/// A machine in memory for those who look for keys there.
public final class FakeCredentialsHost: CredentialsHost {
    public let world: FakeS3World
    public let transport: FakeTransport
    private let state: Mutex<State>

    private struct State {
        var variables: [String: String]
        var files: [String: String]
        var commands: [String: String]
        var stamps: [String: Int64] = [:]
        var commandCount = 0
        var near: [Bool] = []
        var isInstance: Bool
    }

    /// `commands` are what commands write; others fail.
    public init(
        _ variables: [String: String] = [:],
        files: [String: String] = [:],
        commands: [String: String] = [:],
        isInstance: Bool = false,
        world: FakeS3World = FakeS3World(),
        transport: FakeTransport = FakeTransport([])
    ) {
        self.world = world
        self.transport = transport
        state = Mutex(State(variables: variables, files: files, commands: commands, isInstance: isInstance))
    }

    public var environment: S3Environment { world.environment }
    public var isInstance: Bool { state.withLock(\.isInstance) }
    /// How often commands were run.
    public var commandCount: Int { state.withLock(\.commandCount) }
    /// For each request, whether it was to stay near.
    public var near: [Bool] { state.withLock(\.near) }

    /// Replaces a file; nil removes it.
    public func write(_ path: String, _ content: String?) {
        state.withLock { state in
            state.files[path] = content
            state.stamps[path, default: 0] += 1
        }
    }

    /// Changes what a command writes.
    public func setCommand(_ command: String, _ output: String?) { state.withLock { $0.commands[command] = output } }

    public func variable(_ name: String) -> String? { state.withLock { $0.variables[name] } }

    /// A file that may not be read, whatever it holds.
    public static let unreadable = "(unreadable)"

    public func contents(of path: String) throws(CredentialsError) -> [UInt8]? {
        if state.withLock({ $0.files[path] }) == Self.unreadable {
            throw CredentialsError(.unusable, "\(path) cannot be read")
        }
        return state.withLock { $0.files[path] }.map { Array($0.utf8) }
    }

    public func stamp(of path: String) -> FileStamp? {
        state.withLock { state in
            state.files[path].map { content in
                FileStamp(inode: 1, size: Int64(content.utf8.count), modified: state.stamps[path] ?? 0)
            }
        }
    }

    public func output(of command: String) async throws(CredentialsError) -> [UInt8] {
        let output = state.withLock { state in
            state.commandCount += 1
            return state.commands[command]
        }
        guard let output else { throw CredentialsError(.unusable, "credential_process ended with 1") }
        return Array(output.utf8)
    }

    public func send(_ request: HTTPRequest, staysNear: Bool) async throws(TransportError) -> HTTPResponse {
        state.withLock { $0.near.append(staysNear) }
        return try await transport.send(request)
    }
}
