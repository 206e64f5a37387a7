import Glibc
import Synchronization
import TestSupport
import Testing

@testable import S3API

/// Limits of bandwidth, by libcurl and in real time: that nothing is faster than it may be, and all comes to its end.
struct CurlBandwidthTests {
    private static let clock = ContinuousClock()

    /// A service that takes everything, and answers every GET with `body`.
    private static func server(_ body: [UInt8] = []) throws -> LoopbackServer {
        try LoopbackServer { connection in
            while let request = connection.readRequest() {
                connection.answer(body: request.line.hasPrefix("GET ") ? body : [])
            }
        }
    }

    private static func put(
        _ transport: CurlTransport,
        _ server: LoopbackServer,
        _ body: [UInt8],
        _ target: String = "/b/k"
    ) async -> Int? {
        try? await transport.send(CurlTransportTests.request(.put, server, target, body: .bytes(body))).status
    }

    @Test func `several uploads together keep to the limit, and share it`() async throws {
        let server = try Self.server()
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: 256 << 10, downloadBytesPerSecond: nil)
        // Two transports, as two connections of a configuration have.
        let transports = (0..<2).map { _ in CurlTransport(options: TransportOptions(bandwidth: bandwidth)) }
        let body = CurlTransportTests.noise(32 << 10, seed: 1)
        let began = Self.clock.now
        let times = await withTaskGroup { group in
            for number in 0..<8 {
                group.addTask {
                    #expect(await Self.put(transports[number % 2], server, body) == 200)
                    return Self.clock.now - began
                }
            }
            return await group.reduce(into: [Duration]()) { $0.append($1) }
        }
        #expect(server.requests.count == 8 && server.requests.allSatisfy { $0.body == body })
        let (first, last) = (try #require(times.min()), try #require(times.max()))
        #expect(last >= .seconds(0.95) && last < .seconds(120), "\(times)")
        // Had they gone one after the other, the first would be done after an eighth of that.
        #expect(first >= .seconds(0.4), "\(times)")
    }

    @Test func `several downloads together keep to the limit`() async throws {
        let body = CurlTransportTests.noise(128 << 10, seed: 2)
        let server = try Self.server(body)
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: nil, downloadBytesPerSecond: 512 << 10)
        let transport = CurlTransport(options: TransportOptions(bandwidth: bandwidth))
        let began = Self.clock.now
        await withTaskGroup { group in
            for number in 0..<4 {
                group.addTask {
                    // One of them goes by the thread of large ones.
                    let limit = number == 0 ? 2 << 20 : 1 << 18
                    let request = CurlTransportTests.request(.get, server, sink: .discard(limit: Int64(limit)))
                    let response = try? await transport.send(request)
                    #expect(response?.written?.md5 == CurlTransportTests.md5(body))
                }
            }
        }
        // The last piece of each is taken on credit.
        #expect(Self.clock.now - began >= .seconds(0.8) && Self.clock.now - began < .seconds(120))
    }

    @Test func `a limit of one direction leaves the other alone`() async throws {
        let body = CurlTransportTests.noise(1 << 20, seed: 3)
        let server = try Self.server(body)
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: 1_024, downloadBytesPerSecond: nil)
        let transport = CurlTransport(options: TransportOptions(bandwidth: bandwidth))
        let response = try await transport.send(
            CurlTransportTests.request(.get, server, sink: .memory(limit: 2 << 20))
        )
        #expect(response.body == body)
    }

    /// Each waits for seconds before its first byte, which without a limit is a stall.
    @Test func `who is held back has not stalled`() async throws {
        let server = try Self.server()
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: 2_048, downloadBytesPerSecond: nil)
        let transport = CurlTransport(options: TransportOptions(stallTimeout: 1, bandwidth: bandwidth))
        let body = CurlTransportTests.noise(2_048, seed: 4)
        await withTaskGroup { group in
            for _ in 0..<5 { group.addTask { #expect(await Self.put(transport, server, body) == 200) } }
        }
        #expect(server.requests.count == 5)
    }

    /// At the limit that holds first it would take a quarter of an hour.
    @Test(arguments: [nil, 1 << 30] as [Int64?])
    func `another limit holds for what is under way`(rate: Int64?) async throws {
        let content = CurlTransportTests.noise(1 << 20, seed: 5)
        let server = try Self.server(content)
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: 1_024, downloadBytesPerSecond: 1_024)
        let transport = CurlTransport(options: TransportOptions(bandwidth: bandwidth))
        async let up = Self.put(transport, server, content)
        async let down = transport.send(CurlTransportTests.request(.get, server, sink: .memory(limit: 2 << 20)))
        while server.connectionCount < 2 { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .milliseconds(50))
        bandwidth.limit(uploadBytesPerSecond: rate, downloadBytesPerSecond: rate)
        #expect(await up == 200)
        #expect(try await down.body == content)
        #expect(server.requests.contains { $0.body == content })
    }

    @Test func `small bodies pass large ones`() async throws {
        let server = try Self.server()
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: 64 << 10, downloadBytesPerSecond: nil)
        let transport = CurlTransport(options: TransportOptions(bandwidth: bandwidth))
        // Two minutes' worth.
        let large = CurlTransportTests.noise(8 << 20, seed: 6)
        async let last = Self.put(transport, server, large, "/b/large")
        while server.connectionCount < 1 { try await Task.sleep(for: .milliseconds(1)) }
        for _ in 0..<3 { #expect(await Self.put(transport, server, [1, 2, 3], "/b/small") == 200) }
        #expect(server.requests.count == 3)
        bandwidth.limit(uploadBytesPerSecond: nil, downloadBytesPerSecond: nil)
        #expect(await last == 200)
    }

    @Test func `who is cancelled while it is held back ends, and keeps nobody waiting`() async throws {
        let server = try Self.server()
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: 16 << 10, downloadBytesPerSecond: nil)
        let transport = CurlTransport(options: TransportOptions(bandwidth: bandwidth))
        let tasks = (0..<6).map { number in
            Task { await Self.put(transport, server, CurlTransportTests.noise(8 << 20, seed: UInt64(number))) }
        }
        while server.connectionCount < 6 { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .milliseconds(100))
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value == nil) }
        #expect(await Self.put(transport, server, [1]) == 200)
    }

    /// What a service answers before it has read the body counts, also while the body is held back.
    @Test func `a refusal comes through while the body is held back`() async throws {
        let server = try LoopbackServer { connection in
            guard connection.readHead() != nil else { return }
            connection.send("HTTP/1.1 403 Words\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.waitForCloseUnread()
        }
        let bandwidth = Bandwidth()
        bandwidth.limit(uploadBytesPerSecond: 1_024, downloadBytesPerSecond: nil)
        let transport = CurlTransport(options: TransportOptions(bandwidth: bandwidth))
        let status = await Self.put(transport, server, CurlTransportTests.noise(64 << 10, seed: 7))
        #expect(status == 403)
    }
}
