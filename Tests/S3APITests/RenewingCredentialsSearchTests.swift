import Synchronization
import TestSupport
import Testing

@testable import S3API

/// How keys are looked for: beside whom, who waits, and by what clock.
@Suite(.timeLimit(.minutes(10)))
struct RenewingCredentialsSearchTests {
    private let lent = LentKeys()
    private var host: FakeCredentialsHost { lent.host }

    // MARK: Beside requests

    @Test func `all who ask at once wait for one look`() async throws {
        let gate = Gate()
        let keys = lent.keys { _ in await gate.wait() }
        try await withThrowingTaskGroup(of: S3Credentials.self) { group in
            for _ in 0..<20 { group.addTask { try await keys.current() } }
            try await lent.waitForClockReads(20)
            gate.open()
            for try await found in group { #expect(found.accessKeyID == "A0") }
        }
        #expect(lent.count == 1)
    }

    @Test func `keys that are good are given out at once while others are looked for`() async throws {
        let gate = Gate()
        let keys = lent.keys { number in if number > 0 { await gate.wait() } }
        _ = try await keys.current()
        host.world.advance(seconds: 3_400)
        for _ in 0..<20 { #expect(try await keys.current().accessKeyID == "A0") }
        let reads = host.world.clockReads
        gate.open()
        try await lent.waitForClockReads(reads + 1)
        #expect(try await keys.current().accessKeyID == "A1")
        #expect(lent.count == 2)
    }

    @Test func `expired keys are never given out, however long the look for others takes`() async throws {
        let gate = Gate()
        let keys = lent.keys { number in if number > 0 { await gate.wait() } }
        _ = try await keys.current()
        host.world.advance(seconds: 3_400)
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 200)
        let reads = host.world.clockReads
        async let late = keys.current()
        try await lent.waitForClockReads(reads + 1)
        gate.open()
        #expect(try await late.accessKeyID == "A1")
    }

    @Test func `keys that live for less than the pause between two looks are not given out after their end`()
        async throws
    {
        lent.set { $0.life = 10 }
        let keys = lent.keys()
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 9)
        #expect(try await keys.current().accessKeyID == "A0")
        host.world.advance(seconds: 1)
        #expect(try await keys.current().accessKeyID == "A1")
    }

    @Test func `after a look that took long and failed there is a pause, too`() async throws {
        let keys = lent.keys()
        _ = try await keys.current()
        host.world.advance(seconds: 3_300)
        lent.set { ($0.takes, $0.failure) = (40, CredentialsError(.unreachable, "away")) }
        #expect(try await lent.ask(keys) == "A0")
        #expect(lent.count == 2)
        host.world.advance(seconds: 29)
        #expect(try await keys.current().accessKeyID == "A0")
        // A look that were begun now would have come to the lender by then.
        for _ in 0..<1_000 { await Task.yield() }
        #expect(lent.count == 2)
        host.world.advance(seconds: 1)
        #expect(try await lent.ask(keys) == "A0")
        #expect(lent.count == 3)
    }

    // MARK: Cancelling

    @Test func `who is cancelled waits no longer, and the last one ends the look`() async throws {
        let stopped = Gate()
        let ended = Gate()
        let keys = lent.keys { number in
            guard number == 0 else { return }
            await withTaskCancellationHandler {
                await ended.wait()
            } onCancel: {
                stopped.open()
            }
        }
        let first = Task { try await keys.current() }
        try await lent.waitForClockReads(1)
        let second = Task { try await keys.current() }
        try await lent.waitForClockReads(2)
        first.cancel()
        await expectStopped(first)
        #expect(!stopped.isOpen, "somebody waits still")
        second.cancel()
        await expectStopped(second)
        await stopped.wait()
        // The one that was stopped has not ended yet; the next look waits for that.
        let third = Task { try await keys.current() }
        try await lent.waitForClockReads(3)
        #expect(lent.count == 1)
        ended.open()
        #expect(try await third.value.accessKeyID == "A1")
    }

    @Test func `who is cancelled before begins no look, and takes what is at hand`() async throws {
        let keys = lent.keys()
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await keys.current()
        }
        await expectStopped(cancelled)
        #expect(lent.count == 0)
        _ = try await keys.current()
        let other = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await keys.current()
        }
        #expect(try await other.value.accessKeyID == "A0")
    }

    @Test func `a request that was stopped says nothing of the lender to the others`() async throws {
        let gate = Gate()
        let asked = Gate()
        let keys = lent.keys { number in
            guard number == 1 else { return }
            asked.open()
            await gate.wait()
        }
        let old = try await keys.current()
        let stopped = Task { try await keys.replacement(for: old) }
        await asked.wait()
        stopped.cancel()
        await #expect(throws: CredentialsError.self) { try await stopped.value }
        gate.open()
        #expect(try await keys.replacement(for: old)?.accessKeyID == "A2")
    }

    private func expectStopped(_ task: Task<S3Credentials, any Error>) async {
        let error = await #expect(throws: CredentialsError.self) { try await task.value }
        #expect(error?.code == .unreachable)
    }

    // MARK: Clocks and files

    @Test func `a clock that is set back delays no renewal`() async throws {
        let keys = lent.keys()
        _ = try await keys.current()
        host.world.advance(seconds: 3_400)
        lent.set { $0.failure = CredentialsError(.unreachable, "away") }
        #expect(try await lent.ask(keys) == "A0")
        lent.set { $0.failure = nil }
        host.world.advance(seconds: -60)
        #expect(try await lent.ask(keys) == "A0")
        #expect(try await keys.current().accessKeyID == "A2")
    }

    @Test func `a clock that is set back delays no replacement`() async throws {
        let keys = lent.keys()
        let second = try #require(try await keys.replacement(for: try await keys.current()))
        host.world.advance(seconds: -86_400)
        #expect(try await keys.replacement(for: second)?.accessKeyID == "A2")
    }

    @Test func `a clock that is set back hides no change of a file`() async throws {
        lent.set { $0.life = nil }
        host.write("/keys", "one")
        let keys = lent.keys(files: ["/keys"])
        _ = try await keys.current()
        host.world.advance(seconds: -86_400)
        host.write("/keys", "two")
        #expect(try await lent.ask(keys) == "A0")
        #expect(try await keys.current().accessKeyID == "A1")
    }

    @Test func `a file that is replaced while its keys are looked for is read again`() async throws {
        let path = "/home/u/.aws/credentials"
        func profile(_ id: String) -> String {
            "[default]\naws_access_key_id = \(id)\naws_secret_access_key = S\n"
        }
        let host = FakeCredentialsHost(["HOME": "/home/u"], files: [path: profile("OLD")])
        let chain = CredentialsChain(profile: nil, region: "eu-west-1", host: host)
        let isFirst = Mutex(true)
        let new = profile("NEW")
        let keys = RenewingCredentials(host: host) { () throws(CredentialsError) in
            let found = try await chain.find()
            isFirst.withLock { isFirst in
                if isFirst { host.write(path, new) }
                isFirst = false
            }
            return found
        }
        #expect(try await keys.current().accessKeyID == "OLD")
        host.world.advance(seconds: 40)
        let reads = host.world.clockReads
        #expect(try await keys.current().accessKeyID == "OLD")
        while host.world.clockReads < reads + 2 {
            try Task.checkCancellation()
            await Task.yield()
        }
        #expect(try await keys.current().accessKeyID == "NEW")
    }
}
