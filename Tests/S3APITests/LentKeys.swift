import Synchronization
import TestSupport

@testable import S3API

/// A lender that gives out keys A0, A1 … and counts.
final class LentKeys: Sendable {
    struct State {
        var count = 0
        /// In seconds; nil for keys that last.
        var life: Int64? = 3_600
        var failure: CredentialsError?
        /// Whether the keys are the same each time; they last then.
        var keepsKeys = false
        /// In seconds.
        var takes: Int64 = 0
    }

    let host = FakeCredentialsHost()
    private let state = Mutex(State())

    /// How often it was asked.
    var count: Int { state.withLock(\.count) }

    func set(_ change: (inout sending State) -> Void) { state.withLock { change(&$0) } }

    /// Keys of this lender, which come from `files`, too. Before it answers, `wait` passes.
    func keys(
        files: [String] = [],
        wait: @escaping @Sendable (_ number: Int) async -> Void = { _ in }
    ) -> RenewingCredentials {
        RenewingCredentials(host: host) { [self] () throws(CredentialsError) in
            let files = files.map { SeenFile(path: $0, stamp: host.stamp(of: $0)) }
            let state = state.withLock { state in
                state.count += 1
                return state
            }
            await wait(state.count - 1)
            host.world.advance(seconds: state.takes)
            if let failure = state.failure { throw failure }
            let end = state.life.map { S3Time(seconds: host.world.seconds + $0) }
            let keys = S3Credentials(
                accessKeyID: state.keepsKeys ? "A" : "A\(state.count - 1)",
                secretAccessKey: "S",
                expiration: state.keepsKeys ? nil : end
            )
            return FoundCredentials(credentials: keys, origin: "here", files: files)
        }
    }

    /// Asks for keys, and returns when the search that this begins beside has ended: its end is the next look at the clock.
    func ask(_ keys: RenewingCredentials) async throws -> String {
        let reads = host.world.clockReads
        let id = try await keys.current().accessKeyID
        try await waitForClockReads(reads + 2)
        return id
    }

    /// Returns when the clock was looked at so many times in all.
    func waitForClockReads(_ count: Int) async throws {
        while host.world.clockReads < count {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
