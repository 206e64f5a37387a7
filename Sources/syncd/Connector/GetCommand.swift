import ArgumentParser
import Glibc
import S3API
import SyncEngine
import Text

/// `syncd get`
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Fetch an object, or all below a prefix.",
        discussion: """
            What comes is verified and has its whole content before it has its name. A file
            that is there already stays unless its content is the same, or --force replaces
            it. Large objects come in ranges, several at once; the same command goes on
            where it was cut off. With "-" the bytes go to standard output. It exits with 1
            where nothing is below a prefix, and with 3 where some could not be fetched.

            Examples:
              syncd get s3://family/photos/new.jpg
              syncd get s3://family/backup.tar - | tar t
              syncd get --recursive s3://family/photos/2024/ ./2024
            """
    )

    @Argument(help: "s3://BUCKET/KEY, or BUCKET/KEY.")
    var object: String

    @Argument(help: "The file, or a directory for it; - for standard output. (default: here, by the key's last part)")
    var file: String?

    @OptionGroup var copy: CopyOptions
    @OptionGroup var connector: ConnectorOptions
    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func validate() throws {
        if copy.recursive, file == nil {
            throw ValidationError("--recursive wants a directory as well: get s3://b/p DIR")
        }
        if copy.recursive, file == "-" { throw ValidationError("--recursive cannot write to standard output") }
    }

    func run() async throws {
        try parent.refuseOnce(before: "get", knowsQuiet: true)
        var address = try ObjectAddress(object)
        if !copy.recursive { try address.requireKey() }
        if file == "-" { return try await stream(address) }
        if copy.recursive { address.key = address.key.asFolder }
        if copy.recursive { return try await fetchAll(address) }
        let name = address.key.lastPart
        let place = try LocalPlace(file: file ?? ".", orInDirectory: name.isEmpty ? nil : name)
        let context = try connector.open(shared)
        let run = CopyRun(context, address, place, replaces: copy.force, isQuiet: copy.quiet || parent.quiet)
        try await context.finish { stop throws(S3Error) in try await run.fetch(until: stop) }
    }

    /// A directory is made only once the service has answered: a wrong bucket leaves nothing here.
    private func fetchAll(_ address: ObjectAddress) async throws {
        let context = try connector.open(shared)
        let (directory, isThere) = (file ?? ".", access(file ?? ".", F_OK) == 0)
        let (replaces, isQuiet) = (copy.force, copy.quiet || parent.quiet)
        let run = { @Sendable (place: LocalPlace) -> CopyRun in
            CopyRun(context, address, place, replaces: replaces, isQuiet: isQuiet)
        }
        let known = isThere ? run(try LocalPlace(directory: directory, make: false)) : nil
        try await context.finish { stop throws(S3Error) -> ExitCause in
            if let known { return try await known.fetch(until: stop) }
            let query = ListQuery(prefix: address.key, maxKeys: 1)
            _ = try await context.client.listObjects(bucket: address.bucket, query)
            switch Result(catching: { () throws(UsageError) in try LocalPlace(directory: directory, make: true) }) {
            case .success(let place): return try await run(place).fetch(until: stop)
            case .failure(let error):
                context.console.complain(error.message)
                return .usage
            }
        }
    }

    private func stream(_ address: ObjectAddress) async throws {
        let context = try connector.open(shared)
        try await context.finish { stop throws(S3Error) in
            let reading = ObjectReading(client: context.client, bucket: address.bucket, key: address.key)
            var isWritten = true
            _ = try await reading.read(until: stop) { bytes in
                isWritten = writeAll(STDOUT_FILENO, bytes)
                return isWritten
            }
            if !isWritten, errno != EPIPE { context.console.complain("standard output: \(reason(errno))") }
            return isWritten ? .done : .failed
        }
    }
}

extension ObjectKey {
    /// The key with a `/` at its end, unless it is empty.
    var asFolder: ObjectKey {
        bytes.isEmpty || bytes.last == UInt8(ascii: "/") ? self : ObjectKey(bytes + [UInt8(ascii: "/")])
    }

    /// What stands behind the last `/`.
    var lastPart: ArraySlice<UInt8> {
        bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes[($0 + 1)...] } ?? bytes[...]
    }
}
