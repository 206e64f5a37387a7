import Foundation

/// What a rule has against a place in the tree.
struct Violation: Equatable, CustomStringConvertible {
    var path: String
    /// From 1; 0 for the file as a whole.
    var line: Int
    var message: String

    init(_ path: String, _ line: Int, _ message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    var description: String { "\(path):\(line): \(message)" }
}

/// The package's checkout, found from where this file is.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// What holds files that people write, at the top of the tree.
    private static let directories = ["Sources", "Tests", "Bench", "docs", "scripts", "systemd", ".ci"]

    /// Of all Swift files below these directories, in order of their paths.
    static func swift(_ directories: String...) throws -> [SourceText] {
        let paths = try directories.flatMap { try files(below: $0) }.filter { $0.hasSuffix(".swift") }
        return try paths.map { SourceText(path: $0, text: try text(of: $0)) }
    }

    /// Paths and texts of all files that people write and that are text.
    static func texts() throws -> [(path: String, text: String)] {
        let top = try FileManager.default.contentsOfDirectory(atPath: root.path).filter { name in
            !isDirectory(name) && name != "Package.resolved" && name != ".git"
        }
        let below = try directories.filter { exists($0) }.flatMap { try files(below: $0) }
        return try (top + below).sorted().compactMap { path in
            let data = try Data(contentsOf: root.appending(path: path))
            guard !data.contains(0), let text = String(data: data, encoding: .utf8) else { return nil }
            return (path, text)
        }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func files(below directory: String) throws -> [String] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: directory).path)
        return paths.map { "\(directory)/\($0)" }.filter { !$0.contains("__pycache__") && !isDirectory($0) }.sorted()
    }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(
            atPath: root.appending(path: path).path,
            isDirectory: &isDirectory
        )
        return exists && isDirectory.boolValue
    }

    /// The paths that git tracks; empty where this is no checkout, but an unpacked archive.
    static func tracked() throws -> [String] {
        guard exists(".git") else { return [] }
        let git = Process()
        git.executableURL = URL(filePath: "/usr/bin/env")
        // The checkout may belong to another user, as in a container.
        git.arguments = ["git", "-c", "safe.directory=*", "-C", root.path, "ls-files", "-z"]
        let output = Pipe()
        git.standardOutput = output
        try git.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        git.waitUntilExit()
        guard git.terminationStatus == 0 else { throw GitFailure(status: git.terminationStatus) }
        return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    struct GitFailure: Error {
        var status: Int32
    }
}
