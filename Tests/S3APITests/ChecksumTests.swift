import CChecksum
import TestSupport
import Testing

@testable import S3API

struct ChecksumTests {
    /// The check values of the catalogue of parametrised CRC algorithms: CRC-64/NVME and CRC-32/ISCSI.
    static let answers: [(Checksum.Algorithm, value: UInt64, base64: String)] = [
        (.crc64nvme, 0xAE8B_1486_0A79_9888, "rosUhgp5mIg="), (.crc32c, 0xE306_9283, "4waSgw=="),
    ]

    @Test(arguments: answers)
    func `the published check values come out`(algorithm: Checksum.Algorithm, value: UInt64, base64: String) {
        let checksum = Checksum(algorithm, of: Array("123456789".utf8))
        #expect(checksum.value == value && checksum.base64 == base64)
        #expect(Checksum(algorithm, base64: base64) == checksum)
        #expect(Checksum(algorithm, of: []).value == 0)
    }

    @Test(arguments: Checksum.Algorithm.allCases)
    func `what is no checksum in Base64 is none`(algorithm: Checksum.Algorithm) {
        for text in ["", "rosUhgp5mIg", "4waSgw==-2", "AAAA", "!!!!!!!!!!!=", "rosUhgp5mIgrosUhgp5mIg=="] {
            #expect(Checksum(algorithm, base64: text) == nil)
        }
    }

    /// At every alignment, across the sizes at which the fast ways begin and end.
    @Test(arguments: [UInt64(1), 2, 3])
    func `the processor's instructions and the tables agree, whole and in pieces`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<5_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        for _ in 0..<500 {
            let start = Int.random(in: 0..<64, using: &random)
            let count = Int.random(in: 0...(Bool.random(using: &random) ? 200 : 4_900), using: &random)
            let cut = Int.random(in: 0...count, using: &random)
            let before = random.next()
            bytes[start..<start + count].withUnsafeBytes { piece in
                let head = UnsafeRawBufferPointer(rebasing: piece[..<cut])
                let tail = UnsafeRawBufferPointer(rebasing: piece[cut...])
                let wide = cchecksum_crc64nvme_portable(before, piece.baseAddress, piece.count)
                #expect(cchecksum_crc64nvme(before, piece.baseAddress, piece.count) == wide, "seed \(seed)")
                let first = cchecksum_crc64nvme(before, head.baseAddress, head.count)
                #expect(cchecksum_crc64nvme(first, tail.baseAddress, tail.count) == wide, "seed \(seed)")
                let short = UInt32(truncatingIfNeeded: before)
                let narrow = cchecksum_crc32c_portable(short, piece.baseAddress, piece.count)
                #expect(cchecksum_crc32c(short, piece.baseAddress, piece.count) == narrow, "seed \(seed)")
            }
        }
    }

    @Test func `only what is said of the whole content counts`() {
        let right = Self.answers[0].base64
        let whole: HTTPFields = ["x-amz-checksum-crc64nvme": right, "x-amz-checksum-type": "FULL_OBJECT"]
        #expect(Checksum(stated: whole)?.value == Self.answers[0].value)
        #expect(Checksum(stated: ["x-amz-checksum-crc64nvme": right]) != nil)
        let ofParts: HTTPFields = ["x-amz-checksum-crc32c": "4waSgw==", "x-amz-checksum-type": "COMPOSITE"]
        #expect(Checksum(stated: ofParts) == nil)
        #expect(Checksum(stated: ["x-amz-checksum-crc32c": "4waSgw==-2"]) == nil)
        #expect(Checksum(stated: ["etag": "\"e\""]) == nil)
    }

    // MARK: Against a service

    private static let key = ObjectKey(Array("k".utf8))
    private static let content = Array("content".utf8)

    @Test func `a PUT takes the checksum in the MD5's place, and the service compares it`() async throws {
        let fixture = try FaultFixture()
        var options = PutOptions()
        options.checksum = .crc64nvme
        let body = RequestBody.bytes(Self.content)
        let result = try await fixture.client.putObject(
            bucket: fixture.bucket,
            key: Self.key,
            body: body,
            options: options
        )
        #expect(result.md5 == FaultDigests.md5(Self.content))
        let request = try #require(fixture.server.records(of: .putObject).first).request
        #expect(request.header("x-amz-checksum-crc64nvme") == Checksum(.crc64nvme, of: Self.content).base64)
        #expect(request.header("content-md5") == nil)
        let error = await failure { () async throws(S3Error) in
            let wrong = [(name: Checksum.Algorithm.crc64nvme.header, value: Checksum(.crc64nvme, of: [1]).base64)]
            return try await fixture.client.probe(
                .put,
                bucket: fixture.bucket,
                key: Self.key,
                headers: wrong,
                body: [2]
            )
        }
        #expect(error?.code == .badDigest)
    }

    @Test(arguments: [true, false])
    func `HEAD asks for the checksum only when told to`(asks: Bool) async throws {
        let fixture = try FaultFixture()
        fixture.put(Self.content, as: "k")
        let object = try await fixture.client.headObject(bucket: fixture.bucket, key: Self.key, asksChecksum: asks)
        #expect(object.checksum == (asks ? Checksum(.crc64nvme, of: Self.content) : nil))
    }

    @Test(arguments: Checksum.Algorithm.allCases, [true, false])
    func `what came otherwise than its checksum says is refused`(
        algorithm: Checksum.Algorithm,
        isRight: Bool
    ) async throws {
        let fixture = try FaultFixture()
        fixture.put(Self.content, as: "k")
        fixture.server.withStore { store in
            let stated = Checksum(algorithm, of: isRight ? Self.content : [1])
            store.buckets[FaultServer.bucket]?.objects[Self.key.bytes]?.checksum = stated
        }
        let outcome = await result { () async throws(S3Error) in
            try await fixture.client.getObject(bucket: fixture.bucket, key: Self.key, sink: .discard(limit: 100))
        }
        switch outcome {
        case .success(let answer): #expect(isRight && answer.response.written?.count == 7)
        case .failure(let error): #expect(!isRight && error.code == .badDigest)
        }
    }

    @Test func `a checksum of parts and one of a range say nothing here`() async throws {
        let fixture = try FaultFixture()
        fixture.put(Self.content, as: "k")
        fixture.server.withStore { store in
            store.buckets[FaultServer.bucket]?.objects[Self.key.bytes]?.checksum = Checksum(.crc32c, of: [1])
            store.buckets[FaultServer.bucket]?.objects[Self.key.bytes]?.checksumType = "COMPOSITE"
        }
        _ = try await fixture.client.getObject(bucket: fixture.bucket, key: Self.key, sink: .discard(limit: 100))
        let sink = ResponseSink.discard(limit: 2)
        _ = try await fixture.client.getObject(bucket: fixture.bucket, key: Self.key, range: 1...2, sink: sink)
        let modes = fixture.server.records(of: .getObject).map { $0.request.header("x-amz-checksum-mode") }
        #expect(modes == ["ENABLED", nil])
    }
}
