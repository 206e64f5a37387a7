import SyncEngine
import Text

/// What a daemon counts, in OpenMetrics' text format.
///
/// - SeeAlso: OpenMetrics 1.0, "Text Format" (github.com/prometheus/OpenMetrics), read 2026-11-28.
enum OpenMetrics {
    static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    static func text(
        _ document: StatusDocument,
        now: UnixTime,
        totals: (String) -> MetricsLedger.Totals
    ) -> String {
        var page = Page()
        let folders = document.folders.map { (status: $0, totals: totals($0.name)) }
        page.family("syncd", .info, "The running version.")
        page.sample("syncd_info", [("version", document.version)], 1)
        for family in families {
            page.family(family.name, family.kind, family.help)
            for folder in folders {
                for sample in family.samples(folder.status, folder.totals, now) {
                    page.sample(family.sampleName, [("folder", folder.status.name)] + sample.labels, sample.value)
                }
            }
        }
        return page.text + "# EOF\n"
    }

    private enum Kind: String {
        case counter
        case gauge
        case info
    }

    private struct Sample {
        var labels: [(String, String)] = []
        var value: Int64
    }

    private struct Family {
        var name: String
        var kind: Kind
        var help: String
        var samples: (FolderStatus, MetricsLedger.Totals, UnixTime) -> [Sample]

        /// A counter's samples end in `_total`, those of an info in `_info`; the family's name does not.
        var sampleName: String {
            switch kind {
            case .counter: "\(name)_total"
            case .gauge: name
            case .info: "\(name)_info"
            }
        }
    }

    private static func counter(
        _ name: String,
        _ help: String,
        _ samples: @escaping (MetricsLedger.Totals) -> [Sample]
    ) -> Family {
        Family(name: name, kind: .counter, help: help) { _, totals, _ in samples(totals) }
    }

    private static func gauge(
        _ name: String,
        _ help: String,
        _ value: @escaping (FolderStatus, MetricsLedger.Totals, UnixTime) -> Int64?
    ) -> Family {
        Family(name: name, kind: .gauge, help: help) { status, totals, now in
            value(status, totals, now).map { [Sample(value: $0)] } ?? []
        }
    }

    private static var families: [Family] {
        [
            counter("syncd_transfers", "Files that were transferred.") {
                [
                    Sample(labels: [("direction", "up")], value: $0.uploaded),
                    Sample(labels: [("direction", "down")], value: $0.downloaded),
                ]
            },
            counter("syncd_transferred_bytes", "Bytes of these.") {
                [
                    Sample(labels: [("direction", "up")], value: $0.bytesUp),
                    Sample(labels: [("direction", "down")], value: $0.bytesDown),
                ]
            },
            counter("syncd_deletes", "Files moved to the trash, and objects deleted.") {
                [
                    Sample(labels: [("side", "local")], value: $0.deletedLocal),
                    Sample(labels: [("side", "remote")], value: $0.deletedRemote),
                ]
            },
            counter("syncd_requests", "Requests to the service, retries among them.") { totals in
                totals.requests.sorted { $0.key < $1.key }.map { Sample(labels: [("class", $0.key)], value: $0.value) }
            },
            counter("syncd_retries", "Requests that were tried again.") { [Sample(value: $0.retries)] },
            counter("syncd_cycles", "Cycles that ended.") { [Sample(value: $0.cycles)] },
            counter("syncd_reactions", "Reactions to changes that ended.") { [Sample(value: $0.reactions)] },
            counter("syncd_failures", "Cycles and reactions that failed as a whole.") { [Sample(value: $0.failures)] },
            counter("syncd_watch_overflows", "Times that the kernel dropped events, and the tree was scanned.") {
                [Sample(value: $0.watching?.overflows ?? 0)]
            },
        ] + gauges
    }

    private static var gauges: [Family] {
        [
            gauge("syncd_in_sync", "1 if both sides are known to be the same.") { status, _, _ in status.inSync ? 1 : 0
            },
            gauge("syncd_halted", "1 if a gate stops the folder.") { status, _, _ in status.halt == nil ? 0 : 1 },
            gauge("syncd_paused", "1 if the folder is paused.") { status, _, _ in status.state == .paused ? 1 : 0 },
            gauge("syncd_failing", "1 if the last cycle failed as a whole.") { status, _, _ in
                status.state == .failing ? 1 : 0
            },
            gauge("syncd_entries", "Files in sync.") { status, _, _ in status.entries },
            gauge("syncd_entry_bytes", "Bytes of these.") { status, _, _ in status.bytes },
            Family(name: "syncd_pending", kind: .gauge, help: "Changes that wait.") { status, _, _ in
                [
                    Sample(labels: [("change", "upload")], value: status.pending.uploads),
                    Sample(labels: [("change", "download")], value: status.pending.downloads),
                    Sample(labels: [("change", "delete")], value: status.pending.deletes),
                ]
            },
            gauge("syncd_problems", "Paths that cannot be synced.") { status, _, _ in Int64(status.problems.count) },
            gauge("syncd_oldest_unsynced_seconds", "Age of the oldest change that is not synced; 0 if all are.") {
                status,
                _,
                _ in status.oldestUnsyncedSeconds ?? 0
            },
            gauge("syncd_last_success_seconds", "Age of the last cycle that came to its end.") { _, totals, now in
                totals.lastSuccess.map { max(0, now.since($0).components.seconds) }
            },
            gauge("syncd_watched_directories", "Directories that are watched.") { _, totals, _ in
                totals.watching.map { Int64($0.directories) }
            },
            gauge("syncd_unwatched_directories", "Directories that could not be watched.") { _, totals, _ in
                totals.watching.map { Int64($0.unwatched) }
            },
        ]
    }

    private struct Page {
        var text = ""

        mutating func family(_ name: String, _ kind: Kind, _ help: String) {
            text += "# TYPE \(name) \(kind.rawValue)\n# HELP \(name) \(help)\n"
        }

        mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Int64) {
            let pairs = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
            text += "\(name){\(pairs)} \(value)\n"
        }

        private static func escaped(_ value: String) -> String {
            // By scalars: a character may be a quote with an accent, or CR and LF.
            value.unicodeScalars.map { scalar in
                switch scalar {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(scalar)
                }
            }.joined()
        }
    }
}
