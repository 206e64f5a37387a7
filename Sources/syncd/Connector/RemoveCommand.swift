import ArgumentParser
import Glibc
import S3API
import SyncEngine
import Text

/// `syncd rm`
struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Delete an object, or all below a prefix.",
        discussion: """
            One object is deleted at once; one that is not there is told, and exits with 1.
            With --recursive everything whose key begins with the prefix is counted first,
            and a terminal is asked; elsewhere --yes has to say it. Where the bucket keeps
            versions, old ones stay. A bucket itself is never deleted.

            Examples:
              syncd rm s3://family/photos/old.jpg
              syncd rm --recursive s3://family/photos/2019/
              syncd rm --recursive --yes family/tmp/
            """
    )

    @Argument(help: "s3://BUCKET/KEY, or BUCKET/KEY.")
    var object: String

    @Flag(help: "Delete all objects whose keys begin with this.")
    var recursive = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var connector: ConnectorOptions
    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "rm")
        let address = try ObjectAddress(object)
        if !recursive { try address.requireKey() }
        let asks = recursive && !yes
        if asks, isatty(STDIN_FILENO) == 0 {
            throw UsageError(message: "rm --recursive asks a person: say --yes as well")
        }
        let context = try connector.open(shared)
        try await context.finish { [recursive] stop throws(S3Error) in
            let remove = RemoveRun(context, address)
            return recursive ? try await remove.all(asking: asks, until: stop) : try await remove.one()
        }
    }
}

/// Deletes objects and tells what came of it.
struct RemoveRun: Sendable {
    private let context: ConnectorContext
    private let address: ObjectAddress

    init(_ context: ConnectorContext, _ address: ObjectAddress) {
        self.context = context
        self.address = address
    }

    /// Failures that are told one by one.
    private static let maximumTold = 10

    func one() async throws(S3Error) -> ExitCause {
        // The service says the same of a key that is not there: whoever mistypes one wants to know.
        do throws(S3Error) {
            _ = try await context.client.headObject(bucket: address.bucket, key: address.key)
        } catch {
            // Who may not look may delete all the same.
            guard error.code == .accessDenied else { throw error }
        }
        try await context.client.deleteObject(bucket: address.bucket, key: address.key)
        tell(deleted: 1, failed: 0, isRecursive: false)
        return .done
    }

    func all(asking: Bool, until stop: StopSignal) async throws(S3Error) -> ExitCause {
        if asking {
            let (count, bytes) = try await census(until: stop)
            guard count > 0, !stop.isRequested else { return nothing() }
            let what = "\(Format.count(count, "object")) (\(Format.size(bytes)))"
            guard confirms("delete \(what) beginning with \(address)? [y/N] ", until: stop) else {
                context.console.complain("nothing was deleted")
                return .failed
            }
        }
        var deleted: Int64 = 0
        var failed: Int64 = 0
        var pages = context.client.pages(of: address.bucket, ListQuery(prefix: address.key)).makeAsyncIterator()
        while !stop.isRequested, let page = try await pages.next() {
            guard !page.objects.isEmpty else { continue }
            for outcome in try await context.client.deleteObjects(bucket: address.bucket, keys: page.objects.map(\.key))
            {
                guard let error = outcome.error, error.code != .noSuchKey else {
                    deleted += 1
                    continue
                }
                failed += 1
                if failed <= Self.maximumTold { context.console.complain(error.description) }
            }
            context.console.replaceLine("deleted \(Format.count(deleted, "object"))")
        }
        context.console.clearLine()
        guard deleted + failed > 0 || stop.isRequested else { return nothing() }
        tell(deleted: deleted, failed: failed, isRecursive: true)
        return stop.isRequested ? .failed : failed > 0 ? .problems : .done
    }

    private func nothing() -> ExitCause {
        context.console.complain("nothing begins with \(address)")
        return .failed
    }

    private func census(until stop: StopSignal) async throws(S3Error) -> (count: Int64, bytes: Int64) {
        var (count, bytes): (Int64, Int64) = (0, 0)
        var pages = context.client.pages(of: address.bucket, ListQuery(prefix: address.key)).makeAsyncIterator()
        while !stop.isRequested, let page = try await pages.next() {
            count += Int64(page.objects.count)
            bytes = page.objects.reduce(bytes) { $0.addingReportingOverflow($1.size).partialValue }
            context.console.replaceLine("counting: \(Format.count(count, "object"))")
        }
        context.console.clearLine()
        return (count, bytes)
    }

    private func confirms(_ question: String, until stop: StopSignal) -> Bool {
        writeAll(STDERR_FILENO, Array(question.utf8))
        guard let answer = StandardInput.line(until: stop) else {
            // The question's line was not ended by an answer.
            writeAll(STDERR_FILENO, [UInt8(ascii: "\n")])
            return false
        }
        return ["y", "yes"].contains(answer.lowercased())
    }

    private func tell(deleted: Int64, failed: Int64, isRecursive: Bool) {
        if context.isJSON {
            context.console.json(
                .object([JSONMember("deleted", .integer(deleted)), JSONMember("failed", .integer(failed))])
            )
        } else {
            let more = failed > 0 ? ", \(Format.count(failed)) could not be" : ""
            let what = isRecursive ? Format.count(deleted, "object") : "\(address)"
            context.console.line("deleted \(what)\(more)")
        }
    }
}
