/// Links between the documents.
enum Links {
    /// What a Markdown text links to within the tree, as it stands there, without `#…`; and the lines.
    static func targets(in text: String) throws -> [(target: String, line: Int)] {
        let link = try Regex(#"\]\(([^)\s#]+)(?:#[^)\s]*)?\)"#, as: (Substring, Substring).self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            line.matches(of: link).map { (String($0.output.1), index + 1) }.filter { !$0.0.contains("://") }
        }
    }

    static func violations(path: String, text: String, exists: (String) -> Bool) throws -> [Violation] {
        let directory = path.split(separator: "/").dropLast()
        return try targets(in: text).compactMap { target, line in
            var segments = directory
            for segment in target.split(separator: "/") where segment != "." {
                if segment == ".." { segments = segments.dropLast() } else { segments.append(segment) }
            }
            return exists(segments.joined(separator: "/")) ? nil : Violation(path, line, "\(target) leads nowhere")
        }
    }
}
