import Testing

@Suite struct SourceTextTests {
    @Test(arguments: [
        ("let a = 1 // b", "let a = 1"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (#"f("a // b", 1)"#, #"f("      ", 1)"#),
        (#"f("a \"b\" c")"#, #"f("         ")"#),
        (#"f("a \(b("c") + d) e")"#, #"f("    b(" ") + d)  ")"#),
        ("f(#\"a \" \\(b) \\#(c)\"#)", "f( \"            c)\" )"),
        ("func `a \"b // c`() {}", "func `         `() {}"),
        ("#if os(Linux)", "#if os(Linux)"),
    ])
    func `only code is code`(text: String, code: String) {
        let line = SourceText(path: "A.swift", text: text).lines[0]
        #expect(line.code.trimmed == code)
        #expect(line.code.utf8.count == text.utf8.count)
    }

    @Test func `a string of several lines ends where it ends`() {
        let source = SourceText(
            path: "A.swift",
            text: "let a = \"\"\"\n    // \"b\" \\(c)\n    \"\"\"\nlet d = 1 // e\n"
        )
        #expect(source.lines.map(\.code.trimmed) == ["let a = \"\"\"", "c)", "\"\"\"", "let d = 1"])
        #expect(source.lines.map(\.comment.trimmed) == ["", "", "", "// e"])
    }

    @Test func `attributes on lines of their own are not the line above`() {
        let source = SourceText(path: "A.swift", text: "// a\n@frozen\nstruct B {}\n")
        #expect(source.lineAbove(3)?.comment == "// a")
        #expect(source.lineAbove(1) == nil)
    }

    @Test func `tokens are words and signs`() {
        let source = SourceText(path: "A.swift", text: "@a b_1(c: !d)")
        #expect(source.tokens.map(\.text) == ["@a", "b_1", "(", "c", ":", "!", "d", ")"])
        #expect(source.tokens.map(\.isAttached) == [false, false, true, true, true, false, true, true])
    }
}
