/// Swift source, line by line, with its code and its comments apart.
///
/// Columns are kept: what is not code is a space in `code`, what is not comment a space in `comment`. Of a string only
/// the quotes count as code, and what stands in `\( )`; of a name in backticks only the backticks. Regex literals
/// between slashes are not known.
struct SourceText {
    struct Line {
        /// From 1.
        var number: Int
        var raw: String
        var code: String
        /// With its `//`, `///` or `/*`.
        var comment: String

        var hasCode: Bool { code.contains { $0 != " " } }
        var hasDocumentation: Bool { comment.trimmed.hasPrefix("///") && !hasCode }
    }

    /// Relative to the package's root.
    let path: String
    let lines: [Line]

    init(path: String, text: String) {
        self.path = path
        var lexer = Lexer(bytes: Array(text.utf8))
        lexer.run()
        let raw = Self.lines(of: Array(text.utf8))
        let code = Self.lines(of: lexer.code)
        let comment = Self.lines(of: lexer.comment)
        lines = raw.indices.map { Line(number: $0 + 1, raw: raw[$0], code: code[$0], comment: comment[$0]) }
    }

    private static func lines(of bytes: [UInt8]) -> [String] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The line before the one of that number, not counting lines that hold nothing but attributes; nil at the top.
    func lineAbove(_ number: Int) -> Line? {
        lines[..<(number - 1)].last { line in
            let tokens = Self.tokens(of: line)
            return tokens.first?.text.hasPrefix("@") != true || !tokens[...].declaration.rest.isEmpty
        }
    }
}

extension String {
    /// Without spaces at either end.
    var trimmed: String {
        guard let first = firstIndex(where: { $0 != " " }), let last = lastIndex(where: { $0 != " " }) else {
            return ""
        }
        return String(self[first...last])
    }
}

/// Sorts bytes of Swift source into code and comment. Both results are as long as the source.
private struct Lexer {
    private static let space = UInt8(ascii: " ")
    private static let newline = UInt8(ascii: "\n")
    private static let quote = UInt8(ascii: "\"")

    private let bytes: [UInt8]
    private var index = 0
    private(set) var code: [UInt8]
    private(set) var comment: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
        code = bytes.map { $0 == Self.newline ? $0 : Self.space }
        comment = code
    }

    mutating func run() {
        lexCode(isInterpolation: false)
    }

    private func starts(with text: StaticString, at position: Int) -> Bool {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        return text.withUTF8Buffer { bytes[position..<end].elementsEqual($0) }
    }

    private mutating func take(_ count: Int) {
        let end = min(index + count, bytes.count)
        code.replaceSubrange(index..<end, with: bytes[index..<end])
        index = end
    }

    private mutating func lexCode(isInterpolation: Bool) {
        var depth = 0
        while index < bytes.count {
            if starts(with: "//", at: index) {
                lexLineComment()
            } else if starts(with: "/*", at: index) {
                lexBlockComment()
            } else if let hashes = hashesBeforeQuote() {
                lexString(hashes: hashes)
            } else if bytes[index] == UInt8(ascii: "`") {
                lexQuotedName()
            } else {
                let byte = bytes[index]
                take(1)
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                if isInterpolation, depth < 0 { return }
            }
        }
    }

    private mutating func lexLineComment() {
        while index < bytes.count, bytes[index] != Self.newline {
            comment[index] = bytes[index]
            index += 1
        }
    }

    private mutating func lexBlockComment() {
        var depth = 0
        repeat {
            var count = 1
            if starts(with: "/*", at: index) {
                depth += 1
                count = 2
            } else if starts(with: "*/", at: index) {
                depth -= 1
                count = 2
            }
            let end = min(index + count, bytes.count)
            comment.replaceSubrange(index..<end, with: bytes[index..<end])
            index = end
        } while depth > 0 && index < bytes.count
    }

    /// How many `#` stand before the quote that begins a string here; nil if none begins.
    private func hashesBeforeQuote() -> Int? {
        var position = index
        while position < bytes.count, bytes[position] == UInt8(ascii: "#") { position += 1 }
        return position < bytes.count && bytes[position] == Self.quote ? position - index : nil
    }

    private func hasHashes(_ count: Int, at position: Int) -> Bool {
        position + count <= bytes.count && bytes[position..<position + count].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    private mutating func lexString(hashes: Int) {
        index += hashes
        let quotes = starts(with: "\"\"\"", at: index) ? 3 : 1
        take(quotes)
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), hasHashes(hashes, at: index + 1) {
                index = min(index + 1 + hashes, bytes.count)
                let isInterpolation = index < bytes.count && bytes[index] == UInt8(ascii: "(")
                index = min(index + 1, bytes.count)
                if isInterpolation { lexCode(isInterpolation: true) }
            } else if quotes == 3 ? starts(with: "\"\"\"", at: index) : bytes[index] == Self.quote,
                hasHashes(hashes, at: index + quotes)
            {
                take(quotes)
                index += hashes
                return
            } else if quotes == 1, bytes[index] == Self.newline {
                return
            } else {
                index += 1
            }
        }
    }

    private mutating func lexQuotedName() {
        take(1)
        while index < bytes.count, bytes[index] != UInt8(ascii: "`"), bytes[index] != Self.newline { index += 1 }
        take(1)
    }
}
