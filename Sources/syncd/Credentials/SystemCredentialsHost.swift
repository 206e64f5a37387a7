import Glibc
import S3API
import Subprocess
import Synchronization

/// What this machine has for those who look for keys: variables, files, commands, and the network.
final class SystemCredentialsHost: CredentialsHost {
    private let processEnvironment: ProcessEnvironment
    private let transports = Mutex(Transports())

    /// Made when they are first needed: most processes never ask anybody.
    private struct Transports {
        var near: CurlTransport?
        var far: CurlTransport?
    }

    /// Seconds to wait for an endpoint of this machine or the one beneath it.
    private static let nearTimeout = 2

    init(_ environment: ProcessEnvironment) {
        processEnvironment = environment
    }

    let environment = S3Environment.system

    func variable(_ name: String) -> String? { processEnvironment[name] }

    func contents(of path: String) throws(CredentialsError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw CredentialsError(.unusable, "\(path) cannot be read: \(reason(errno))")
        }
        defer { close(descriptor) }
        guard let bytes = readAll(descriptor, limit: CredentialsLimits.file) else {
            throw CredentialsError(.unusable, "\(path) cannot be read: \(reason(errno))")
        }
        guard bytes.count <= CredentialsLimits.file else {
            throw CredentialsError(.unusable, "\(path) is larger than \(CredentialsLimits.file >> 20) MiB")
        }
        return bytes
    }

    func stamp(of path: String) -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        return FileStamp(inode: UInt64(status.st_ino), size: Int64(status.st_size), modified: modified)
    }

    // MARK: Commands

    /// The command's own words are not repeated: they may hold a secret.
    func output(of command: String) async throws(CredentialsError) -> [UInt8] {
        let outcome = await withTaskGroup(of: CommandOutcome.self) { group in
            group.addTask { await Self.run(command) }
            group.addTask {
                try? await Task.sleep(for: .seconds(CredentialsLimits.commandSeconds))
                return .failed("took longer than \(CredentialsLimits.commandSeconds) seconds")
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failed("did not run")
        }
        switch outcome {
        case .wrote(let bytes): return bytes
        case .failed(let what):
            throw CredentialsError(.unusable, "credential_process \(what): run it by hand to see what it says")
        }
    }

    private enum CommandOutcome {
        case wrote([UInt8])
        case failed(String)
    }

    private static func run(_ command: String) async -> CommandOutcome {
        var options = PlatformOptions()
        // A process group of its own: what the shell has started ends with it.
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        do {
            let result = try await Subprocess.run(
                .name("sh"),
                arguments: ["-c", command],
                platformOptions: options,
                output: .bytes(limit: CredentialsLimits.output)
            )
            guard result.terminationStatus.isSuccess else {
                return .failed("ended with \(result.terminationStatus)")
            }
            return .wrote(result.standardOutput)
        } catch {
            return .failed("cannot be run, or writes more than \(CredentialsLimits.output >> 10) KiB")
        }
    }

    // MARK: Requests

    func send(_ request: HTTPRequest, staysNear: Bool) async throws(TransportError) -> HTTPResponse {
        try await transport(staysNear: staysNear).send(request)
    }

    private func transport(staysNear: Bool) -> CurlTransport {
        transports.withLock { transports in
            let userAgent = "syncd/\(Version.number)"
            guard staysNear else {
                let transport = transports.far ?? CurlTransport(options: TransportOptions(userAgent: userAgent))
                transports.far = transport
                return transport
            }
            let options = TransportOptions(
                connectTimeout: Self.nearTimeout,
                stallTimeout: Self.nearTimeout,
                userAgent: userAgent,
                usesProxy: false
            )
            let transport = transports.near ?? CurlTransport(options: options)
            transports.near = transport
            return transport
        }
    }

    // MARK: The machine

    /// By what the firmware says, so that no other machine ever sends a request to the instances' address. Machines of
    /// the Xen hypervisor say it elsewhere than the others.
    ///
    /// - SeeAlso: Amazon EC2 User Guide, "Determine whether a compute resource is an EC2 instance", as known in 2026-11.
    var isInstance: Bool {
        let places = [
            ("/sys/devices/virtual/dmi/id/board_asset_tag", "i-"),
            ("/sys/devices/virtual/dmi/id/sys_vendor", "Amazon EC2"),
            ("/sys/hypervisor/uuid", "ec2"), ("/sys/devices/virtual/dmi/id/product_uuid", "EC2"),
        ]
        return places.contains { path, beginning in
            guard let bytes = try? contents(of: path) else { return false }
            return bytes.starts(with: beginning.utf8)
        }
    }
}
