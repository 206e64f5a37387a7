import Foundation
import SyncEngine
import Testing

/// docs/DECISIONS.md and the code say the same of every combination there is.
struct DecisionTableTests {
    private struct Row {
        var section: String
        var name: String
        var cells: [String]
    }

    private static func rows() throws -> [Row] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/DECISIONS.md")
        var section = ""
        var rows: [Row] = []
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("## ") { section = String(line.dropFirst(3).prefix { $0 != ":" }) }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if line.hasPrefix("|"), cells.count == 7, cells[0] != "name", !cells[0].hasPrefix("-") {
                rows.append(Row(section: section, name: cells[0], cells: cells))
            }
        }
        return rows
    }

    private static let changes: [String: Change] = [
        "nothing": .nothing, "compare": .compare, "adopt": .adopt, "forget": .forget, "conflict": .conflict,
        "upload": .upload(replacing: .nothing), "upload, replacing base": .upload(replacing: .base),
        "upload, replacing foreign": .upload(replacing: .foreign), "download": .download(replacing: .nothing),
        "download, replacing base": .download(replacing: .base),
        "download, replacing foreign": .download(replacing: .foreign),
        "delete remote": .deleteRemote(foreign: false), "delete remote, foreign": .deleteRemote(foreign: true),
        "delete local": .deleteLocal(foreign: false), "delete local, foreign": .deleteLocal(foreign: true),
        "leave: unknown": .leave(.unknown), "leave: deletes are off": .leave(.deletesOff),
        "leave: foreign": .leave(.foreign),
    ]

    private struct Combination: CustomStringConvertible {
        var hasBase: Bool
        var local: SideRelation
        var remote: SideRelation
        var content: ContentRelation
        var policy: Policy

        var description: String {
            "\(policy.direction), delete \(policy.deletes), base \(hasBase), \(local), \(remote), \(content)"
        }

        func matches(_ row: Row) -> Bool {
            let section = ["up": "Up", "down": "Down", "both": "Both"][policy.direction.rawValue]
            guard row.section == "For every direction" || row.section == section else { return false }
            return ["any", hasBase ? "yes" : "no"].contains(row.cells[1])
                && row.cells[2].split(separator: " ").contains { $0 == signs[local] ?? "" }
                && row.cells[3].split(separator: " ").contains { $0 == signs[remote] ?? "" }
                && ["any", content.rawValue].contains(row.cells[4])
                && ["any", policy.deletes ? "on" : "off"].contains(row.cells[5])
        }
    }

    private static func combinations(_ direction: Direction) -> [Combination] {
        var all: [Combination] = []
        for hasBase in [true, false] {
            for local in SideRelation.allCases {
                for remote in SideRelation.allCases where hasBase || (local != .asBase && remote != .asBase) {
                    for content in ContentRelation.allCases {
                        for deletes in [true, false] {
                            let policy = Policy(direction: direction, deletes: deletes)
                            all.append(
                                Combination(
                                    hasBase: hasBase,
                                    local: local,
                                    remote: remote,
                                    content: content,
                                    policy: policy
                                )
                            )
                        }
                    }
                }
            }
        }
        return all
    }

    @Test(arguments: Direction.allCases)
    func `each combination has one row, and the code does what it says`(direction: Direction) throws {
        let rows = try Self.rows()
        #expect(rows.count > 30)
        for combination in Self.combinations(direction) {
            let matching = rows.filter { combination.matches($0) }
            #expect(matching.count == 1, "\(combination): \(matching.map(\.name))")
            guard let row = matching.first else { continue }
            let expected = try #require(Self.changes[row.cells[6]], "\(row.name): no change is called so")
            let change = decide(
                hasBase: combination.hasBase,
                local: combination.local,
                remote: combination.remote,
                content: combination.content,
                policy: combination.policy
            )
            #expect(change == expected, "\(combination): \(row.name)")
        }
    }

    @Test func `every row covers something`() throws {
        let all = Direction.allCases.flatMap { Self.combinations($0) }
        for row in try Self.rows() { #expect(all.contains { $0.matches(row) }, "\(row.section): \(row.name)") }
    }

    @Test(arguments: Direction.allCases)
    func `what is unknown is never destroyed, and without delete nothing is deleted one way`(direction: Direction) {
        for combination in Self.combinations(direction) {
            let change = decide(
                hasBase: combination.hasBase,
                local: combination.local,
                remote: combination.remote,
                content: combination.content,
                policy: combination.policy
            )
            if combination.local == .unknown || combination.remote == .unknown { #expect(change == .leave(.unknown)) }
            switch change {
            case .deleteLocal, .deleteRemote:
                #expect(direction == .both || combination.policy.deletes, "\(combination)")
            case .nothing, .compare, .adopt, .upload, .download, .forget, .conflict, .leave: break
            }
        }
    }
}

private let signs: [SideRelation: String] = [.asBase: "=", .changed: "*", .absent: "–", .unknown: "?"]
