import TestSupport
import Testing

@testable import S3API

/// Deletes, as a service understands them that reads their XML by itself.
struct FaultDeleteTests {
    private static func names(_ fixture: FaultFixture) -> Set<String> {
        fixture.server.withStore { store in
            Set((store.buckets["bucket"]?.objects ?? [:]).keys.map { String(decoding: $0, as: UTF8.self) })
        }
    }

    @Test func `every odd key is deleted, and none that looks like it`() async throws {
        let fixture = try FaultFixture()
        let neighbours = [
            "tab\there\nreturn", "tab here return", "a/b", "a%2Fc", "x", "with+space", "\u{C9}", "b\u{FFFD}\u{FFFD}",
            "!*()[]{}&lt;&gt;|^`",
        ]
        for neighbour in neighbours { fixture.put([2], as: neighbour) }
        fixture.server.withStore { store in
            for odd in OddKey.all {
                let object = FaultObject(content: [1], etag: "e", modified: 0)
                store.buckets["bucket"]?.objects[odd.bytes] = object
            }
        }
        let keys = OddKey.all.map { ObjectKey($0.bytes) }
        let outcomes = try await fixture.client.deleteObjects(bucket: fixture.bucket, keys: keys)
        #expect(outcomes.map(\.key) == keys)
        for outcome in outcomes { #expect(outcome.error == nil, "\(outcome.key)") }
        #expect(Self.names(fixture) == Set(neighbours))
        #expect(fixture.server.count(of: .deleteObjects) == 1 && fixture.server.count(of: .deleteObject) == 5)
    }

    @Test func `a thousand keys go in one request, whose MD5 is that of its body`() async throws {
        let fixture = try FaultFixture()
        fixture.server.withStore { store in
            for number in 0..<1_001 { store.put([1], as: "k\(number)") }
        }
        let keys = (0..<S3Client.maximumBatch).map { ObjectKey("k\($0)") }
        let outcomes = try await fixture.client.deleteObjects(bucket: fixture.bucket, keys: keys)
        #expect(outcomes.count == 1_000 && outcomes.allSatisfy { $0.error == nil })
        #expect(Self.names(fixture) == ["k1000"] && fixture.server.records.count == 1)
    }

    @Test(
        arguments: [
            .reset, .resetAfterEffect, .truncate(after: 0), .truncate(after: 100), .error(500, "InternalError"),
        ]
            as [Fault]
    )
    func `deletes whose answer was lost are sent again, for to delete what is gone is no error`(
        fault: Fault
    ) async throws {
        let fixture = try FaultFixture()
        for name in ["a", "b", "c"] { fixture.put([1], as: name) }
        fixture.server.on(.deleteObjects, 1, fault)
        fixture.server.on(.deleteObject, 1, fault)
        let outcomes = try await fixture.client.deleteObjects(
            bucket: fixture.bucket,
            keys: ["a", "b", "absent"].map { ObjectKey($0) }
        )
        #expect(outcomes.map { $0.error?.code } == [nil, nil, nil])
        try await fixture.client.deleteObject(bucket: fixture.bucket, key: ObjectKey("c"))
        try await fixture.client.deleteObject(bucket: fixture.bucket, key: ObjectKey("c"))
        #expect(Self.names(fixture).isEmpty)
    }

    @Test func `of a batch only what the service was too busy for is asked again, and what it keeps is told`()
        async throws
    {
        let fixture = try FaultFixture()
        for name in ["a", "b", "locked"] { fixture.put([1], as: name) }
        fixture.server.withStore { store in
            store.buckets["bucket"]?.deleteErrors = [
                Array("b".utf8): ["InternalError", "SlowDown"], Array("locked".utf8): ["AccessDenied"],
            ]
        }
        let keys = ["a", "b", "locked"].map { ObjectKey($0) }
        let outcomes = try await fixture.client.deleteObjects(bucket: fixture.bucket, keys: keys)
        #expect(outcomes.map { $0.error?.code } == [nil, nil, .accessDenied])
        #expect(Self.names(fixture) == ["locked"] && fixture.server.count(of: .deleteObjects) == 3)
    }
}
