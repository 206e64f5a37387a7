/// A part of AWS that stands by itself: its own accounts, hosts and names of things.
///
/// - SeeAlso: botocore, `partitions.json`, read 2026-11-28.
public struct Partition: Hashable, Sendable {
    /// What stands in the names of its things: `aws` in `arn:aws:s3:::bucket`.
    public let id: String
    /// What its hosts end in, without a leading dot.
    let suffix: String

    private static let standard = Partition(id: "aws", suffix: "amazonaws.com")
    private static let others: [(prefix: String, partition: Partition)] = [
        ("cn-", Partition(id: "aws-cn", suffix: "amazonaws.com.cn")),
        ("us-gov-", Partition(id: "aws-us-gov", suffix: "amazonaws.com")),
        ("eusc-", Partition(id: "aws-eusc", suffix: "amazonaws.eu")),
    ]

    private init(id: String, suffix: String) {
        (self.id, self.suffix) = (id, suffix)
    }

    /// The one that a region belongs to, known by how its name begins.
    public init(ofRegion region: String) {
        self = Self.others.first { region.hasPrefix($0.prefix) }?.partition ?? Self.standard
    }
}
