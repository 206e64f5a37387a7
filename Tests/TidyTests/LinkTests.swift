import Testing

@Suite struct LinkTests {
    @Test func `every link between the documents leads somewhere`() throws {
        let documents = try SourceTree.texts().filter { $0.path.hasSuffix(".md") }
        #expect(documents.contains { $0.path == "README.md" })
        let found = try documents.flatMap { path, text in
            try Links.violations(path: path, text: text) { SourceTree.exists($0) }
        }
        #expect(found == [])
    }

    @Test(arguments: [
        ("See [the design](docs/DESIGN.md#words).", ["docs/DESIGN.md"]),
        ("[a](../A.md), [b](B.md) and [c](https://example.net/C.md)", ["../A.md", "B.md"]),
        ("a[0](b c) and [d]", []),
    ])
    func `links are found in a text`(text: String, targets: [String]) throws {
        #expect(try Links.targets(in: text).map(\.target) == targets)
    }

    @Test func `a link that leads nowhere is found`() throws {
        let text = "[a](../A.md)\n[b](B.md)\n[c](C.md)\n"
        let found = try Links.violations(path: "docs/D.md", text: text) { ["A.md", "docs/B.md"].contains($0) }
        #expect(found.map(\.line) == [3])
    }
}
