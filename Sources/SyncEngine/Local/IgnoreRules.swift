/// Which paths are not synced: patterns in gitignore's syntax, of which the last that matches decides.
///
/// - SeeAlso: gitignore(5), "Pattern format", git 2.39.
public struct IgnoreRules: Sendable {
    private let rules: [Rule]

    /// The pattern that decided on a path.
    public struct Match: Hashable, Sendable {
        /// As the operator wrote it.
        public var pattern: String
        /// Its place among the patterns, from 0.
        public var position: Int
        /// False for a pattern that includes again.
        public var excludes: Bool
        /// The directory above the path that it matched; nil where it matched the path itself.
        public var directory: RelativePath?
    }

    private struct Rule: Sendable {
        var line: String
        var position: Int
        var pattern: GlobPattern
        var isNegated: Bool
        var onlyDirectories: Bool
        /// Matched against the whole path; else against the last segment only.
        var isAnchored: Bool

        func match(in directory: RelativePath?) -> Match {
            Match(pattern: line, position: position, excludes: !isNegated, directory: directory)
        }
    }

    /// - Parameter patterns: lines of a gitignore file. Empty ones and comments match nothing.
    public init(patterns: [String]) {
        rules = patterns.enumerated().compactMap { Self.rule($0.element, at: $0.offset) }
    }

    /// Whether the name at `path` itself is excluded, where all directories above it are included.
    public func isExcluded(_ path: RelativePath, isDirectory: Bool) -> Bool {
        isExcluded(path.bytes[...], isDirectory: isDirectory)
    }

    /// Whether the file at `path` is excluded, by itself or by a directory above it: nothing below an excluded
    /// directory can be included again.
    public func excludes(_ path: RelativePath) -> Bool {
        guard !rules.isEmpty else { return false }
        for (index, byte) in path.bytes.enumerated() where byte == UInt8(ascii: "/") {
            if isExcluded(path.bytes[..<index], isDirectory: true) { return true }
        }
        return isExcluded(path.bytes[...], isDirectory: false)
    }

    /// What decides on `path`: the rule that excludes a directory above it, or the last that matches it; nil for none.
    public func match(_ path: RelativePath, isDirectory: Bool) -> Match? {
        for (index, byte) in path.bytes.enumerated() where byte == UInt8(ascii: "/") {
            guard let rule = decisiveRule(path.bytes[..<index], isDirectory: true), !rule.isNegated else { continue }
            return rule.match(in: RelativePath(trusted: Array(path.bytes[..<index])))
        }
        return decisiveRule(path.bytes[...], isDirectory: isDirectory)?.match(in: nil)
    }

    private func isExcluded(_ path: ArraySlice<UInt8>, isDirectory: Bool) -> Bool {
        decisiveRule(path, isDirectory: isDirectory).map { !$0.isNegated } ?? false
    }

    private func decisiveRule(_ path: ArraySlice<UInt8>, isDirectory: Bool) -> Rule? {
        guard !rules.isEmpty else { return nil }
        let name = path.lastIndex(of: UInt8(ascii: "/")).map { path[($0 + 1)...] } ?? path
        return rules.last { rule in
            (isDirectory || !rule.onlyDirectories) && rule.pattern.matches(rule.isAnchored ? path : name)
        }
    }

    private static func rule(_ line: String, at position: Int) -> Rule? {
        var text = withoutTrailingSpaces(Array(line.utf8))[...]
        if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
        if text.isEmpty || text.first == UInt8(ascii: "#") { return nil }
        let isNegated = text.first == UInt8(ascii: "!")
        if isNegated { text = text.dropFirst() }
        let onlyDirectories = text.last == UInt8(ascii: "/")
        if onlyDirectories { text = text.dropLast() }
        let isAnchored = text.contains(UInt8(ascii: "/"))
        if text.first == UInt8(ascii: "/") { text = text.dropFirst() }
        guard !text.isEmpty, let pattern = GlobPattern(Array(text)) else { return nil }
        return Rule(
            line: line,
            position: position,
            pattern: pattern,
            isNegated: isNegated,
            onlyDirectories: onlyDirectories,
            isAnchored: isAnchored
        )
    }

    /// Spaces at the end do not count, unless a backslash stands before them.
    private static func withoutTrailingSpaces(_ line: [UInt8]) -> [UInt8] {
        var end = 0
        var position = 0
        while position < line.count {
            if line[position] == UInt8(ascii: "\\") {
                position = min(position + 2, line.count)
                end = position
            } else {
                position += 1
                if line[position - 1] != UInt8(ascii: " ") { end = position }
            }
        }
        return Array(line[..<end])
    }
}
