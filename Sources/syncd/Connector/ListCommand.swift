import ArgumentParser
import S3API
import SyncEngine
import Text

/// `syncd ls`
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List objects, or the buckets.",
        discussion: """
            What lies deeper is shown as a folder, unless --recursive. The keys that begin
            with the place and the term of --search are found by the service; nothing else
            is asked for, and a bucket of any size is shown as it comes. Names that cannot
            be printed are shown escaped; --json has them as they are. It exits with 1
            where nothing was found.

            Examples:
              syncd ls
              syncd ls s3://family/photos/
              syncd ls family/photos/ --search 2024- --limit 20
              syncd ls family --recursive --json | jq -r 'select(.size > 1e9) | .key'
            """
    )

    @Argument(help: "s3://BUCKET[/PREFIX], or BUCKET[/PREFIX]; the buckets where none is given.")
    var place: String?

    @Flag(help: "All objects below the place, none hidden in folders.")
    var recursive = false

    @Option(help: ArgumentHelp("Only keys that go on with this behind the place.", valueName: "term"))
    var search: String?

    @Option(help: ArgumentHelp("At most so many lines.", valueName: "number"))
    var limit: Int?

    @OptionGroup var connector: ConnectorOptions
    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if place == nil, recursive || search != nil || limit != nil {
            throw ValidationError("--recursive, --search and --limit go with a bucket")
        }
    }

    func run() async throws {
        try parent.refuseOnce(before: "ls")
        let address = try place.map { text throws(UsageError) in try ObjectAddress(text) }
        let context = try connector.open(shared)
        try await context.finish { [recursive, search, limit] stop throws(S3Error) in
            guard let address else { return try await BucketsRun(context).run() }
            var list = ListRun(context, address)
            list.isRecursive = recursive
            list.term = search ?? ""
            list.limit = limit ?? Int.max
            return try await list.run(until: stop)
        }
    }
}

/// Shows a listing page by page, as it comes.
struct ListRun: Sendable {
    private let context: ConnectorContext
    private let address: ObjectAddress
    var isRecursive = false
    var term = ""
    /// Lines at most; at least 1.
    var limit = Int.max

    init(_ context: ConnectorContext, _ address: ObjectAddress) {
        self.context = context
        self.address = address
    }

    private static let pageSize = 1_000

    func run(until stop: StopSignal) async throws(S3Error) -> ExitCause {
        let prefix = address.key.bytes + Array(term.utf8)
        var query = ListQuery(prefix: ObjectKey(prefix), delimiter: isRecursive ? nil : "/")
        query.maxKeys = min(limit, Self.pageSize)
        // As with files: what is shown are names in the folder that the prefix lies in.
        let folder = isRecursive ? 0 : (prefix.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)
        let screen = ListingScreen(hidden: folder)
        var shown = 0
        var pages = context.client.pages(of: address.bucket, query).makeAsyncIterator()
        while shown < limit, !stop.isRequested, let page = try await pages.next() {
            let rows = ListingRow.rows(of: page).prefix(limit - shown)
            shown += rows.count
            guard show(Array(rows), screen) else { return .done }
        }
        if stop.isRequested { return .failed }
        guard shown == 0 else { return .done }
        let place = ObjectAddress(bucket: address.bucket, key: ObjectKey(prefix))
        context.console.complain(prefix.isEmpty ? "\(place) is empty" : "nothing begins with \(place)")
        return prefix.isEmpty ? .done : .failed
    }

    /// - Returns: false where nobody reads any more.
    private func show(_ rows: [ListingRow], _ screen: ListingScreen) -> Bool {
        let lines =
            context.isJSON
            ? rows.map { String(decoding: $0.json.serialized, as: UTF8.self) } : screen.lines(rows)
        return context.console.page(lines)
    }
}
