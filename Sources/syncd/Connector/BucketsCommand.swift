import ArgumentParser
import S3API
import SyncEngine
import Text

/// `syncd buckets`
struct BucketsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "buckets",
        abstract: "List the buckets.",
        discussion: """
            The keys must be allowed to list all buckets (s3:ListAllMyBuckets). A region
            that they may not ask for is shown as "-".

            Examples:
              syncd buckets
              syncd buckets --json | jq -r .name
            """
    )

    @OptionGroup var connector: ConnectorOptions
    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "buckets")
        let context = try connector.open(shared)
        try await context.finish { _ throws(S3Error) in try await BucketsRun(context).run() }
    }
}

/// Lists the buckets, each with its region.
struct BucketsRun: Sendable {
    private let context: ConnectorContext

    init(_ context: ConnectorContext) {
        self.context = context
    }

    /// Requests for regions under way at once.
    private static let limit = 8

    func run() async throws(S3Error) -> ExitCause {
        var buckets = try await context.client.listBuckets()
        await askRegions(of: &buckets)
        if context.isJSON {
            for bucket in buckets { context.console.json(bucket.json) }
        } else {
            context.console.lines(Self.lines(buckets))
            if buckets.isEmpty { context.console.complain("there are no buckets") }
        }
        return .done
    }

    /// Asks for the regions that the list did not tell. One that may not be asked for stays unknown.
    private func askRegions(of buckets: inout [S3Bucket]) async {
        let client = context.client
        var rest = buckets.indices.filter { buckets[$0].region == nil }[...]
        let names = buckets.map(\.name)
        await withTaskGroup(of: (Int, String?).self) { group in
            func startNext() {
                guard let index = rest.popFirst() else { return }
                group.addTask { (index, try? await client.bucketLocation(names[index])) }
            }
            for _ in 0..<Self.limit { startNext() }
            for await (index, region) in group {
                buckets[index].region = region
                startNext()
            }
        }
    }

    static func lines(_ buckets: [S3Bucket]) -> [String] {
        let regionWidth = (buckets.compactMap { $0.region?.count }.max() ?? 1) + 2
        return buckets.map { bucket in
            ListingScreen.day(bucket.created) + "  " + Columns.pad(printable(bucket.region ?? "-"), to: regionWidth)
                + printable(bucket.name)
        }
    }
}

extension S3Bucket {
    fileprivate var json: JSONValue {
        .object([
            JSONMember("name", .string(name)),
            JSONMember("created", .optional(created.map { Format.timestamp(UnixTime($0)) })),
            JSONMember("region", .optional(region)),
        ])
    }
}
