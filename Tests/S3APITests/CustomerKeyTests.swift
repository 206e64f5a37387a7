import TestSupport
import Testing

@testable import S3API

struct CustomerKeyTests {
    private static let key = ObjectKey(Array("k".utf8))
    private static let secret = [UInt8](repeating: 0x5A, count: 32)

    @Test func `a key has 32 bytes, and never shows`() throws {
        #expect(CustomerKey([]) == nil && CustomerKey([UInt8](repeating: 1, count: 31)) == nil)
        let key = try #require(CustomerKey(Self.secret))
        #expect("\(key)" == "CustomerKey" && String(reflecting: key) == "CustomerKey")
        #expect(Mirror(reflecting: key).children.isEmpty)
        #expect(key == CustomerKey(Self.secret) && key != CustomerKey([UInt8](repeating: 1, count: 32)))
    }

    @Test func `objects under the caller's key go and come with it, and with no other`() async throws {
        let fixture = try FaultFixture()
        let client = fixture.client.counting(with: try #require(CustomerKey(Self.secret)))
        let bucket = fixture.bucket
        _ = try await client.putObject(bucket: bucket, key: Self.key, body: .bytes([1, 2]))
        #expect(try await client.headObject(bucket: bucket, key: Self.key).etagIsOpaque)
        let answer = try await client.getObject(bucket: bucket, key: Self.key, sink: .memory(limit: 9))
        #expect(answer.response.body == [1, 2])
        _ = try await client.deleteObjects(bucket: bucket, keys: [ObjectKey([1])])
        _ = try await client.listObjects(bucket: bucket, ListQuery())
        let others = [fixture.client, fixture.client.counting(with: try #require(CustomerKey([UInt8](1...32))))]
        for other in others {
            let error = await failure { () async throws(S3Error) in
                try await other.getObject(bucket: bucket, key: Self.key, sink: .memory(limit: 9))
            }
            #expect(error?.status == 400)
        }
        for record in fixture.server.records
        where [.listObjectsV2, .deleteObjects].contains(record.request.operation) {
            #expect(record.request.header(FaultStore.customerKeyHeader) == nil)
        }
    }

    @Test func `every part of an upload bears the key`() async throws {
        let fixture = try FaultFixture { $0.minimumPartSize = 1 }
        let client = fixture.client.counting(with: try #require(CustomerKey(Self.secret)))
        let bucket = fixture.bucket
        let upload = try await client.createMultipartUpload(bucket: bucket, key: Self.key).id
        var parts: [(Int, String)] = []
        for number in 1...2 {
            let body = RequestBody.bytes([UInt8(number)])
            let part = try await client.uploadPart(
                bucket: bucket,
                key: Self.key,
                uploadID: upload,
                number: number,
                body: body
            )
            parts.append((number, part.etag))
        }
        _ = try await client.completeMultipartUpload(bucket: bucket, key: Self.key, uploadID: upload, parts: parts)
        let answer = try await client.getObject(bucket: bucket, key: Self.key, sink: .memory(limit: 9))
        #expect(answer.response.body == [1, 2] && answer.object.etagIsOpaque)
    }
}
