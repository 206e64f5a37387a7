import ArgumentParser
import Glibc
import S3API
import SyncEngine
import Text

/// `syncd put`
struct PutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Send a file, or all below a directory.",
        discussion: """
            An object that is there already stays unless its content is the same, or --force
            replaces it. Large files go up in parts, several at once; the same command goes
            on where it was cut off. Modification time and mode go with the content. A key
            that ends in "/" gets the file's name. With "-" the bytes come from standard
            input, by way of a temporary file.

            Examples:
              syncd put new.jpg s3://family/photos/
              pg_dump app | syncd put - s3://family/dumps/app.sql
              syncd put --recursive ./2024 s3://family/photos/2024
            """
    )

    @Argument(help: "The file or, with --recursive, the directory; - for standard input.")
    var file: String

    @Argument(help: "s3://BUCKET/KEY, or BUCKET/KEY.")
    var object: String

    @OptionGroup var copy: CopyOptions
    @OptionGroup var connector: ConnectorOptions
    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func validate() throws {
        if copy.recursive, file == "-" { throw ValidationError("--recursive wants a directory") }
    }

    func run() async throws {
        try parent.refuseOnce(before: "put", knowsQuiet: true)
        var address = try ObjectAddress(object)
        if file == "-" { return try await sendInput(to: address) }
        let place: LocalPlace
        if copy.recursive {
            address.key = address.key.asFolder
            place = try LocalPlace(directory: file, make: false)
        } else {
            place = try LocalPlace(file: file, orInDirectory: [])
            let isFolder = address.key.bytes.isEmpty || address.key.bytes.last == UInt8(ascii: "/")
            if isFolder { address.key = ObjectKey(address.key.bytes + (place.name?.bytes ?? [])) }
        }
        try await send(place, to: address)
    }

    private func send(_ place: LocalPlace, to address: ObjectAddress) async throws {
        let context = try connector.open(shared)
        let run = CopyRun(context, address, place, replaces: copy.force, isQuiet: copy.quiet || parent.quiet)
        try await context.finish { stop throws(S3Error) in await run.send(until: stop) }
    }

    /// What comes is kept in a file first: how long it is must be known, and a part may have to be sent twice.
    private func sendInput(to address: ObjectAddress) async throws {
        try address.requireKey()
        guard address.key.bytes.last != UInt8(ascii: "/") else {
            throw UsageError(message: "\(address) names a folder: what comes from standard input needs a name")
        }
        let spool = try SpooledInput()
        defer { spool.remove() }
        try await send(spool.place, to: address)
    }
}

/// Standard input, kept in a file of a directory of its own.
struct SpooledInput: Sendable {
    let place: LocalPlace
    private let directory: String

    private static let name = "input"

    init() throws {
        let base = ProcessEnvironment.current["TMPDIR"] ?? "/tmp"
        var template = Array("\(base)/syncd-put-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw UsageError(message: "\(printable(base)): no directory can be made there: \(reason(errno))")
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = "\(directory)/\(Self.name)"
        do {
            try Self.copyInput(to: path)
            place = try LocalPlace(file: path, orInDirectory: [])
        } catch {
            unlink(path)
            rmdir(directory)
            throw error
        }
    }

    private static func copyInput(to path: String) throws(UsageError) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw UsageError(message: "\(path): \(reason(errno))") }
        defer { close(descriptor) }
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw UsageError(message: "standard input: \(reason(errno))") }
            if count == 0 { return }
            guard writeAll(descriptor, Array(chunk[..<count])) else {
                throw UsageError(message: "\(path): \(reason(errno)); TMPDIR names another place")
            }
        }
    }

    func remove() {
        unlink("\(directory)/\(Self.name)")
        rmdir(directory)
    }
}
