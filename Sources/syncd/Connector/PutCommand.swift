import ArgumentParser
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
            input, by way of a temporary file in TMPDIR; cut off, they are sent anew.

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
        let context = try connector.open(shared)
        let place: LocalPlace
        if copy.recursive {
            address.key = address.key.asFolder
            place = try LocalPlace(directory: file, make: false)
        } else {
            place = try LocalPlace(file: file, orInDirectory: nil)
            let isFolder = address.key.bytes.isEmpty || address.key.bytes.last == UInt8(ascii: "/")
            // A link is sent under its own name, with the content that it leads to.
            if isFolder { address.key = ObjectKey(address.key.bytes + ObjectKey(file).lastPart) }
        }
        let run = CopyRun(context, address, place, replaces: copy.force, isQuiet: copy.quiet || parent.quiet)
        try await context.finish { stop throws(S3Error) in await run.send(until: stop) }
    }

    /// What comes is kept in a file first: how long it is must be known, and a part may have to be sent twice.
    private func sendInput(to address: ObjectAddress) async throws {
        try address.requireKey()
        guard address.key.bytes.last != UInt8(ascii: "/") else {
            throw UsageError(message: "\(address) names a folder: what comes from standard input needs a name")
        }
        let context = try connector.open(shared)
        let (replaces, isQuiet) = (copy.force, copy.quiet || parent.quiet)
        try await context.finish { [address] stop throws(S3Error) in
            do throws(SpooledInput.Failure) {
                let spool = try SpooledInput(until: stop)
                defer { spool.remove() }
                var run = CopyRun(context, address, spool.place, replaces: replaces, isQuiet: isQuiet)
                run.goesOn = false
                return await run.send(until: stop)
            } catch {
                switch error {
                case .stopped: context.console.complain("stopped; nothing was sent")
                case .failed(let message): context.console.complain(message)
                }
                return .failed
            }
        }
    }
}
