import Testing

@testable import SyncEngine

/// How the results of many entries become one report.
struct VerifyTallyTests {
    private static let time = UnixTime(nanoseconds: 0)

    private func result(_ name: String, _ verdict: VerifyVerdict) throws -> EntryVerifier.Result {
        let path = try RelativePath(Array(name.utf8))
        let local = LocalState(inode: 1, size: 3, modified: Self.time, changed: Self.time, mode: 0o644)
        let remote = RemoteState(etag: ETag("e"), size: 3)
        let sides: [(Side, FindingKind?)] = [(.remote, verdict.remote), (.local, verdict.local)]
        return EntryVerifier.Result(
            base: BaseState(local: local, remote: remote, digest: nil),
            verdict: verdict,
            findings: sides.compactMap { side, kind in
                kind.map { Finding(path: path, side: side, kind: $0, message: "m") }
            },
            bytesRead: 3,
            bytesFetched: 2
        )
    }

    private func report(_ verdicts: [(String, VerifyVerdict)], maximumFindings: Int = 10) throws -> VerifyReport {
        let empty = VerifyReport(startedAt: Self.time, finishedAt: Self.time)
        var tally = VerifyTally(empty, maximumFindings: maximumFindings)
        for (name, verdict) in verdicts { tally.add(try result(name, verdict)) }
        return tally.finish(requests: [:], at: Self.time)
    }

    @Test func `each entry counts once, by the worst that was found of it`() throws {
        let report = try report([
            ("whole", VerifyVerdict()), ("opaque", VerifyVerdict(isUnverifiable: true)),
            ("edited", VerifyVerdict(local: .notSynced)), ("lost", VerifyVerdict(local: .missing, remote: .missing)),
            ("both", VerifyVerdict(local: .notSynced, remote: .differing)),
        ])
        #expect(report.entries == 5 && report.verified == 1 && report.unverifiable == 1)
        #expect(report.notSynced == 1 && report.faulty == 2)
        #expect(report.bytesRead == 15 && report.bytesFetched == 10)
        #expect(report.findings.count == 5)
    }

    @Test func `findings come in the byte order of their paths, this side first`() throws {
        let lost = VerifyVerdict(local: .missing, remote: .missing)
        let report = try report([("b", lost), ("a", VerifyVerdict(remote: .differing)), ("B", lost)])
        let told = report.findings.map { "\(String(decoding: $0.path.bytes, as: UTF8.self)) \($0.side)" }
        #expect(told == ["B local", "B remote", "a remote", "b local", "b remote"])
    }

    @Test func `findings beyond the bound are counted, and changes crowd out no fault`() throws {
        let edits = (0..<5).map { ("edit\($0)", VerifyVerdict(local: .notSynced)) }
        let faults = (0..<4).map { ("rot\($0)", VerifyVerdict(local: .rotten)) }
        let report = try report(edits + faults, maximumFindings: 3)
        #expect(report.findings.filter { $0.kind == .rotten }.count == 3)
        #expect(report.findings.filter { $0.kind == .notSynced }.count == 3)
        #expect(report.furtherFindings == 3 && report.notSynced == 5 && report.faulty == 4)
    }
}
