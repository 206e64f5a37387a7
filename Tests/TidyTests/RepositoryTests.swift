import Testing

@Suite struct RepositoryTests {
    /// What a build, a test or an editor leaves behind.
    private static func isLitter(_ path: String) -> Bool {
        let names = path.split(separator: "/")
        let litter: Set<Substring> = [".build", ".venv", ".swiftpm", "__pycache__", ".DS_Store", "Package.resolved"]
        return !litter.isDisjoint(with: names) || path.hasSuffix(".tmp") || path.hasSuffix(".pyc")
    }

    @Test func `git tracks nothing that is built or fetched`() throws {
        #expect(try SourceTree.tracked().filter { Self.isLitter($0) } == [])
    }

    @Test(arguments: [".build/debug/syncd", ".venv/bin/python", "Package.resolved", "Bench/__pycache__/a.pyc", "a.tmp"])
    func `litter is told by its path`(path: String) {
        #expect(Self.isLitter(path))
    }

    @Test(arguments: ["Package.swift", "Sources/syncd/Syncd.swift", ".ci/run", "scripts/setup.sh"])
    func `what is written is no litter`(path: String) {
        #expect(!Self.isLitter(path))
    }
}
