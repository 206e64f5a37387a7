/// Which public declarations must say what their names cannot.
///
/// Types, functions, subscripts and type aliases need a doc comment, and so does every requirement of a public
/// protocol. Exempt is what others document: properties and cases, whose meaning the type's comment gives;
/// initializers that can neither fail nor wait, whose parameters are properties; and functions that fulfil a documented
/// requirement, of ours or of the standard library.
struct Documentation {
    private static let types: Set<String> = ["struct", "class", "enum", "actor", "protocol"]
    private static let members: Set<String> = ["func", "subscript", "typealias"]
    private static let requirements: Set<String> = ["func", "subscript", "init", "var", "associatedtype"]
    private static let standardRequirements: Set<String> = [
        "hash", "encode", "next", "makeIterator", "makeAsyncIterator", "enqueue", "index", "formIndex",
    ]

    /// Of the protocols of all files.
    private let requirementNames: Set<String>
    private let files: [SourceText]

    init(_ files: [SourceText]) {
        self.files = files
        let documented = files.flatMap { Self.declarations(in: $0) }.filter { $0.isRequirement && $0.hasDocumentation }
        requirementNames = Self.standardRequirements.union(documented.map(\.name))
    }

    var violations: [Violation] {
        files.flatMap { file in
            Self.declarations(in: file).filter { !$0.hasDocumentation && needsDocumentation($0) }
                .map { Violation(file.path, $0.line, "\($0.keyword) \($0.name) is public and has no doc comment") }
        }
    }

    private struct Declaration {
        var keyword: String
        /// An operator's name is empty.
        var name: String
        var line: Int
        var isRequirement: Bool
        /// For initializers: whether it can fail, throw or wait.
        var isDemanding: Bool
        var hasDocumentation: Bool
    }

    private func needsDocumentation(_ declaration: Declaration) -> Bool {
        if declaration.isRequirement || Self.types.contains(declaration.keyword) { return true }
        switch declaration.keyword {
        case "init": return declaration.isDemanding
        case "func": return !declaration.name.isEmpty && !requirementNames.contains(declaration.name)
        default: return Self.members.contains(declaration.keyword)
        }
    }

    /// Everything that says `public` or `open`, and the requirements of public protocols.
    private static func declarations(in file: SourceText) -> [Declaration] {
        var declarations: [Declaration] = []
        var depth = 0
        /// The depth of the public protocol's members, while in one.
        var requirementDepth: Int?
        for line in file.lines {
            let tokens = SourceText.tokens(of: line)
            let (modifiers, rest) = tokens[...].declaration
            let isRequirement = depth == requirementDepth && requirements.contains(rest.first?.text ?? "")
            if let keyword = rest.first, isRequirement || modifiers.contains("public") || modifiers.contains("open") {
                let name = rest.dropFirst().first { $0.text != "`" }?.text ?? ""
                let isDemanding = rest.dropFirst().first?.text == "?" || rest.contains { isEffect($0.text) }
                declarations.append(
                    Declaration(
                        keyword: keyword.text,
                        name: name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? name : "",
                        line: line.number,
                        isRequirement: isRequirement,
                        isDemanding: isDemanding,
                        hasDocumentation: file.lineAbove(line.number)?.hasDocumentation == true
                    )
                )
                if keyword.text == "protocol" { requirementDepth = depth + 1 }
            }
            for token in tokens {
                if token.text == "{" { depth += 1 }
                if token.text == "}" { depth -= 1 }
            }
            if let inside = requirementDepth, depth < inside, rest.first?.text != "protocol" { requirementDepth = nil }
        }
        return declarations
    }

    private static func isEffect(_ word: String) -> Bool { word == "throws" || word == "async" }
}
