import ArgumentParser
import S3API
import SyncEngine
import Text

/// `syncd policy`
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Print the least IAM policy that the keys need.",
        discussion: """
            Without --bucket it is for the folders of the configuration: read-only for
            those that go down, without deletes where "delete" is false, and for the
            prefix alone where there is one. The JSON is what IAM takes; services beside
            AWS that know policies mostly take it too. It sends no request. Where objects are
            under a key of KMS, "kmsKeyId" must be the key's ARN to be among what is printed.

            Examples:
              syncd policy > policy.json
              syncd policy photos
              syncd policy --bucket family --prefix photos/ --read-only
            """
    )

    @Argument(help: "The folder to print it for; all where none is named.")
    var folder: String?

    @Option(help: ArgumentHelp("For this bucket, and no configuration.", valueName: "name"))
    var bucket: String?

    @Option(help: ArgumentHelp("With --bucket: for this part of it alone.", valueName: "text"))
    var prefix: String?

    @Flag(help: "Allow nothing but to list and to read.")
    var readOnly = false

    @Flag(help: "Allow to list the account's buckets, too, which `syncd buckets` wants.")
    var listBuckets = false

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func validate() throws {
        if prefix != nil, bucket == nil { throw ValidationError("--prefix goes with --bucket") }
        if bucket != nil, folder != nil { throw ValidationError("name a folder, or a bucket by --bucket") }
    }

    func run() async throws {
        try parent.refuseOnce(before: "policy")
        var notes: [String] = []
        var grants =
            try bucket.map { [Self.grant(bucket: $0, prefix: prefix ?? "", .current)] } ?? configuredGrants(&notes)
        if readOnly {
            for index in grants.indices { grants[index].access = .read }
        }
        let policy = AccessPolicy(grants: grants, listsBuckets: listBuckets)
        for note in notes { Console.standard(.current).complain(note) }
        Console.standard(.current).lines([policy.json.indented])
    }

    /// For a bucket without a configuration: the environment says in which of AWS's regions it is.
    static func grant(bucket: String, prefix: String, _ environment: ProcessEnvironment) -> AccessPolicy.Grant {
        let whole = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
        return AccessPolicy.Grant(
            bucket: bucket,
            prefix: Array(whole.utf8),
            access: .writeAndDelete,
            partition: AWSPartition.of(region: environment.region ?? "").id
        )
    }

    /// `notes` is what the policy lacks, for the operator to add.
    private func configuredGrants(_ notes: inout [String]) throws -> [AccessPolicy.Grant] {
        let context = try shared.open(needsCredentials: false)
        var grants: [AccessPolicy.Grant] = []
        for folder in try context.folders(named: folder) {
            var grant = AccessPolicy.Grant(
                bucket: folder.folder.bucket,
                prefix: folder.folder.prefix,
                access: AccessPolicy.Access(folder.folder.policy),
                partition: AWSPartition.of(region: folder.connection.region).id
            )
            grant.setsACL = folder.writing.acl != nil
            if case .kms(let key?) = folder.writing.encryption {
                if key.hasPrefix("arn:") {
                    grant.kmsKeys = [key]
                } else {
                    let name = folder.folder.name
                    notes.append(
                        "\(name): the KMS key is not named by its ARN: add kms:Decrypt and kms:GenerateDataKey for it"
                    )
                }
            }
            grants.append(grant)
        }
        return grants
    }
}
