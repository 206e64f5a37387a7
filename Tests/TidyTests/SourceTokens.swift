/// One word or one sign of code.
struct Token: Equatable {
    /// A word (letters, digits, `_`, with a leading `@` or `#`), or a single character. A name in backticks is two
    /// tokens, a string is its quotes.
    var text: String
    /// From 1.
    var line: Int
    /// Whether nothing stands between it and the token before it.
    var isAttached: Bool
}

extension SourceText {
    /// The code of the file, in order.
    var tokens: [Token] {
        lines.flatMap { Self.tokens(of: $0) }
    }

    static func tokens(of line: Line) -> [Token] {
        var tokens: [Token] = []
        var word = ""
        var isAttached = false
        func flush() {
            guard !word.isEmpty else { return }
            tokens.append(Token(text: word, line: line.number, isAttached: isAttached))
            word = ""
            isAttached = true
        }
        for character in line.code {
            if character.isLetter || character.isNumber || character == "_" {
                word.append(character)
                continue
            }
            flush()
            if character == " " {
                isAttached = false
            } else if character == "@" || character == "#" {
                word = String(character)
            } else {
                tokens.append(Token(text: String(character), line: line.number, isAttached: isAttached))
                isAttached = true
            }
        }
        flush()
        return tokens
    }
}

extension ArraySlice<Token> {
    /// Without the attributes and modifiers that a declaration begins with, and those.
    var declaration: (modifiers: Set<String>, rest: ArraySlice<Token>) {
        var modifiers: Set<String> = []
        var rest = self
        while let token = rest.first {
            let isModifier = Self.modifiers.contains(token.text)
            guard isModifier || token.text.hasPrefix("@") else { break }
            // `class` is a modifier of members, and else the declaration.
            if token.text == "class", !["func", "var", "subscript"].contains(rest.dropFirst().first?.text) { break }
            modifiers.insert(token.text)
            rest = rest.dropFirst()
            if rest.first?.text == "(", rest.first?.isAttached == true {
                rest = rest[(rest.endOfGroup ?? rest.endIndex)...]
            }
        }
        return (modifiers, rest)
    }

    private static let modifiers: Set<String> = [
        "open", "public", "package", "internal", "private", "fileprivate", "static", "class", "final", "mutating",
        "nonmutating", "override", "required", "convenience", "lazy", "weak", "unowned", "nonisolated", "indirect",
        "borrowing", "consuming", "prefix", "postfix", "infix", "dynamic", "isolated", "sending",
    ]

    /// The index after the bracket that closes the one it begins with; nil if it is never closed.
    var endOfGroup: Int? {
        var depth = 0
        for index in indices {
            switch self[index].text {
            case "(", "[", "{": depth += 1
            case ")", "]", "}": depth -= 1
            default: break
            }
            if depth == 0 { return index + 1 }
        }
        return nil
    }
}
