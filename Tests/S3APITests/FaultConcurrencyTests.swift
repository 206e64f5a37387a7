import Glibc
import Synchronization
import TestSupport
import Testing

@testable import S3API

/// Many requests at once: what a service that can bear only so many makes of them, and on how many connections they go.
struct FaultConcurrencyTests {
    /// A limit that a service keeps to.
    private final class Gauge: Sendable {
        private let limit: Int
        private let state = Mutex((now: 0, refusals: 0, failures: 0))

        init(limit: Int) { self.limit = limit }

        var refusals: Int { state.withLock(\.refusals) }

        /// Requests that came to nothing.
        var failures: Int { state.withLock(\.failures) }

        func noteFailure() { state.withLock { $0.failures += 1 } }

        /// - Returns: whether it is one too many.
        func refuses() -> Bool {
            state.withLock { state in
                guard state.now < limit else {
                    state.refusals += 1
                    return true
                }
                state.now += 1
                return false
            }
        }

        func leave() { state.withLock { $0.now -= 1 } }
    }

    @Test(arguments: [1, 5, 20])
    func `a service that bears only so many at once is soon asked for no more`(limit: Int) async throws {
        let fixture = try FaultFixture()
        let gauge = Gauge(limit: limit)
        fixture.server.on(.putObject, .every, .slowDown(), where: { _ in gauge.refuses() })
        fixture.server.on(
            .putObject,
            .every,
            .after { _ in
                usleep(2_000)
                gauge.leave()
            }
        )
        let count = 600
        await withTaskGroup { group in
            for worker in 0..<60 {
                group.addTask {
                    for number in stride(from: worker, to: count, by: 60) {
                        let error = await failure { () async throws(S3Error) in
                            try await fixture.client.putObject(
                                bucket: fixture.bucket,
                                key: ObjectKey("k\(number)"),
                                body: .bytes([1, 2, 3])
                            )
                        }
                        if error != nil { gauge.noteFailure() }
                    }
                }
            }
        }
        #expect(gauge.failures == 0)
        #expect(fixture.server.withStore { store in (0..<count).allSatisfy { store.content(of: "k\($0)") != nil } })
        // 32 come at first, whatever the limit.
        #expect(gauge.refusals < 60 + count / 5, "\(gauge.refusals) refusals")
        #expect(fixture.server.connectionCount <= 60)
    }

    /// Nobody is answered until all have come, each on a connection of its own; the next round finds them all.
    @Test func `as many connections are kept as requests are ever under way`() async throws {
        let count = 200
        let came = Atomic(0)
        let all = Gate()
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil {
                if came.add(1, ordering: .relaxed).newValue == count { all.open() }
                all.block()
                connection.answer()
            }
        }
        let transport = CurlTransport(options: TransportOptions(keptConnections: count))
        for round in 1...3 {
            let isNew = await withTaskGroup { group in
                for _ in 0..<count {
                    group.addTask {
                        try? await transport.send(CurlTransportTests.request(.get, server)).isOnNewConnection
                    }
                }
                return await group.reduce(into: [Bool?]()) { $0.append($1) }
            }
            #expect(isNew == Array(repeating: round == 1, count: count))
        }
        #expect(server.connectionCount == count && server.requests.count == 3 * count)
    }
}
