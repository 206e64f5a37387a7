import Testing

@Suite struct BorderTests {
    @Test func `no file imports a module beyond its border`() throws {
        let found = try SourceTree.swift("Sources").flatMap { Border.violations(in: $0) }
        #expect(found == [])
    }

    @Test func `every border is that of a directory that is there`() {
        #expect(Border.all.map(\.directory).filter { !SourceTree.exists($0) } == [])
    }

    @Test func `every file that may import Foundation does`() throws {
        for path in Border.foundation.keys.sorted() {
            let file = SourceText(path: path, text: try SourceTree.text(of: path))
            #expect(file.imports.contains { $0.module == "Foundation" }, "\(path)")
        }
    }

    @Test(arguments: [
        ("Sources/S3API/A.swift", "import GRDB"),
        ("Sources/S3API/A.swift", "public import SyncEngine"),
        ("Sources/S3API/A.swift", "import Foundation"),
        ("Sources/SyncEngine/Cycle/A.swift", "import S3API"),
        ("Sources/SyncEngine/Cycle/A.swift", "@preconcurrency internal import struct Logging.Logger"),
        ("Sources/SyncEngine/Remote/A.swift", "import CCurl"),
        ("Sources/SyncEngine/Remote/A.swift", "import GRDB"),
        ("Sources/SyncEngine/Index/A.swift", "import S3API"),
        ("Sources/SyncEngine/Decide/A.swift", "import Synchronization"),
        ("Sources/SyncEngine/Model/A.swift", "func read() async {}"),
        ("Sources/syncd/A.swift", "import CXML2"),
        ("Sources/Elsewhere/A.swift", "struct A {}"),
    ])
    func `a file that crosses a border is found`(path: String, text: String) {
        #expect(Border.violations(in: SourceText(path: path, text: text)).count == 1)
    }

    @Test(arguments: [
        ("Sources/S3API/A.swift", "import CCurl\nimport Glibc"),
        ("Sources/SyncEngine/Index/A.swift", "public import GRDB"),
        ("Sources/SyncEngine/Remote/A.swift", "public import S3API"),
        ("Sources/SyncEngine/Decide/A.swift", "// never await here\nlet word = \"import GRDB\""),
    ])
    func `a file within its border is not`(path: String, text: String) {
        #expect(Border.violations(in: SourceText(path: path, text: text)) == [])
    }
}
