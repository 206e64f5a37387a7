import Testing

/// Code that is printed in a document is code that is compiled and run.
struct ExampleTests {
    @Test func `the example of Getting started is the one that is tested`() throws {
        let article = try SourceTree.text(of: "Sources/S3API/S3API.docc/GettingStarted.md")
        let blocks = article.components(between: "```swift\n", and: "```")
        let example = try SourceTree.text(of: "Tests/S3APITests/GettingStartedExample.swift")
        #expect(blocks.count == 2)
        #expect(blocks.joined(separator: "\n") == example)
    }
}

extension String {
    fileprivate func components(between start: String, and end: String) -> [String] {
        var found: [String] = []
        var rest = self[...]
        while let begin = rest.firstRange(of: start), let close = rest[begin.upperBound...].firstRange(of: end) {
            found.append(String(rest[begin.upperBound..<close.lowerBound]))
            rest = rest[close.upperBound...]
        }
        return found
    }
}
