/// What may stand in the code only with its reason, in a comment on the line above.
///
/// The reason is an ordinary comment. A doc comment counts where it names what is banned, such as "`@unchecked`: …". For
/// an unchecked type the reason may also be the first thing in it: "// @unchecked: …".
enum Ban: String, CaseIterable {
    case forcedTry = "try!"
    case forcedUnwrap = "!"
    case unchecked = "@unchecked"
    case unsafe = "nonisolated(unsafe)"
    case fatalError = "fatalError"
    case unstructuredTask = "Task {"

    /// What a doc comment must say to count as the reason.
    private var keyword: String {
        switch self {
        case .forcedTry, .forcedUnwrap, .fatalError, .unstructuredTask: rawValue
        case .unchecked: "unchecked"
        case .unsafe: "unsafe"
        }
    }

    /// Unstructured tasks are banned from Sources only: a test may need one to cancel it.
    static func violations(in file: SourceText) -> [Violation] {
        let isTest = file.path.hasPrefix("Tests/")
        return places(in: file).compactMap { place in
            if isTest, place.ban == .unstructuredTask { return nil }
            if let above = file.lineAbove(place.line), place.ban.isExplained(by: above) { return nil }
            if place.ban == .unchecked, place.line < file.lines.count,
                file.lines[place.line].comment.trimmed.hasPrefix("// @unchecked: ")
            {
                return nil
            }
            return Violation(file.path, place.line, "\(place.ban.rawValue) without its reason on the line above")
        }
    }

    private func isExplained(by line: SourceText.Line) -> Bool {
        let comment = line.comment.trimmed
        guard comment.hasPrefix("//"), !line.hasCode else { return false }
        return !comment.hasPrefix("///") || comment.contains(keyword)
    }

    private static func places(in file: SourceText) -> [(ban: Ban, line: Int)] {
        let tokens = file.tokens
        return tokens.indices.compactMap { index in
            let previous = index > 0 ? tokens[index - 1] : nil
            return ban(at: tokens[index...], after: previous).map { ($0, tokens[index].line) }
        }
    }

    private static func ban(at tokens: ArraySlice<Token>, after previous: Token?) -> Ban? {
        guard let token = tokens.first else { return nil }
        let next = tokens.dropFirst().first
        switch token.text {
        case "!": return forced(token, after: previous, before: next)
        case "@unchecked": return .unchecked
        case "nonisolated":
            return tokens.dropFirst().prefix(3).map(\.text) == ["(", "unsafe", ")"] ? .unsafe : nil
        case "fatalError": return next?.text == "(" ? .fatalError : nil
        case "Task":
            // `Task { }`, `Task(priority:) { }`, `Task.detached { }`; not the type, nor `Task.isCancelled`.
            if ["(", "{"].contains(next?.text) { return .unstructuredTask }
            let member = tokens.dropFirst(2).first?.text
            return next?.text == "." && ["detached", "immediate"].contains(member) ? .unstructuredTask : nil
        default: return nil
        }
    }

    /// A `!` after a value or a type; before one it is a negation, and with a `=` a comparison.
    private static func forced(_ token: Token, after previous: Token?, before next: Token?) -> Ban? {
        guard let previous, token.isAttached, !(next?.text == "=" && next?.isAttached == true) else { return nil }
        if previous.text == "try" { return .forcedTry }
        let endsValue = previous.text.contains { $0.isLetter || $0.isNumber || $0 == "_" }
        return endsValue || [")", "]", "}", "\"", "`", ">", "?"].contains(previous.text) ? .forcedUnwrap : nil
    }
}
