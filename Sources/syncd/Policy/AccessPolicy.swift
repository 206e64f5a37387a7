import SyncEngine
import Text

/// What keys must be allowed, as an IAM policy: no more than a run asks for.
///
/// - SeeAlso: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3", as known in
///   2026-11.
struct AccessPolicy: Sendable {
    /// A part of a bucket, and what is done there.
    struct Grant: Hashable, Sendable {
        var bucket: String
        /// Empty for the whole bucket, or ending in `/`.
        var prefix: [UInt8]
        var access: Access
        /// Of AWS's cloud, by its id.
        var partition = "aws"
        /// Keys of KMS by their ARN, with which objects there are encrypted.
        var kmsKeys: [String] = []
        /// Whether objects are written with an ACL.
        var setsACL = false
    }

    enum Access: Hashable, Sendable {
        case read
        /// Without deletes but for syncd's own probes.
        case write
        case writeAndDelete
    }

    var grants: [Grant]
    /// Whether all buckets of the account may be listed, as `syncd buckets` does.
    var listsBuckets = false

    var json: JSONValue {
        var all = grants.enumerated().flatMap { statements(of: $1, number: grants.count > 1 ? $0 + 1 : nil) }
        if listsBuckets { all.append(Self.statement("ListBuckets", ["s3:ListAllMyBuckets"], on: ["*"])) }
        return .object([
            JSONMember("Version", .string("2012-10-17")), JSONMember("Statement", .array(all)),
        ])
    }

    /// `number` goes into the names of the statements, which must differ.
    private func statements(of grant: Grant, number: Int?) -> [JSONValue] {
        let suffix = number.map(String.init) ?? ""
        let bucket = "arn:\(grant.partition):s3:::\(grant.bucket)"
        let prefix = Self.literal(grant.prefix)
        let objects = "\(bucket)/\(prefix)*"
        let condition = grant.prefix.isEmpty ? nil : "\(prefix)*"
        let list = Self.statement("List\(suffix)", ["s3:ListBucket"], on: [bucket], prefix: condition)
        let location = Self.statement("Locate\(suffix)", ["s3:GetBucketLocation"], on: [bucket])
        let read = Self.statement("Read\(suffix)", ["s3:GetObject", "s3:GetObjectVersion"], on: [objects])
        var statements = [list, location, read]
        let acl = grant.setsACL ? ["s3:PutObjectAcl"] : []
        let parts = ["s3:PutObject"] + acl + ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        switch grant.access {
        case .read: break
        case .write:
            statements.append(Self.statement("Write\(suffix)", parts, on: [objects]))
            let probes = "\(bucket)/\(prefix).syncd/*"
            statements.append(Self.statement("DeleteProbes\(suffix)", ["s3:DeleteObject"], on: [probes]))
        case .writeAndDelete:
            statements.append(Self.statement("Write\(suffix)", parts + ["s3:DeleteObject"], on: [objects]))
        }
        if grant.access != .read {
            // No condition on a prefix is known for it.
            let uploads = Self.statement("ListUploads\(suffix)", ["s3:ListBucketMultipartUploads"], on: [bucket])
            statements.append(uploads)
        }
        if !grant.kmsKeys.isEmpty {
            let actions = grant.access == .read ? ["kms:Decrypt"] : ["kms:Decrypt", "kms:GenerateDataKey"]
            statements.append(Self.statement("Encrypt\(suffix)", actions, on: grant.kmsKeys))
        }
        return statements
    }

    private static func statement(
        _ name: String,
        _ actions: [String],
        on resources: [String],
        prefix: String? = nil
    ) -> JSONValue {
        var members = [
            JSONMember("Sid", .string(name)), JSONMember("Effect", .string("Allow")),
            JSONMember("Action", .array(actions.map { .string($0) })),
            JSONMember("Resource", .array(resources.map { .string($0) })),
        ]
        if let prefix {
            let like = JSONValue.object([JSONMember("s3:prefix", .array([.string(prefix)]))])
            members.append(JSONMember("Condition", .object([JSONMember("StringLike", like)])))
        }
        return .object(members)
    }

    /// A prefix as a policy means it: `*`, `?` and `$` stand for themselves only as variables.
    private static func literal(_ prefix: [UInt8]) -> String {
        String(decoding: prefix, as: UTF8.self).map { character in
            switch character {
            case "*", "?", "$": "${\(character)}"
            default: String(character)
            }
        }.joined()
    }
}

extension AccessPolicy.Access {
    init(_ policy: Policy) {
        switch policy.direction {
        case .down: self = .read
        case .up: self = policy.deletes ? .writeAndDelete : .write
        case .both: self = .writeAndDelete
        }
    }
}
