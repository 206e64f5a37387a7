/// Who may import what. docs/DESIGN.md, "Modules and borders".
struct Border {
    /// The border of a file is the one with the longest directory that holds it.
    var directory: String
    var modules: Set<String>

    static let all: [Border] = [
        Border(
            directory: "Sources/S3API",
            modules: ["CChecksum", "CCurl", "CLinux", "COpenSSL", "CXML2", "Glibc", "Synchronization", "Text"]
        ),
        Border(directory: "Sources/Text", modules: []),
        Border(directory: "Sources/SyncEngine", modules: ["CLinux", "Glibc", "Synchronization"]),
        Border(directory: "Sources/SyncEngine/Model", modules: ["Glibc"]),
        Border(directory: "Sources/SyncEngine/Decide", modules: ["Glibc"]),
        Border(directory: "Sources/SyncEngine/Remote", modules: ["Glibc", "S3API", "Synchronization"]),
        Border(directory: "Sources/SyncEngine/Index", modules: ["GRDB", "Glibc", "Synchronization"]),
        Border(directory: "Sources/SyncEngine/Support", modules: ["CLinux", "COpenSSL", "Glibc", "Synchronization"]),
        Border(
            directory: "Sources/SyncEngine/Watch",
            modules: ["CLinux", "Dispatch", "Glibc", "Synchronization"]
        ),
        Border(
            directory: "Sources/syncd/Control",
            modules: [
                "ArgumentParser", "CLinux", "FlyingFox", "FlyingSocks", "Glibc", "Logging", "S3API", "ServiceLifecycle",
                "SyncEngine", "Text",
            ]
        ),
        Border(directory: "Sources/syncd/Check", modules: ["ArgumentParser", "Glibc", "S3API", "SyncEngine", "Text"]),
        Border(
            directory: "Sources/syncd/Credentials",
            modules: ["Glibc", "S3API", "Subprocess", "Synchronization", "Text"]
        ),
        Border(
            directory: "Sources/syncd/Daemon",
            modules: [
                "ArgumentParser", "Glibc", "Logging", "S3API", "ServiceLifecycle", "SyncEngine", "Synchronization",
                "Text", "UnixSignals",
            ]
        ),
        Border(
            directory: "Sources/syncd",
            modules: [
                "ArgumentParser", "CLinux", "Dispatch", "Glibc", "Logging", "S3API", "SyncEngine", "Synchronization",
                "Text",
            ]
        ),
    ]

    /// Where decisions are made: values only, so that all of them can be tested without a world.
    static let pureDirectories = ["Sources/SyncEngine/Model/", "Sources/SyncEngine/Decide/"]
    static let impureWords: Set<String> = ["async", "await", "actor", "Task", "Mutex", "Atomic"]

    /// Files of Sources that may import Foundation, each with its reason.
    static let foundation: [String: String] = Dictionary(
        uniqueKeysWithValues: [
            "IndexFolders", "IndexHistory", "IndexJobs", "IndexObservations", "IndexOutcomes", "IndexRows",
        ].map { ("Sources/SyncEngine/Index/\($0).swift", "GRDB takes blobs as Data") } + [
            ("Sources/SyncEngine/Local/Spelling.swift", "composed and decomposed forms of names"),
            ("Sources/syncd/Control/ControlServer.swift", "FlyingFox takes bodies as Data"),
        ]
    )

    static func violations(in file: SourceText) -> [Violation] {
        let candidates = all.filter { file.path.hasPrefix($0.directory + "/") }
        guard let border = candidates.max(by: { $0.directory.count < $1.directory.count }) else {
            return [Violation(file.path, 0, "no border says what it may import")]
        }
        var violations: [Violation] = []
        for (module, line) in file.imports where !border.modules.contains(module) {
            if module == "Foundation", foundation[file.path] != nil { continue }
            violations.append(Violation(file.path, line, "imports \(module), which \(border.directory) may not"))
        }
        if pureDirectories.contains(where: { file.path.hasPrefix($0) }) {
            for token in file.tokens where impureWords.contains(token.text) {
                violations.append(Violation(file.path, token.line, "\(token.text) in a file that only decides"))
            }
        }
        return violations
    }
}

extension SourceText {
    private static let importKinds: Set<String> = [
        "struct", "class", "enum", "protocol", "typealias", "func", "var", "let",
    ]

    /// The modules that it imports, and the lines on which it does.
    var imports: [(module: String, line: Int)] {
        lines.compactMap { line in
            let rest = Self.tokens(of: line)[...].declaration.rest
            guard rest.first?.text == "import" else { return nil }
            let name = rest.dropFirst().first { !Self.importKinds.contains($0.text) }
            return name.map { ($0.text, line.number) }
        }
    }
}
