import Testing

@Suite struct SizeTests {
    @Test func `no file and no function is too long`() throws {
        let found = try SourceTree.swift("Sources", "Tests").flatMap { Size.violations(in: $0) }
        #expect(found == [])
    }

    @Test func `a file of one line too many is found`() {
        let line = "let a = 0\n"
        let longest = SourceText(path: "A.swift", text: String(repeating: line, count: Size.maximumFile))
        let tooLong = SourceText(path: "A.swift", text: String(repeating: line, count: Size.maximumFile + 1))
        #expect(Size.violations(in: longest) == [])
        #expect(Size.violations(in: tooLong).map(\.line) == [0])
    }

    @Test(arguments: [
        "func f(_ a: Int = g { 1 }) async throws(E) -> [Int] where A.B == C {",
        "static func == (a: A, b: A) -> Bool {",
        "init?(a: Int) {",
        "deinit {",
        "var a: some Sequence<Int> {",
        "subscript(a: Int) -> Int {",
        "func `a name in backticks`() {",
    ])
    func `a function of one line too many is found`(head: String) {
        func text(lines: Int) -> SourceText {
            let body = String(repeating: "    g(\"}\") // }\n", count: lines - 2)
            return SourceText(path: "A.swift", text: "struct A {\n\(head)\n\(body)}\n}\n")
        }
        #expect(Size.violations(in: text(lines: Size.maximumFunction)) == [])
        #expect(Size.violations(in: text(lines: Size.maximumFunction + 1)).map(\.line) == [2])
    }

    @Test func `what has no body borrows none`() {
        let text = """
            protocol A {
                func f() async throws -> Int
                var b: Int { get }
                init(c: Int)
            }
            struct B {
                var c: Int
                let d = A.init(1)
                var e = 5
            }
            """
        #expect(Size.bodies(in: SourceText(path: "A.swift", text: text).tokens) == [3...3])
    }
}
