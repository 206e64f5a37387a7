/// A part of AWS's cloud with regions, names and accounts of its own, which shares nothing with the others but its API.
///
/// - SeeAlso: AWS Fault Isolation Boundaries, "Partitions", and botocore's `partitions.json`, as known in 2026-11.
public struct AWSPartition: Hashable, Sendable {
    /// As ARNs begin with it: `aws-cn`.
    public var id: String
    /// What the names of its hosts end in: `amazonaws.com.cn`.
    public var hostSuffix: String
    /// What the names of its regions begin with; empty for the first one, which has all that the others have not.
    private var regionPrefix: String

    private init(_ id: String, regions regionPrefix: String, _ hostSuffix: String) {
        self.id = id
        self.regionPrefix = regionPrefix
        self.hostSuffix = hostSuffix
    }

    /// All of them.
    public static let all = others + [standard]

    private static let standard = AWSPartition("aws", regions: "", "amazonaws.com")

    private static let others = [
        AWSPartition("aws-cn", regions: "cn-", "amazonaws.com.cn"),
        AWSPartition("aws-eusc", regions: "eusc-", "amazonaws.eu"),
        AWSPartition("aws-us-gov", regions: "us-gov-", "amazonaws.com"),
        AWSPartition("aws-iso", regions: "us-iso-", "c2s.ic.gov"),
        AWSPartition("aws-iso-b", regions: "us-isob-", "sc2s.sgov.gov"),
        AWSPartition("aws-iso-e", regions: "eu-isoe-", "cloud.adc-e.uk"),
        AWSPartition("aws-iso-f", regions: "us-isof-", "csp.hci.ic.gov"),
    ]

    /// The one that a region belongs to.
    public static func of(region: String) -> AWSPartition {
        others.first { region.hasPrefix($0.regionPrefix) } ?? standard
    }

    /// Whether a host, in lower case and without a port, is one of AWS's.
    public static func isHost(_ host: String) -> Bool { all.contains { host.hasSuffix(".\($0.hostSuffix)") } }
}

extension S3Client {
    /// Whether it speaks to AWS itself, by AWS's own hosts.
    public var isAWS: Bool { connection.endpoint == nil }
}
