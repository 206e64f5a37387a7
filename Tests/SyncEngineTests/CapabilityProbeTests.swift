import S3API
import SyncEngine
import TestSupport
import Testing

struct CapabilityProbeTests {
    private func probe(
        _ server: FaultServer,
        writing: ObjectWriting = ObjectWriting()
    ) async throws -> CapabilityProbe.Findings {
        try await CapabilityProbe(
            client: try server.client(environment: FakeS3World().environment),
            bucket: FaultServer.bucket,
            prefix: Array("p/".utf8),
            writing: writing,
            nonce: [1, 2, 3, 4]
        ).run()
    }

    private func keys(_ server: FaultServer) -> Int {
        server.withStore { $0.buckets[FaultServer.bucket]?.objects.count ?? -1 }
    }

    @Test func `what a service refuses is seen, and nothing is left`() async throws {
        let server = try FaultServer()
        let found = try await probe(server)
        let capabilities = found.capabilities
        for feature in [
            Capabilities.Feature.putIfNoneMatch, .putIfMatch, .completeIfMatch, .getIfMatch, .contentMD5, .crc32c,
            .crc64nvme, .batchDelete,
            .byteOrder, .backslashes, .emptySegments, .controlCharacters, .markers,
        ] {
            #expect(capabilities[feature] == .yes, "\(feature)")
        }
        #expect(Permissions.Action.allCases.allSatisfy { found.permissions[$0] == .yes })
        #expect(keys(server) == 0)
        #expect(server.withStore { $0.uploads().isEmpty })
        let stems = Set(server.records.compactMap(\.request.key).map { $0.prefix(24) })
        #expect(stems == [Array("p/.syncd/probe-01020304/".utf8)[...]], "it writes elsewhere")
    }

    @Test func `a service that looks at nothing can nothing`() async throws {
        let server = try FaultServer()
        server.configure {
            $0.ignoresConditions = true
            $0.listsByDirectory = true
            $0.comparesChecksums = false
        }
        let found = try await probe(server).capabilities
        for feature in [
            Capabilities.Feature.putIfNoneMatch, .putIfMatch, .putIfMatchUnquoted, .completeIfMatch, .deleteIfMatch,
            .getIfMatch, .byteOrder,
            .crc32c, .crc64nvme,
        ] {
            #expect(found[feature] == .no, "\(feature)")
        }
        #expect(keys(server) == 0)
        #expect(server.withStore { $0.uploads().isEmpty })
    }

    @Test(arguments: [
        (FaultOperation.putObject, Permissions.Action.put), (.listObjectsV2, .list), (.getObject, .get),
        (.abortMultipartUpload, .abort),
    ])
    func `what the keys may not do is seen`(operation: FaultOperation, action: Permissions.Action) async throws {
        let server = try FaultServer()
        server.on(operation, .every, .deny)
        let found = try await probe(server)
        #expect(found.permissions[action] == .no)
        #expect(keys(server) == 0)
    }

    @Test func `who may not delete leaves the probes, and is told`() async throws {
        let server = try FaultServer()
        server.on(.deleteObjects, .every, .deny)
        server.on(.deleteObject, .every, .deny)
        let found = try await probe(server)
        #expect(found.permissions[.delete] == .no)
        #expect(found.capabilities[.batchDelete] == .unknown)
    }

    @Test func `a service without batches is asked key by key`() async throws {
        let server = try FaultServer()
        server.on(.deleteObjects, .every, .error(501, "NotImplemented"))
        let found = try await probe(server)
        #expect(found.capabilities[.batchDelete] == .no)
        #expect(found.permissions[.delete] == .yes)
        #expect(keys(server) == 0)
    }

    @Test func `a failure under way leaves nothing`() async throws {
        let server = try FaultServer()
        server.on(.getObject, .every, .error(403, "InvalidAccessKeyId"))
        await #expect(throws: S3Error.self) { try await probe(server) }
        #expect(keys(server) == 0)
    }

    @Test func `a service that takes an empty part for a copy copies no parts`() async throws {
        #expect(try await probe(FaultServer()).capabilities[.partCopy] == .no)
    }

    @Test func `under KMS, where every PUT leaves another ETag, If-Match is seen to work`() async throws {
        let server = try FaultServer()
        server.configure { $0.encryptsByKMS = true }
        #expect(try await probe(server).capabilities[.putIfMatch] == .yes)
    }

    @Test func `a service may look at what a PUT replaces, and not at what an upload in parts does`() async throws {
        let server = try FaultServer()
        server.configure { $0.completesAnyway = true }
        let found = try await probe(server).capabilities
        #expect(found[.putIfMatch] == .yes && found[.completeIfMatch] == .no)
        #expect(server.count(of: .completeMultipartUpload) == 1 && server.withStore { $0.uploads().isEmpty })
    }

