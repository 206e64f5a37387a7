/// Puts a report together, one entry at a time and in any order.
struct VerifyTally {
    var report: VerifyReport
    /// Beside the faults of the report, so that many changes never leave a fault untold.
    private var others: [Finding] = []
    private let maximumFindings: Int

    /// At most `maximumFindings` faults are kept, and as many others.
    init(_ report: VerifyReport, maximumFindings: Int = VerifyReport.maximumFindings) {
        self.report = report
        self.maximumFindings = maximumFindings
    }

    mutating func add(_ result: EntryVerifier.Result) {
        report.entries += 1
        report.bytesRead += result.bytesRead
        report.bytesFetched += result.bytesFetched
        if result.verdict.isVerified {
            report.verified += 1
        } else if result.verdict.isUnverifiable {
            report.unverifiable += 1
        } else if result.verdict.isFault {
            report.faulty += 1
        } else {
            report.notSynced += 1
        }
        for finding in result.findings { add(finding) }
    }

    private mutating func add(_ finding: Finding) {
        let isFault = finding.kind != .notSynced
        guard (isFault ? report.findings : others).count < maximumFindings else {
            report.furtherFindings += 1
            return
        }
        if isFault { report.findings.append(finding) } else { others.append(finding) }
    }

    func finish(requests: [String: Int64], at time: UnixTime) -> VerifyReport {
        var report = report
        report.findings = (report.findings + others).sorted { left, right in
            left.path == right.path ? left.side == .local && right.side == .remote : left.path < right.path
        }
        report.requests = requests
        report.finishedAt = time
        return report
    }
}
