import TestSupport
import Testing

@testable import S3API

/// Objects, and ranges of them, that come down from a service that misbehaves.
struct FaultDownloadTests {
    private static let key = ObjectKey("k")
    private static let noise = CurlTransportTests.noise(200_000, seed: 31)
    private static let other = CurlTransportTests.noise(200_000, seed: 32)

    private static func get(
        _ fixture: FaultFixture,
        _ range: ClosedRange<Int64>? = nil,
        ifMatch: String? = nil,
        sink: ResponseSink = .memory(limit: 1 << 20)
    ) async throws(S3Error) -> GetResult {
        try await fixture.client.getObject(
            bucket: fixture.bucket,
            key: key,
            range: range,
            ifMatch: ifMatch.map { "\"\($0)\"" },
            sink: sink
        )
    }

    @Test(
        arguments: [
            .truncate(after: 0), .truncate(after: 1), .truncate(after: 150_000), .resetAfterEffect, .stallAfterEffect,
            .stallWithin(after: 150_000), .error(503, "SlowDown"), .slowDown(retryAfter: 2),
        ] as [Fault]
    )
    func `what came short is fetched again from its beginning, and its MD5 with it`(fault: Fault) async throws {
        let fixture = try FaultFixture(patience: 3)
        fixture.put(Self.noise, as: "k")
        fixture.server.on(.getObject, 1, fault)
        let file = try ScratchFile([1, 2, 3])
        let size = Int64(Self.noise.count)
        let answer = try await Self.get(fixture, sink: .descriptor(file.descriptor, offset: 3, limit: size))
        #expect(answer.response.written?.count == size && answer.response.written?.md5 == FaultDigests.md5(Self.noise))
        let isWhole = file.content == [1, 2, 3] + Self.noise
        #expect(isWhole && fixture.server.count(of: .getObject) == 2 && fixture.server.pendingRules.isEmpty)
    }

    @Test func `what always comes short is an error, never a short object`() async throws {
        let fixture = try FaultFixture()
        fixture.put(Self.noise, as: "k")
        fixture.server.on(.getObject, .every, .truncate(after: 199_999))
        let file = try ScratchFile()
        let sinks: [ResponseSink] = [
            .memory(limit: 1 << 20), .descriptor(file.descriptor, offset: 0, limit: 1 << 20),
        ]
        for sink in sinks {
            let error = await failure { () async throws(S3Error) in try await Self.get(fixture, sink: sink) }
            #expect(error?.transport?.code == .truncated)
        }
        #expect(fixture.server.count(of: .getObject) == 12)
    }

    @Test func `bytes that dribble, but go on, are no stall`() async throws {
        let fixture = try FaultFixture(patience: 3)
        fixture.put(Array("slow but sure".utf8), as: "k")
        // Longer than the client's patience altogether, and never as long in one piece.
        fixture.server.on(.getObject, 1, .dribble(bytes: 1, pauseMilliseconds: 300))
        let answer = try await Self.get(fixture)
        #expect(answer.response.body == Array("slow but sure".utf8))
        #expect(fixture.server.count(of: .getObject) == 1 && fixture.server.pendingRules.isEmpty)
    }

    // MARK: Ranges

    @Test(arguments: [FaultQuirks.Ranges.honoured, .answeredAs200])
    func `a range comes to its place, and the answer tells which it is, whatever its status`(
        ranges: FaultQuirks.Ranges
    ) async throws {
        let fixture = try FaultFixture { $0.ranges = ranges }
        fixture.put(Self.noise, as: "k")
        let file = try ScratchFile()
        for range in [100_000...199_999, 0...99_999] as [ClosedRange<Int64>] {
            let sink = ResponseSink.descriptor(file.descriptor, offset: range.lowerBound, limit: 100_000)
            let answer = try await Self.get(fixture, range, ifMatch: FaultDigests.etag(Self.noise), sink: sink)
            #expect(answer.contentRange?.bytes == range && answer.contentRange?.total == 200_000)
            #expect(answer.object.size == 200_000 && answer.object.etag == FaultDigests.etag(Self.noise))
            #expect(answer.response.status == (ranges == .honoured ? 206 : 200))
            let bytes = Array(Self.noise[Int(range.lowerBound)...Int(range.upperBound)])
            #expect(answer.response.written?.md5 == FaultDigests.md5(bytes))
        }
        let isWhole = file.content == Self.noise
        #expect(isWhole)
    }

    @Test func `the whole object instead of a range names no range, and is not written beyond it`() async throws {
        let fixture = try FaultFixture { $0.ranges = .ignored }
        fixture.put(Self.noise, as: "k")
        let answer = try await Self.get(fixture, 100_000...199_999)
        #expect(answer.contentRange == nil && answer.response.status == 200)
        let file = try ScratchFile([UInt8](repeating: 7, count: 300_000))
        let error = await failure { () async throws(S3Error) in
            try await Self.get(
                fixture,
                100_000...199_999,
                sink: .descriptor(file.descriptor, offset: 100_000, limit: 100_000)
            )
        }
        #expect(error?.transport?.code == .bodyTooLarge && fixture.server.count(of: .getObject) == 2)
        let content = file.content
        let isKept = (content[..<100_000] + content[200_000...]).allSatisfy { $0 == 7 }
        #expect(isKept && content.count == 300_000)
    }

