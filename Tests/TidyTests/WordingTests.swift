import Testing

@Suite struct WordingTests {
    @Test func `no file speaks of its making, of one machine, or of work to do`() throws {
        let texts = try SourceTree.texts()
        #expect(texts.contains { $0.path == "Makefile" } && texts.contains { $0.path == "Sources/syncd/Syncd.swift" })
        #expect(texts.flatMap { Wording.violations(path: $0.path, text: $0.text) } == [])
    }

    @Test(arguments: [
        "// TODO: later", "FIXME", "// written in the last session", "see issue #12", "Issue 7", "cd /root/code",
        "path = \"/work/main\"", "/Users/anna/code",
    ])
    func `such words are found`(text: String) {
        let found = Wording.violations(path: "docs/A.md", text: "fine\n\(text)\n")
        #expect(found.map(\.line) == [2])
    }

    @Test(arguments: [
        "AWS_SESSION_TOKEN, sessionToken, a session token, a session-token", "an issue with the disk", "docs/work/a",
        "network/root/a",
        "URLSession", "below the root/", "prefix + /path", "/var/lib/syncd",
    ])
    func `other words are not`(text: String) {
        #expect(Wording.violations(path: "docs/A.md", text: text) == [])
    }
}
