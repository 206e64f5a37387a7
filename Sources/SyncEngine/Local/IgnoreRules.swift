/// Which paths are not synced: patterns in gitignore's syntax, of which the last that matches decides.
///
/// - SeeAlso: gitignore(5), "Pattern format", git 2.39.
public struct IgnoreRules: Sendable {
    private let rules: [Rule]

    private struct Rule: Sendable {
        var pattern: GlobPattern
        var isNegated: Bool
        var onlyDirectories: Bool
        /// Matched against the whole path; else against the last segment only.
        var isAnchored: Bool
    }

    /// - Parameter patterns: lines of a gitignore file. Empty ones and comments match nothing.
    public init(patterns: [String]) {
        rules = patterns.compactMap { Self.rule(Array($0.utf8)) }
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

    private func isExcluded(_ path: ArraySlice<UInt8>, isDirectory: Bool) -> Bool {
        guard !rules.isEmpty else { return false }
        let name = path.lastIndex(of: UInt8(ascii: "/")).map { path[($0 + 1)...] } ?? path
        let decisive = rules.last { rule in
            (isDirectory || !rule.onlyDirectories) && rule.pattern.matches(rule.isAnchored ? path : name)
        }
        return decisive.map { !$0.isNegated } ?? false
    }

    private static func rule(_ line: [UInt8]) -> Rule? {
        var text = withoutTrailingSpaces(line)[...]
        if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
        if text.isEmpty || text.first == UInt8(ascii: "#") { return nil }
        let isNegated = text.first == UInt8(ascii: "!")
        if isNegated { text = text.dropFirst() }
        let onlyDirectories = text.last == UInt8(ascii: "/")
        if onlyDirectories { text = text.dropLast() }
        let isAnchored = text.contains(UInt8(ascii: "/"))
        if text.first == UInt8(ascii: "/") { text = text.dropFirst() }
        guard !text.isEmpty, let pattern = GlobPattern(Array(text)) else { return nil }
        return Rule(pattern: pattern, isNegated: isNegated, onlyDirectories: onlyDirectories, isAnchored: isAnchored)
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
