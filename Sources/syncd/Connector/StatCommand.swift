import ArgumentParser
import S3API
import SyncEngine
import Text

/// `syncd stat`
struct StatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Show what is known of an object.",
        discussion: """
            It sends one request and reads none of the object's bytes.

            Examples:
              syncd stat s3://family/photos/new.jpg
              syncd stat family/photos/new.jpg --json | jq .size
            """
    )

    @Argument(help: "s3://BUCKET/KEY, or BUCKET/KEY.")
    var object: String

    @OptionGroup var connector: ConnectorOptions
    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "stat")
        let address = try ObjectAddress(object)
        try address.requireKey()
        let context = try connector.open(shared)
        try await context.finish { _ throws(S3Error) in
            let object = try await context.client.headObject(bucket: address.bucket, key: address.key)
            let screen = StatScreen(address: address, object: object)
            if context.isJSON {
                context.console.json(screen.json)
            } else {
                context.console.lines(screen.lines)
            }
            return .done
        }
    }
}

/// What is known of one object.
struct StatScreen: Sendable {
    var address: ObjectAddress
    var object: S3Object

    var lines: [String] {
        var fields = [
            (
                "size",
                "\(Format.size(object.size))" + (object.size < 1_024 ? "" : " (\(Format.count(object.size)) bytes)")
            ),
            ("modified", ListingScreen.clock(object.modified)),
            ("type", object.contentType ?? ""),
            ("etag", object.etag),
            ("class", object.storageClass ?? ""),
            ("encryption", object.encryption ?? ""),
            ("version", object.versionID ?? ""),
        ]
        fields += object.metadata.sorted { $0.key < $1.key }.map { ("meta \($0.key)", $0.value) }
        let known = fields.filter { !$0.1.isEmpty }
        let width = (known.map(\.0.count).max() ?? 0) + 2
        return ["\(address)"] + known.map { "  " + Columns.pad(printable($0.0), to: width) + printable($0.1) }
    }

    var json: JSONValue {
        let metadata = object.metadata.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) }
        return .object(
            ListingScreen.members(address.key, named: "key") + [
                JSONMember("size", .integer(object.size)),
                JSONMember("modified", .optional(object.modified.map { Format.timestamp(UnixTime($0)) })),
                JSONMember("etag", .string(object.etag)),
                // AWS leaves the header out for the usual class.
                JSONMember("storageClass", .optional(object.storageClass)),
                JSONMember("contentType", .optional(object.contentType)),
                JSONMember("encryption", .optional(object.encryption)),
                JSONMember("metadata", .object(metadata)),
                JSONMember("versionId", .optional(object.versionID)),
            ]
        )
    }
}