    @Test func `a last range that reaches beyond the end comes as far as the object goes`() async throws {
        let fixture = try FaultFixture()
        fixture.put([1, 2, 3], as: "k")
        let answer = try await Self.get(fixture, 1...9)
        #expect(answer.contentRange?.bytes == 1...2 && answer.response.body == [2, 3])
    }

    @Test(arguments: [(3, 3...9), (0, 0...0)] as [(Int, ClosedRange<Int64>)])
    func `a range that the object does not have is refused, once`(size: Int, range: ClosedRange<Int64>) async throws {
        let fixture = try FaultFixture()
        fixture.put([UInt8](repeating: 1, count: size), as: "k")
        let error = await failure { () async throws(S3Error) in try await Self.get(fixture, range) }
        #expect(error?.code == .invalidRange && fixture.server.count(of: .getObject) == 1)
    }

    // MARK: Objects that change

    /// Another object takes the place of the first just before the request that is `turn`.
    private static func replace(_ fixture: FaultFixture, before turn: FaultTurn) {
        fixture.put(noise, as: "k")
        fixture.server.on(.getObject, turn, .before { $0.withStore { $0.put(other, as: "k") } })
    }

    @Test func `an object that changes between two ranges is told by its condition, and not tried again`() async throws
    {
        let fixture = try FaultFixture()
        Self.replace(fixture, before: 2)
        let etag = FaultDigests.etag(Self.noise)
        _ = try await Self.get(fixture, 0...99, ifMatch: etag)
        let error = await failure { () async throws(S3Error) in try await Self.get(fixture, 100...199, ifMatch: etag) }
        #expect(error?.code == .preconditionFailed && fixture.statuses(of: .getObject) == [206, 412])
    }

    @Test func `so it is when it changes between two tries of one range`() async throws {
        let fixture = try FaultFixture()
        Self.replace(fixture, before: 2)
        fixture.server.on(.getObject, 1, .truncate(after: 50))
        let error = await failure { () async throws(S3Error) in
            try await Self.get(fixture, 100...199, ifMatch: FaultDigests.etag(Self.noise))
        }
        #expect(error?.code == .preconditionFailed && fixture.statuses(of: .getObject) == [206, 412])
    }

    @Test func `where conditions are not heeded, the answer's own ETag tells`() async throws {
        let fixture = try FaultFixture { $0.ignoresConditions = true }
        Self.replace(fixture, before: 2)
        fixture.server.on(.getObject, 1, .truncate(after: 50_000))
        let file = try ScratchFile()
        let answer = try await Self.get(
            fixture,
            0...99_999,
            ifMatch: FaultDigests.etag(Self.noise),
            sink: .descriptor(file.descriptor, offset: 0, limit: 100_000)
        )
        #expect(answer.object.etag == FaultDigests.etag(Self.other))
        // All of it is of the version that the ETag names: the first try left nothing.
        let isOfOne = file.content == Array(Self.other[..<100_000])
        #expect(isOfOne && answer.response.written?.md5 == FaultDigests.md5(Array(Self.other[..<100_000])))
    }

    @Test(
        arguments: [
            ("bytes 5-9/200000", 5...9), ("bytes 0-3/200000", 0...3), ("bytes */200000", nil), ("0-4/200000", nil),
            ("bytes 0-4", nil), ("bytes 4-0/200000", nil), ("bytes 0-4/4", nil), ("bytes 0-4/*", nil),
        ] as [(String, ClosedRange<Int64>?)]
    )
    func `a range is what the answer names, not what was asked`(text: String, range: ClosedRange<Int64>?) async throws {
        let fixture = try FaultFixture()
        fixture.put(Self.noise, as: "k")
        fixture.server.on(
            .getObject,
            1,
            .rewrite { answer in
                answer.headers.removeAll { $0.name == "Content-Range" }
                answer.headers.append(("Content-Range", text))
            }
        )
        #expect(try await Self.get(fixture, 0...4).contentRange?.bytes == range)
        #expect(fixture.server.pendingRules.isEmpty)
    }

    @Test func `an archived object is known, cannot be read, and is asked for once`() async throws {
        let fixture = try FaultFixture()
        fixture.put([1, 2, 3], as: "k")
        fixture.server.withStore { $0.buckets["bucket"]?.objects[[0x6B]]?.storageClass = "DEEP_ARCHIVE" }
        let object = try await fixture.client.headObject(bucket: fixture.bucket, key: Self.key)
        #expect(object.size == 3 && object.storageClass == "DEEP_ARCHIVE")
        let error = await failure { () async throws(S3Error) in try await Self.get(fixture) }
        #expect(error?.code == .invalidObjectState && fixture.server.count(of: .getObject) == 1)
    }
}
