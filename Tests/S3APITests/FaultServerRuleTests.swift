import TestSupport
import Testing

@testable import S3API

/// That the rules of the misbehaving service act when they should, and tell when they did not.
struct FaultServerRuleTests {
    private static func put(_ fixture: FaultFixture, _ key: String) async -> S3Error? {
        await failure { () async throws(S3Error) in
            try await fixture.client.putObject(bucket: fixture.bucket, key: ObjectKey(key), body: .bytes([1]))
        }
    }

    @Test func `a rule acts in its turns, for its operation, its key and what else it names`() async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 2, .error(400, "Second"))
        fixture.server.on(.putObject, key: "c", .every, .error(400, "ForC"))
        fixture.server.on(.putObject, .first(2), .error(400, "Named")) { $0.target.hasSuffix("/d") }
        fixture.server.on(nil, .from(9...10), .error(400, "Any"))
        var codes: [S3Error.Code?] = []
        for key in ["a", "b", "c", "c", "d", "d", "d", "a", "a"] { codes.append(await Self.put(fixture, key)?.code) }
        let named = ["Second", "ForC", "ForC", "Named", "Named", "Any"].map { S3Error.Code.other($0) }
        #expect(codes == [nil, named[0], named[1], named[2], named[3], named[4], nil, nil, named[5]])
        #expect(fixture.server.records.map(\.tookEffect).filter { $0 }.count == 3)
        #expect(await Self.put(fixture, "a")?.code == named[5])
        #expect(fixture.server.pendingRules == [])
    }

    @Test func `a rule that did not do all it should is told`() async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 3, .reset)
        fixture.server.on(.getObject, .every, .reset)
        fixture.server.on(.putObject, key: "k", .first(2), .error(400, "Twice"))
        // Never due: the rule before it always is.
        fixture.server.on(.putObject, key: "k", 1, .error(400, "Shadowed"))
        _ = await Self.put(fixture, "k")
        #expect(
            fixture.server.pendingRules == [
                "PutObject 3...3: acted 0 times, saw 1", "GetObject every: acted 0 times, saw 0",
                "PutObject \"k\" 1...2: acted 1 times, saw 1", "PutObject \"k\" 1...1: acted 0 times, saw 1",
            ]
        )
        fixture.server.removeRules()
        #expect(fixture.server.pendingRules.isEmpty)
        #expect(await Self.put(fixture, "k") == nil)
    }

    /// A fault, and what it leaves: whether it was done, and which answer was given.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var fault: Fault
        var tookEffect: Bool
        var status: Int?
        /// What the client makes of it, without a retry.
        var code: TransportError.Code?

        static let all = [
            Case(testDescription: "answer", fault: .error(418, "T"), tookEffect: false, status: 418),
            Case(testDescription: "reply", fault: .reply { _ in FaultAnswer(418) }, tookEffect: false, status: 418),
            Case(testDescription: "early", fault: .refuseEarly(.error(403, "E")), tookEffect: false, status: 403),
            Case(testDescription: "reset", fault: .reset, tookEffect: false, code: .interrupted),
            Case(testDescription: "stall", fault: .stall, tookEffect: false, code: .interrupted),
            Case(testDescription: "lost", fault: .resetAfterEffect, tookEffect: true, code: .interrupted),
            Case(testDescription: "silent", fault: .stallAfterEffect, tookEffect: true, code: .interrupted),
            Case(testDescription: "rewritten", fault: .rewrite { $0.status = 201 }, tookEffect: true, status: 201),
            Case(testDescription: "before", fault: .before { _ in }, tookEffect: true, status: 200),
            Case(testDescription: "after", fault: .after { _ in }, tookEffect: true, status: 200),
            Case(
                testDescription: "dribble",
                fault: .dribble(bytes: 50, pauseMilliseconds: 1),
                tookEffect: true,
                status: 200
            ),
        ]
    }

    @Test(arguments: Case.all)
    func `each fault leaves what it says`(fault: Case) async throws {
        let fixture = try FaultFixture()
        fixture.server.on(.putObject, 1, fault.fault)
        var request = RawRequest().signed(for: fixture.server)
        if fault.status == nil { request.stallTimeout = 1 }
        var status: Int?
        var code: TransportError.Code?
        do throws(TransportError) {
            status = try await CurlTransport().send(request).status
        } catch {
            code = error.code
        }
        #expect(status == fault.status && code == fault.code)
        #expect((fixture.server.content(of: "k") != nil) == fault.tookEffect)
        #expect(fixture.server.records.map(\.tookEffect) == [fault.tookEffect])
        #expect(fixture.server.pendingRules.isEmpty)
    }

    @Test func `an answer may be cut, and a body left unread`() async throws {
        let fixture = try FaultFixture()
        fixture.put(Array("content".utf8), as: "k")
        fixture.server.on(.getObject, 1, .truncate(after: 3))
        fixture.server.on(.putObject, 1, .refuseEarly(.error(403, "AccessDenied")))
        let get = RawRequest(method: .get, body: []).signed(for: fixture.server)
        await #expect { try await CurlTransport().send(get) } throws: { ($0 as? TransportError)?.code == .truncated }
        #expect(try await RawRequest().send(to: fixture.server).code == "AccessDenied")
        #expect(fixture.server.records(of: .putObject).map(\.bodyCount) == [0])
    }
}
