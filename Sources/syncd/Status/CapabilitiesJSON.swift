import SyncEngine
import Text

extension Capabilities {
    /// Each feature with its verdict.
    var members: [JSONMember] {
        Feature.allCases.map { JSONMember($0.rawValue, .string(self[$0].rawValue)) }
    }

    /// What of ``members`` is there.
    init(members json: JSONValue) {
        self.init()
        for feature in Feature.allCases {
            if let verdict = json[feature.rawValue]?.text.flatMap({ Verdict(rawValue: $0) }) { self[feature] = verdict }
        }
    }
}

extension WriteGuards {
    var json: JSONValue {
        .object([
            JSONMember("overwrites", .string(overwrites.rawValue)),
            JSONMember("parts", parts.map { .string($0.rawValue) } ?? .null),
            JSONMember("deletes", .string(deletes.rawValue)),
        ])
    }

    init?(json: JSONValue) {
        guard let overwrites = json["overwrites"]?.text.flatMap({ Guard(rawValue: $0) }),
            let deletes = json["deletes"]?.text.flatMap({ Guard(rawValue: $0) })
        else { return nil }
        let parts = json["parts"]?.text.flatMap { Guard(rawValue: $0) }
        self.init(overwrites: overwrites, parts: parts, deletes: deletes)
    }
}

extension KnownCapabilities {
    var json: JSONValue { .object([JSONMember("triedAt", .string(Format.timestamp(triedAt)))] + verdicts.members) }

    init?(json: JSONValue) {
        guard let triedAt = json["triedAt"]?.text.flatMap({ Format.time($0) }) else { return nil }
        self.init(verdicts: Capabilities(members: json), triedAt: triedAt)
    }
}
