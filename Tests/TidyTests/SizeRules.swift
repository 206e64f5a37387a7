/// How long files and functions may be.
enum Size {
    /// In lines.
    static let maximumFile = 450
    /// In lines, from the line of its name to that of its closing brace.
    static let maximumFunction = 70

    static func violations(in file: SourceText) -> [Violation] {
        var violations: [Violation] = []
        if file.lines.count > maximumFile {
            violations.append(Violation(file.path, 0, "\(file.lines.count) lines, more than \(maximumFile)"))
        }
        for body in bodies(in: file.tokens) where body.count > maximumFunction {
            violations.append(
                Violation(file.path, body.lowerBound, "\(body.count) lines, more than \(maximumFunction)")
            )
        }
        return violations
    }

    /// The lines of every function, initializer, subscript and computed property that has a body.
    static func bodies(in tokens: [Token]) -> [ClosedRange<Int>] {
        tokens.indices.compactMap { index in
            let isMember = index > 0 && tokens[index - 1].text == "."
            guard begins.contains(tokens[index].text), !isMember else { return nil }
            guard let open = bodyStart(tokens[(index + 1)...]) else { return nil }
            let end = tokens[open...].endOfGroup.map { tokens[$0 - 1].line } ?? tokens[open].line
            return tokens[index].line...end
        }
    }

    private static let begins: Set<String> = ["func", "init", "deinit", "subscript", "var"]

    /// What ends a declaration that has no body: the next one, or the end of what holds it.
    private static let ends: Set<String> = [
        "}", "=", ";", "func", "init", "deinit", "subscript", "var", "let", "case", "struct", "class", "enum", "actor",
        "extension", "protocol", "typealias", "associatedtype", "static", "public", "private", "internal",
        "fileprivate",
        "if", "guard", "for", "while", "switch", "return", "in",
    ]

    private static func bodyStart(_ tokens: ArraySlice<Token>) -> Int? {
        var rest = tokens
        // An operator's own name may hold `=`.
        while let token = rest.first, "=<>+-*/%&|^~!?.".contains(token.text) { rest = rest.dropFirst() }
        while let token = rest.first {
            if token.text == "{" { return rest.startIndex }
            // In `where A.B == C` and `any P & Q` there is more to come.
            let isComparison = token.text == "=" && rest.dropFirst().first?.text == "="
            if isComparison {
                rest = rest.dropFirst(2)
            } else if token.text == "(" || token.text == "[" {
                guard let end = rest.endOfGroup else { return nil }
                rest = rest[end...]
            } else if ends.contains(token.text) {
                return nil
            } else {
                rest = rest.dropFirst()
            }
        }
        return nil
    }
}
