/// Words that do not belong into the tree.
enum Wording {
    struct Rule {
        var message: String
        var pattern: Regex<Substring>
    }

    /// This directory holds the rules and bad samples of them.
    static let exemptDirectory = "Tests/TidyTests/"

    /// Computed, since a regex is not `Sendable`.
    static var rules: [Rule] {
        [
            Rule(message: "a mark of unfinished work", pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/),
            Rule(
                message: "speaks of the making, not of the product",
                // `(?!` is a look ahead, no unwrapping.
                pattern: /\b(?:sessions?(?![\s\\-]*tokens?)|subagents?|worktrees?|issue #?\d+)\b/.ignoresCase()
            ),
            Rule(
                message: "the path of one machine",
                pattern: /(?:^|[^\w.*\-}])\/(?:root|work|opt\/wheels|opt\/swift-packages|Users|github\/workspace)\/\w/
            ),
        ]
    }

    static func violations(path: String, text: String) -> [Violation] {
        guard !path.hasPrefix(exemptDirectory) else { return [] }
        let rules = rules
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            rules.compactMap { rule in
                guard let match = line.firstMatch(of: rule.pattern) else { return nil }
                return Violation(path, index + 1, "\"\(match.0)\": \(rule.message)")
            }
        }
    }
}
