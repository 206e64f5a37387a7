import Testing

@Suite struct BanTests {
    @Test func `nothing banned stands in the code without its reason`() throws {
        let found = try SourceTree.swift("Sources", "Tests").flatMap { Ban.violations(in: $0) }
        #expect(found == [])
    }

    @Test(arguments: [
        "let a = try! f()",
        "let a = b!",
        "let a = b()!.c",
        "let a = b[0]!",
        "let a = \"x\"!",
        "print(\"\\(a!)\")",
        "var a: Int!",
        "let a = b as! Int",
        "final class A: @unchecked Sendable {}",
        "nonisolated(unsafe) var a = 0",
        "fatalError(\"never\")",
        "Task { await f() }",
        "Task(priority: .low) { await f() }",
        "Task.detached { await f() }",
        "/// A class.\nfinal class A: @unchecked Sendable {}",
        "let a = 0  // the reason\nlet b = c!",
        "// the reason\n\nlet b = c!",
        "final class A: @unchecked Sendable {\n    // Something else.\n}",
    ])
    func `each ban is found where no reason stands above it`(text: String) {
        #expect(Ban.violations(in: SourceText(path: "Sources/A.swift", text: text)).count == 1)
    }

    @Test(arguments: [
        "// It has one element.\nlet a = b[0]!",
        "/// `@unchecked`: the lock guards it.\nfinal class A: @unchecked Sendable {}",
        "final class A: @unchecked Sendable {\n    // @unchecked: the lock guards it.\n}",
        "// The lock guards it.\n@available(*, deprecated)\nfinal class A: @unchecked Sendable {}",
        "if !a, a != b, c !== d, !(e) {}",
        "// Never write try! or a! here.",
        "let a = \"try! b!\"",
        "let a = #\"\"\"\nfatalError( \" b!\n\"\"\"#",
        "func `it works! really`() {}",
        "let a: Task<Void, Never>? = nil",
        "if Task.isCancelled {}",
        "try await Task.sleep(for: .seconds(1))",
    ])
    func `nothing is found in code that is fine`(text: String) {
        #expect(Ban.violations(in: SourceText(path: "Sources/A.swift", text: text)) == [])
    }

    @Test func `a test may start a task of its own`() {
        #expect(Ban.violations(in: SourceText(path: "Tests/A.swift", text: "Task { await f() }")) == [])
    }
}
