import Foundation
import SyncEngine
import Testing

/// docs/DECISIONS.md and the code say the same of every combination that verifying can find.
struct VerifyDecisionTests {
    private struct Row {
        var found: String
        var leading: FindingKind?
        var following: FindingKind?
    }

    private static func rows() throws -> [String: Row] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/DECISIONS.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let section = try #require(text.components(separatedBy: "## Verifying\n").last)
        var rows: [String: Row] = [:]
        for line in section.split(separator: "\n") where line.hasPrefix("|") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 3, cells[0] != "found", !cells[0].hasPrefix("-") else { continue }
            let row = Row(found: cells[0], leading: try kind(cells[1]), following: try kind(cells[2]))
            #expect(rows.updateValue(row, forKey: row.found) == nil, "\(row.found) is there twice")
        }
        return rows
    }

    private static func kind(_ cell: String) throws -> FindingKind? {
        if cell == "–" { return nil }
        let kind: FindingKind = try #require(FindingKind(rawValue: cell), "\(cell) is no kind of finding")
        return kind
    }

    private static let evidence: [String: SideEvidence] = [
        "as base, content same": .present(isBase: true, content: .same),
        "as base, content different": .present(isBase: true, content: .different),
        "as base, content unsettled": .present(isBase: true, content: .unsettled),
        "changed, content same": .present(isBase: false, content: .same),
        "changed, content different": .present(isBase: false, content: .different),
        "changed, content unsettled": .present(isBase: false, content: .unsettled),
        "restless": .restless,
        "damaged": .damaged,
        "gone": .gone(isAccepted: false),
        "gone, accepted": .gone(isAccepted: true),
        "unknown": .unknown,
    ]

    private static let changed: Set<SideEvidence> = [
        .present(isBase: false, content: .different), .present(isBase: false, content: .unsettled), .restless,
    ]

    @Test func `the table has a row for everything that can be found, and no other`() throws {
        #expect(try Set(Self.rows().keys) == Set(Self.evidence.keys))
    }

    @Test(arguments: Direction.allCases)
    func `each side is judged by itself, as the table says`(direction: Direction) throws {
        let rows = try Self.rows()
        for (here, local) in Self.evidence {
            for (there, remote) in Self.evidence {
                for content in ContentRelation.allCases {
                    let unproven = SideEvidence.present(isBase: true, content: .unsettled)
                    let isException =
                        (Self.changed.contains(local) && Self.changed.contains(remote))
                        || (local == unproven && remote == unproven && content == .different)
                    if isException { continue }
                    let verdict = judge(local: local, remote: remote, content: content, direction: direction)
                    let expectedHere = direction == .down ? rows[here]?.following : rows[here]?.leading
                    let expectedThere = direction == .up ? rows[there]?.following : rows[there]?.leading
                    #expect(verdict.local == expectedHere, "\(direction): \(here); \(there); \(content)")
                    #expect(verdict.remote == expectedThere, "\(direction): \(here); \(there); \(content)")
                }
            }
        }
    }

    @Test(arguments: Direction.allCases)
    func `changed on both sides is no fault if both now hold the same`(direction: Direction) {
        for local in Self.changed {
            for remote in Self.changed {
                let verdict = judge(local: local, remote: remote, content: .same, direction: direction)
                #expect(verdict.isVerified)
            }
        }
    }

    @Test(arguments: [ContentRelation.different, .unsettled])
    func `changed on both sides is a fault otherwise, on that which follows or on both`(content: ContentRelation) {
        for local in Self.changed {
            for remote in Self.changed {
                func verdict(_ direction: Direction) -> VerifyVerdict {
                    judge(local: local, remote: remote, content: content, direction: direction)
                }
                #expect(verdict(.up) == VerifyVerdict(local: .notSynced, remote: .differing))
                #expect(verdict(.down) == VerifyVerdict(local: .differing, remote: .notSynced))
                #expect(verdict(.both) == VerifyVerdict(local: .differing, remote: .differing))
            }
        }
    }

    @Test func `without a digest of base the two sides must do, and what follows is to blame`() {
        let unproven = SideEvidence.present(isBase: true, content: .unsettled)
        func verdict(_ content: ContentRelation, _ direction: Direction) -> VerifyVerdict {
            judge(local: unproven, remote: unproven, content: content, direction: direction)
        }
        for direction in Direction.allCases {
            #expect(verdict(.same, direction).isVerified)
            #expect(verdict(.unsettled, direction) == VerifyVerdict(isUnverifiable: true))
        }
        #expect(verdict(.different, .up) == VerifyVerdict(remote: .differing))
        #expect(verdict(.different, .down) == VerifyVerdict(local: .differing))
        #expect(verdict(.different, .both) == VerifyVerdict(remote: .differing))
    }

    @Test func `what waits for the next cycle is no fault, and all else is`() {
        for kind in FindingKind.allCases {
            #expect(VerifyVerdict(local: kind).isFault == (kind != .notSynced))
            #expect(VerifyVerdict(remote: kind).isFault == (kind != .notSynced))
            #expect(VerifyVerdict(local: kind, remote: .notSynced).isFault == (kind != .notSynced))
        }
        #expect(!VerifyVerdict().isFault && !VerifyVerdict(isUnverifiable: true).isFault)
    }

    @Test func `an entry is unverifiable only if nothing was found and nothing tells`() {
        let unproven = SideEvidence.present(isBase: true, content: .unsettled)
        let whole = SideEvidence.present(isBase: true, content: .same)
        #expect(judge(local: whole, remote: whole, content: .unsettled, direction: .up).isVerified)
        #expect(judge(local: whole, remote: unproven, content: .unsettled, direction: .up).isUnverifiable)
        let accepted = SideEvidence.gone(isAccepted: true)
        #expect(judge(local: accepted, remote: unproven, content: .unsettled, direction: .up).isUnverifiable)
        let lost = SideEvidence.gone(isAccepted: false)
        #expect(!judge(local: lost, remote: unproven, content: .unsettled, direction: .up).isUnverifiable)
    }
}
