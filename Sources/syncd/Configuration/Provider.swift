import S3API
import SyncEngine

/// What is known of a kind of S3 service before anything is tried. It only spares trials and keeps to limits: that a
/// service can do something is believed when it was seen, never because of its name.
struct Provider: Hashable, Sendable {
    /// As the configuration names it.
    var name: String
    /// Ends of the hosts that it is known by.
    var hosts: [String] = []
    /// Where the configuration names no region.
    var region: String?
    /// What it lacks for sure.
    var lacks: Set<Capabilities.Feature> = []
    /// Whether bodies are to be signed over TLS as well.
    var signsBodies = false
    /// Parts of one upload, and those of one object under way at once.
    var maximumParts: Int64 = 10_000
    var partsAtOnce = 8

    /// Sources, read in 2026-11: the services' own documents on limits; rclone's files of providers' quirks; litestream's
    /// guide to providers (signed bodies, R2's few connections); for SeaweedFS and Ceph our own trials, docs/PROVIDERS.md.
    static let all = [
        Provider(name: "aws", hosts: AWSPartition.all.map { ".\($0.hostSuffix)" }),
        Provider(
            name: "r2",
            hosts: [".r2.cloudflarestorage.com"],
            region: "auto",
            signsBodies: true,
            partsAtOnce: 2
        ),
        Provider(name: "b2", hosts: [".backblazeb2.com"], signsBodies: true),
        Provider(name: "spaces", hosts: [".digitaloceanspaces.com"]),
        Provider(name: "wasabi", hosts: [".wasabisys.com"]),
        Provider(name: "hetzner", hosts: [".your-objectstorage.com"], signsBodies: true),
        Provider(name: "scaleway", hosts: [".scw.cloud"], maximumParts: 1_000),
        Provider(name: "minio", lacks: [.emptySegments]),
        Provider(name: "ceph"),
        Provider(name: "seaweedfs", lacks: [.byteOrder, .backslashes, .emptySegments]),
        other,
    ]

    static let other = Provider(name: "other")

    /// By what the configuration calls it, else by the endpoint's host; no endpoint is AWS.
    static func find(named name: String?, endpoint: S3Endpoint?) -> Provider {
        if let name, let named = all.first(where: { $0.name == name }) { return named }
        guard let endpoint else { return all[0] }
        let host = endpoint.authority.split(separator: ":").first.map(String.init) ?? ""
        return all.first { provider in provider.hosts.contains { host.hasSuffix($0) } } ?? other
    }

    /// What need not be tried.
    var capabilities: Capabilities {
        var capabilities = Capabilities()
        for feature in lacks { capabilities[feature] = .no }
        return capabilities
    }

    var parts: PartPolicy {
        var parts = PartPolicy.standard
        (parts.maximumParts, parts.partsAtOnce) = (maximumParts, partsAtOnce)
        return parts
    }
}
