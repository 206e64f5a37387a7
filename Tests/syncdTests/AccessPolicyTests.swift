import SyncEngine
import Testing
import Text

@testable import syncd

struct AccessPolicyTests {
    private func statements(_ policy: AccessPolicy) throws -> [JSONValue] {
        // What is printed is read back, as IAM does.
        let json = try JSONParser.parse(Array(policy.json.indented.utf8))
        #expect(json["Version"]?.text == "2012-10-17")
        return try #require(json["Statement"]?.elements)
    }

    private func actions(_ statements: [JSONValue]) -> Set<String> {
        Set(statements.flatMap { $0["Action"]?.elements ?? [] }.compactMap(\.text))
    }

    private func grant(_ access: AccessPolicy.Access, prefix: String = "") -> AccessPolicy.Grant {
        AccessPolicy.Grant(bucket: "family", prefix: Array(prefix.utf8), access: access)
    }

    @Test func `a whole bucket, read and written`() throws {
        let statements = try statements(AccessPolicy(grants: [grant(.writeAndDelete)]))
        #expect(
            actions(statements) == [
                "s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject",
                "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
                "s3:ListBucketMultipartUploads",
            ]
        )
        #expect(statements.allSatisfy { $0["Effect"]?.text == "Allow" && $0["Condition"] == nil })
        let resources = Set(statements.flatMap { $0["Resource"]?.elements ?? [] }.compactMap(\.text))
        #expect(resources == ["arn:aws:s3:::family", "arn:aws:s3:::family/*"])
    }

    @Test func `reading needs no more than to list and to get`() throws {
        let statements = try statements(AccessPolicy(grants: [grant(.read)], listsBuckets: true))
        #expect(
            actions(statements) == [
                "s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListAllMyBuckets",
            ]
        )
    }

    @Test func `without deletes only syncd's own probes may be deleted`() throws {
        let statements = try statements(AccessPolicy(grants: [grant(.write, prefix: "a/")]))
        let deleting = statements.filter { $0["Action"]?.elements?.contains(.string("s3:DeleteObject")) ?? false }
        #expect(deleting.map { $0["Resource"] } == [.array([.string("arn:aws:s3:::family/a/.syncd/*")])])
    }

    @Test func `a prefix is the only part that is listed and touched, whatever it holds`() throws {
        let statements = try statements(AccessPolicy(grants: [grant(.writeAndDelete, prefix: "a*/b?$/")]))
        let list = try #require(statements.first { $0["Action"]?.elements == [.string("s3:ListBucket")] })
        #expect(list["Condition"]?["StringLike"]?["s3:prefix"]?.elements == [.string("a${*}/b${?}${$}/*")])
        let objects = statements.filter { $0["Action"]?.elements?.contains(.string("s3:GetObject")) ?? false }
        #expect(objects.first?["Resource"]?.elements == [.string("arn:aws:s3:::family/a${*}/b${?}${$}/*")])
    }

    @Test func `statements have names of their own`() throws {
        let statements = try statements(AccessPolicy(grants: [grant(.read), grant(.write, prefix: "b/")]))
        let names = statements.compactMap { $0["Sid"]?.text }
        #expect(Set(names).count == statements.count)
        #expect(names.allSatisfy { $0.utf8.allSatisfy(isLetterOrDigit) })
    }

    @Test(arguments: [
        (Policy(direction: .down, deletes: true), AccessPolicy.Access.read),
        (Policy(direction: .up, deletes: false), .write), (Policy(direction: .up, deletes: true), .writeAndDelete),
        (Policy(direction: .both, deletes: true), .writeAndDelete),
    ])
    func `a folder's direction says what it needs`(policy: Policy, access: AccessPolicy.Access) {
        #expect(AccessPolicy.Access(policy) == access)
    }

    @Test(arguments: [
        ([:], "aws"), (["AWS_REGION": "cn-north-1"], "aws-cn"), (["AWS_DEFAULT_REGION": "eusc-de-east-1"], "aws-eusc"),
        (["AWS_REGION": "us-gov-west-1", "AWS_DEFAULT_REGION": "eu-west-1"], "aws-us-gov"),
    ])
    func `the partition of a bucket is that of the environment's region`(
        variables: [String: String],
        partition: String
    ) {
        let grant = PolicyCommand.grant(bucket: "family", prefix: "a", environment(variables))
        #expect(grant.partition == partition)
        #expect(grant.prefix == Array("a/".utf8))
    }
}
