import Foundation
import SyncEngine
import TestSupport
import Testing

/// Excludes mean what gitignore(5) says: git itself is asked.
struct IgnoreRulesTests {
    private static let names = ["a", "b", "ab", "a.tmp", "tmp", ".x", "A", "a b", "x[1]", "é"]
    private static let pieces = [
        "a", "b", "*", "?", "**", ".tmp", "[ab]", "[!a]", "x", "tmp", ".", "A", "\\*", "[a-c]",
    ]

    private func randomPattern(_ generator: inout SeededGenerator) -> String {
        var segments: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let count = Int.random(in: 1...3, using: &generator)
            segments.append((0..<count).map { _ in Self.pieces.randomElement(using: &generator) ?? "a" }.joined())
        }
        if Int.random(in: 0..<4, using: &generator) == 0 { segments.insert("**", at: 0) }
        var pattern = segments.joined(separator: "/")
        if Int.random(in: 0..<5, using: &generator) == 0 { pattern = "!" + pattern }
        if Int.random(in: 0..<5, using: &generator) == 0 { pattern = "/" + pattern }
        if Int.random(in: 0..<4, using: &generator) == 0 { pattern += "/" }
        return pattern
    }

    /// Paths of files two and three levels deep, none of which stands in another's way.
    private func randomPaths(_ generator: inout SeededGenerator) -> Set<String> {
        var paths: Set<String> = []
        for _ in 0..<25 {
            let depth = Int.random(in: 1...3, using: &generator)
            var segments = (1..<depth).map { _ in "d" + (Self.names.randomElement(using: &generator) ?? "a") }
            if depth > 1, Bool.random(using: &generator) { segments[0] = "tmp" }
            segments.append("f" + (Self.names.randomElement(using: &generator) ?? "a"))
            if Bool.random(using: &generator) { segments[segments.count - 1].removeFirst() }
            if depth > 1 || segments[0] != "tmp" { paths.insert(segments.joined(separator: "/")) }
        }
        return paths
    }

    @Test func `git agrees on random patterns and paths`() throws {
        for seed: UInt64 in 1...25 {
            var generator = SeededGenerator(seed: seed)
            let patterns = (0..<Int.random(in: 1...4, using: &generator)).map { _ in randomPattern(&generator) }
            let paths = randomPaths(&generator)
            let rules = IgnoreRules(patterns: patterns)
            let ours = Set(paths.filter { rules.excludes(RelativePath(unchecked: Array($0.utf8), in: nil)) })
            #expect(try Self.ignoredByGit(paths, patterns) == ours, "seed \(seed), patterns \(patterns)")
        }
    }

    @Test(arguments: [
        (["*.tmp"], "a.tmp", true), (["*.tmp"], "d/a.tmp", true), (["/a"], "d/a", false), (["d/"], "d/x/y", true),
        (["d/"], "e/d", false), (["d/*", "!d/keep"], "d/keep", false), (["d/", "!d/keep"], "d/keep", true),
        (["**/x"], "a/b/x", true), (["a/**/b"], "a/b", true), (["a/**"], "a/x", true), (["#a"], "#a", false),
        (["\\#a"], "#a", true), (["a "], "a", true), (["a\\ "], "a ", true), ([""], "a", false), (["["], "[", false),
        (["*"], "a/b", true), (["*", "!a"], "a", false), (["a/b"], "x/a/b", false),
    ])
    func `patterns mean what the manual says`(patterns: [String], path: String, isExcluded: Bool) {
        let rules = IgnoreRules(patterns: patterns)
        #expect(rules.excludes(RelativePath(unchecked: Array(path.utf8), in: nil)) == isExcluded)
    }

    @Test(.timeLimit(.minutes(1)))
    func `no pattern takes long`() {
        let pattern = String(repeating: "*a", count: 60) + "b"
        let rules = IgnoreRules(patterns: [pattern, "**/" + String(repeating: "**/a", count: 30) + "/b"])
        let path = String(repeating: "a/", count: 60) + String(repeating: "a", count: 200)
        #expect(!rules.excludes(RelativePath(unchecked: Array(path.utf8), in: nil)))
    }

    /// What `git check-ignore` says of files that lie in a tree.
    private static func ignoredByGit(_ paths: Set<String>, _ patterns: [String]) throws -> Set<String> {
        let root = FileManager.default.temporaryDirectory.appending(path: "syncd-git-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        for path in paths {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data().write(to: file)
        }
        try Data((patterns.joined(separator: "\n") + "\n").utf8).write(to: root.appending(path: ".gitignore"))
        _ = try git(root, ["init", "--quiet", "."], input: [])
        let input = paths.map { Array($0.utf8) + [0] }.flatMap(\.self)
        let output = try git(
            root,
            ["-c", "core.ignorecase=false", "check-ignore", "--no-index", "-z", "--stdin"],
            input: input
        )
        return Set(output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    }

    private static func git(_ directory: URL, _ arguments: [String], input: [UInt8]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git", "-C", directory.path] + arguments
        process.environment = [
            "PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": directory.path, "GIT_CONFIG_NOSYSTEM": "1",
        ]
        let (sent, received) = (Pipe(), Pipe())
        process.standardInput = sent
        process.standardOutput = received
        try process.run()
        sent.fileHandleForWriting.write(Data(input))
        try sent.fileHandleForWriting.close()
        let output = try received.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        // 1 says that nothing is ignored.
        try #require(process.terminationStatus <= 1, "git is needed for this test: apt-get install git")
        return Array(output)
    }
}
