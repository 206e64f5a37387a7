import Testing

@Suite struct DocumentationTests {
    @Test func `every public declaration says what its name cannot`() throws {
        let found = Documentation(try SourceTree.swift("Sources")).violations
        #expect(found == [])
    }

    @Test(arguments: [
        "public struct A {}",
        "// Not a doc comment.\npublic enum A {}",
        "@frozen public final class A {}",
        "public protocol A {}",
        "struct A {\n    public static func f() {}\n}",
        "struct A {\n    public init?(a: Int) {}\n}",
        "struct A {\n    public init(a: Int) throws {}\n}",
        "struct A {\n    public subscript(a: Int) -> Int { 0 }\n}",
        "/// Documented.\npublic protocol A {\n    func f()\n}",
        "/// Documented.\npublic protocol A {\n    /// Documented.\n    func f()\n    var b: Int { get }\n}",
    ])
    func `a public declaration without one is found`(text: String) {
        #expect(Documentation([SourceText(path: "A.swift", text: text)]).violations.count == 1)
    }

    @Test(arguments: [
        "/// Documented.\n@frozen\npublic struct A {\n    public var b: Int\n    public init(b: Int) {}\n}",
        "struct A {\n    func f() {}\n    public func hash(into hasher: inout Hasher) {}\n}",
        "struct A {\n    public static func == (a: A, b: A) -> Bool { true }\n}",
        "/// Documented.\npublic protocol A {\n    /// Documented.\n    func f()\n}\nstruct B: A {\n    public func f() {}\n}",
        "protocol A {\n    func f()\n}",
    ])
    func `what needs none is not`(text: String) {
        #expect(Documentation([SourceText(path: "A.swift", text: text)]).violations == [])
    }
}