    @Test(arguments: [(2, Capabilities.Verdict.no), (3, .no), (1, .unknown), (2, .unknown), (3, .unknown)])
    func `what is refused for another reason, or is taken, is not relied on`(
        turn: Int,
        expected: Capabilities.Verdict
    ) async throws {
        let server = try FaultServer()
        let turns = FaultTurn.from(turn...turn)
        switch (turn, expected) {
        // It looks at If-None-Match alone, as moto does.
        case (2, .no): server.on(.completeMultipartUpload, turns, .answer(FaultAnswer(200, body: Self.completed)))
        // It refuses the right one, too.
        case (_, .no): server.on(.completeMultipartUpload, turns, .error(412, "PreconditionFailed"))
        case (_, .yes), (_, .unknown): server.on(.completeMultipartUpload, turns, .deny)
        }
        let found = try await probe(server).capabilities
        #expect(found[.completeIfMatch] == expected)
        #expect(keys(server) == 0 && server.withStore { $0.uploads().isEmpty })
    }

    private static let completed = Array(
        "<CompleteMultipartUploadResult><ETag>\"1-1\"</ETag></CompleteMultipartUploadResult>".utf8
    )

    @Test func `a checksum that refuses the right one as well is none`() async throws {
        let server = try FaultServer()
        server.on(.putObject, .every, .error(400, "BadDigest")) { $0.header("x-amz-checksum-crc64nvme") != nil }
        let found = try await probe(server).capabilities
        #expect(found[.crc64nvme] == .no && found[.crc32c] == .yes)
    }

    @Test func `the probes are written as the folder's objects are`() async throws {
        let server = try FaultServer()
        var writing = ObjectWriting()
        writing.acl = "bucket-owner-full-control"
        writing.encryption = .kms(key: "k")
        _ = try await probe(server, writing: writing)
        let puts = (server.records(of: .putObject) + server.records(of: .createMultipartUpload)).map(\.request)
        #expect(server.count(of: .createMultipartUpload) == 2)
        #expect(!puts.isEmpty)
        for put in puts {
            #expect(put.header("x-amz-acl") == "bucket-owner-full-control")
            #expect(put.header("x-amz-server-side-encryption") == "aws:kms")
        }
    }

    @Test func `an object under the operator's own key is tried with it`() async throws {
        let server = try FaultServer()
        var writing = ObjectWriting()
        writing.encryption = .customer(try #require(CustomerKey([UInt8](repeating: 7, count: 32))))
        let found = try await probe(server, writing: writing)
        #expect(found.capabilities[.putIfMatch] == .yes && found.capabilities[.copyIfMatch] == .unknown)
        #expect(keys(server) == 0)
    }

    /// Those of others that go on now are left alone.
    @Test func `what a kill left goes after an hour`() async throws {
        let now = FakeS3World().seconds
        let server = try FaultServer(clock: { now })
        server.withStore { store in
            store.put([1], as: "p/.syncd/probe-aaaa/object", modified: now - 3_700)
            store.put([1], as: "p/.syncd/probe-bbbb/object", modified: now - 3_500)
            store.put([1], as: "q/.syncd/probe-cccc/object", modified: now - 90_000)
            store.put([1], as: "p/.syncd/other", modified: now - 90_000)
            for (id, key, age) in [
                ("old", "p/.syncd/probe-aaaa/part", 3_700), ("young", "p/.syncd/probe-bbbb/part", 3_500),
                ("other", "p/.syncd/other", 90_000), ("foreign", "q/.syncd/probe-cccc/part", 90_000),
            ] {
                let upload = FaultUpload(id: id, key: Array(key.utf8), initiated: now - Int64(age))
                store.buckets[FaultServer.bucket]?.uploads[id] = upload
            }
        }
        _ = try await probe(server)
        let left = server.withStore {
            $0.buckets[FaultServer.bucket]?.objects.keys.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(left?.sorted() == ["p/.syncd/other", "p/.syncd/probe-bbbb/object", "q/.syncd/probe-cccc/object"])
        let uploads = server.withStore { $0.buckets[FaultServer.bucket]?.uploads.keys.sorted() }
        #expect(uploads == ["foreign", "other", "young"])
    }

    @Test func `refused keys end it`() async throws {
        let server = try FaultServer()
        server.on(.putObject, .every, .error(403, "InvalidAccessKeyId"))
        await #expect(throws: S3Error.self) { try await probe(server) }
    }
}
