import S3API
import SyncEngine
import TestSupport
import Testing

struct ObjectWritingTests {
    @Test(arguments: [
        ("a.jpg", "image/jpeg"), ("dir.d/B.JPEG", "image/jpeg"), ("index.html", "text/html"),
        ("x.tar.gz", "application/gzip"),
        ("a.json", "application/json"), ("v.mp4", "video/mp4"), ("noextension", nil), (".hidden", nil),
        ("dir.jpg/x", nil),
        ("odd.", nil), ("x.neverheardof", nil), ("a.own", "x/own"), ("b.txt", "text/x-mine"),
    ])
    func `a name's extension says the content's type`(name: String, type: String?) {
        var writing = ObjectWriting()
        writing.contentTypes = ["own": "x/own", "txt": "text/x-mine"]
        #expect(writing.contentType(of: Array(name.utf8)) == type)
    }

    /// Small and large alike.
    @Test(arguments: [5, 350_000])
    func `what a folder's objects are written with goes with each`(count: Int) async throws {
        var writing = ObjectWriting()
        writing.storageClass = "STANDARD_IA"
        writing.encryption = .kms(key: "arn:key")
        writing.acl = "bucket-owner-full-control"
        writing.cacheControl = "no-cache"
        writing.metadata = ["owner": "backup"]
        let world = try S3World(.up, writing: writing)
        try world.write("a.jpg", S3World.noise(count, seed: 1))
        let report = await world.run()
        #expect(report.record.uploaded == 1 && report.problems.isEmpty)
        let operation: FaultOperation = count > 300_000 ? .createMultipartUpload : .putObject
        let headers = try #require(world.server.records(of: operation).first).request.headers
        let sent = Dictionary(headers.map { ($0.name, $0.value) }) { first, _ in first }
        #expect(sent["x-amz-storage-class"] == "STANDARD_IA")
        #expect(sent["x-amz-server-side-encryption"] == "aws:kms")
        #expect(sent["x-amz-server-side-encryption-aws-kms-key-id"] == "arn:key")
        #expect(sent["x-amz-acl"] == "bucket-owner-full-control")
        #expect(sent["cache-control"] == "no-cache")
        #expect(sent["content-type"] == "image/jpeg")
        #expect(sent["x-amz-meta-owner"] == "backup")
        #expect(sent["x-amz-meta-mtime"] != nil && sent["x-amz-meta-mode"] != nil)
    }

    @Test(arguments: [5, 350_000])
    func `objects whose ETag is no digest are not sent again`(count: Int) async throws {
        let world = try S3World(.up) { $0.encryptsByKMS = true }
        try world.write("k", S3World.noise(count, seed: 1))
        let first = await world.run()
        #expect(first.record.uploaded == 1 && first.problems.isEmpty)
        let second = await world.run()
        #expect(second.record.uploaded == 0 && second.record.requests == ["LIST": 1])
    }

    /// Small and large alike.
    @Test(arguments: [5, 350_000], [true, false])
    func `equal content is adopted by its checksum where the ETag says nothing`(count: Int, isSame: Bool) async throws {
        let world = try S3World(.up) { $0.encryptsByKMS = true }
        let content = S3World.noise(count, seed: 1)
        try world.write("k", content)
        world.put(isSame ? content : S3World.noise(count, seed: 2), as: "k", etag: String(repeating: "0", count: 32))
        let report = await world.run()
        #expect(report.record.uploaded == (isSame ? 0 : 1) && report.problems.isEmpty)
        #expect(world.contents == ["k": content])
        #expect(await world.run().record.requests == ["LIST": 1])
    }

    /// A large one's ranges bear no checksum: the whole is asked for at the end.
    @Test(arguments: [5, 350_000])
    func `a download whose ETag says nothing is compared with its checksum`(count: Int) async throws {
        let world = try S3World(.down)
        let key = Array("pre fix+/k".utf8)
        world.put(S3World.noise(count, seed: 1), as: "k", etag: "opaque")
        world.server.withStore { store in
            store.buckets[FaultServer.bucket]?.objects[key]?.checksum = Checksum(.crc64nvme, of: [1])
        }
        let report = await world.run()
        #expect(report.problems.map(\.problem.kind) == [.corrupt] && report.record.downloaded == 0)
        world.server.withStore { $0.buckets[FaultServer.bucket]?.objects[key]?.checksum = nil }
        let second = await world.run()
        #expect(second.problems.isEmpty && second.record.downloaded == 1)
    }

    @Test func `an archived object is a problem of its own, and deletes nothing`() async throws {
        let world = try S3World(.down, deletes: true)
        world.put([1], as: "k")
        world.put([2], as: "other")
        await world.run()
        world.put([1, 1], as: "k")
        world.server.on(.getObject, .every, .error(403, "InvalidObjectState"))
        let report = await world.run()
        #expect(report.problems.map(\.problem.kind) == [.archived])
        let next = try #require(report.nextAttempt)
        #expect(next.since(report.record.startedAt) >= .seconds(6 * 3_600), "it is asked for again too soon")
        #expect(world.contents == ["k": [1], "other": [2]])
    }
}
