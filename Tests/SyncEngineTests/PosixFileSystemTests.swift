import Foundation
import Testing

@testable import SyncEngine

/// The real file system below a root in a temporary directory, with openat2 and without.
@Suite(.serialized)
struct PosixFileSystemTests {
    /// A root that is removed at the end.
    private final class Root {
        let path: String

        init() {
            path = FileManager.default.temporaryDirectory.appending(path: "syncd-root-\(UUID().uuidString)").path
            mkdir(path, 0o755)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func files(_ usesOpenat2: Bool) -> PosixFileSystem {
            PosixFileSystem(root: Array("\(path)/tree".utf8), usesOpenat2: usesOpenat2)
        }

        func write(_ name: String, _ content: String = "x") throws {
            let file = URL(filePath: "\(path)/\(name)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(content.utf8).write(to: file)
        }

        func read(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(name)")), as: UTF8.self)
        }
    }

    private func path(_ text: String) -> RelativePath { RelativePath(unchecked: Array(text.utf8), in: nil) }

    private func code(_ body: () throws -> Void) -> FileSystemError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? FileSystemError)?.code
        }
    }

    @Test(arguments: [true, false])
    func `no link is followed, in the middle or at the end, and nothing leads out`(usesOpenat2: Bool) throws {
        let root = Root()
        try root.write("outside/secret")
        try root.write("tree/dir/file")
        symlink("\(root.path)/outside", "\(root.path)/tree/link")
        symlink("dir", "\(root.path)/tree/inner")
        symlink("../outside/secret", "\(root.path)/tree/dir/end")
        let files = root.files(usesOpenat2)
        for name in ["link/secret", "inner/file"] {
            #expect([.symbolicLink, .notDirectory].contains(code { _ = try files.open(path(name)) }), "\(name)")
            #expect([.symbolicLink, .notDirectory].contains(code { _ = try files.status(path(name)) }), "\(name)")
            #expect(code { try files.removeFile(path(name)) } != nil)
        }
        #expect(code { _ = try files.open(path("dir/end")) } != nil)
        #expect(try files.status(path("dir/end")).kind == .symbolicLink)
        #expect(code { _ = try files.createFile(named: Array("new".utf8), in: path("link")) } != nil)
        #expect(code { try files.makeDirectories(path("link/new")) } != nil)
        #expect(code { try files.rename(path("dir/file"), to: path("link/file")) } != nil)
        #expect(code { _ = try files.readDirectory(path("link")) } != nil)
        #expect(try root.read("outside/secret") == "x")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(root.path)/outside") == ["secret"])
    }

    @Test(arguments: [true, false])
    func `a FIFO and a directory are no files, and nothing blocks on them`(usesOpenat2: Bool) throws {
        let root = Root()
        try root.write("tree/dir/file")
        mkfifo("\(root.path)/tree/fifo", 0o644)
        let files = root.files(usesOpenat2)
        #expect(code { _ = try files.open(path("fifo")) } == .notRegular)
        #expect([.notRegular, .isDirectory].contains(code { _ = try files.open(path("dir")) }))
        #expect(try files.status(path("fifo")).kind == .special)
        #expect(code { _ = try files.open(path("none")) } == .notFound)
        #expect(code { _ = try files.open(path("dir/file/below")) } == .notDirectory)
    }

    @Test(arguments: [true, false])
    func `files are written, named, exchanged and removed, never over another`(usesOpenat2: Bool) throws {
        let root = Root()
        try root.write("tree/old", "old")
        let files = root.files(usesOpenat2)
        let file = try files.createFile(named: Array("new".utf8), in: nil)
        let content = Array("content".utf8)
        try content.withUnsafeBytes { bytes in try file.write(bytes, at: 0) }
        let time = UnixTime(seconds: 1_700_000_000, nanoseconds: 123_456_789)
        try file.setAttributes(mode: 0o4755, modified: time)
        try file.synchronize()
        let state = try files.status(path("new")).state
        #expect(state.modified == time)
        #expect(state.mode == 0o755, "no set-user-id bit ever")
        #expect(state.size == 7)
        #expect(code { try files.rename(path("new"), to: path("old")) } == .exists)
        try files.exchange(path("new"), with: path("old"))
        #expect(try root.read("tree/old") == "content")
        #expect(try root.read("tree/new") == "old")
        #expect(code { _ = try files.createFile(named: Array("new".utf8), in: nil) } == .exists)
        try files.makeDirectories(path("a/b/c"))
        try files.makeDirectories(path("a/b/c"))
        #expect(code { try files.makeDirectories(path("new/b")) } == .notDirectory)
        #expect(code { try files.removeDirectory(path("a")) } == .notEmpty)
        try files.rename(path("new"), to: path("a/b/c/moved"))
        try files.removeFile(path("a/b/c/moved"))
        try files.removeDirectory(path("a/b/c"))
        try files.synchronizeDirectory(path("a/b"))
        try files.synchronizeDirectory(nil)
        try files.synchronizeAll()
    }

    /// As on NFS: no rename leaves alone what stands at its target.
    @Test(arguments: [".syncd-trash/old", "other"])
    func `a rename in steps removes no file that is renamed into its way, and never replaces`(target: String) throws {
        let root = Root()
        for name in ["tree/old", "tree/taken", "tree/.syncd-trash/taken"] { try root.write(name, "old") }
        try root.write("tree/new", "new")
        let files = root.files(true)
        try files.renameInSteps(path("old"), to: path(target)) {
            Foundation.rename("\(root.path)/tree/new", "\(root.path)/tree/old")
        }
        let kept = ["old", target].compactMap { try? root.read("tree/\($0)") }
        #expect(kept.contains("new"), "kept: \(kept)")
        for taken in ["taken", ".syncd-trash/taken"] {
            #expect(code { try files.renameInSteps(path(target), to: path(taken)) } == .exists)
        }
        try files.removeFile(path(target))
        #expect(code { try files.renameInSteps(path("none"), to: path(target)) } == .notFound)
        #expect(code { _ = try files.status(path(target)) } == .notFound, "nothing is left where the name was held")
    }

    @Test func `a rename that took place and seems to have failed loses nothing`() throws {
        let root = Root()
        try root.write("tree/.syncd-trash/taken", "old")
        try root.write("tree/edit", "new")
        let files = root.files(true)
        // As a server that has done it answers to whom its first answer did not reach.
        try files.renameInSteps(path("edit"), to: path(".syncd-trash/edit")) {
            Foundation.rename("\(root.path)/tree/edit", "\(root.path)/tree/.syncd-trash/edit")
        }
        #expect(try root.read("tree/.syncd-trash/edit") == "new")
    }

    @Test(arguments: [true, false])
    func `a directory shows all names as they are`(usesOpenat2: Bool) throws {
        let root = Root()
        let names: [[UInt8]] = [
            Array("plain".utf8), Array("new\nline".utf8), Array("é".utf8), Array("e\u{301}".utf8), [0x61, 0xFF, 0xFE],
            Array(repeating: UInt8(ascii: "n"), count: 255),
        ]
        mkdir("\(root.path)/tree", 0o755)
        let files = root.files(usesOpenat2)
        for name in names { _ = try files.createFile(named: name, in: nil) }
        let (_, entries) = try files.readDirectory(nil)
        #expect(Set(entries.map(\.name)) == Set(names))
        #expect(entries.allSatisfy { $0.status?.kind == .file })
    }

    @Test func `a root has an identity, is locked once, and is not made`() throws {
        let root = Root()
        #expect(code { _ = try root.files(true).rootIdentity() } == .notFound)
        mkdir("\(root.path)/tree", 0o755)
        let files = root.files(true)
        let before = try files.rootIdentity()
        #expect(before.id == nil)
        try files.writeRootID("0123")
        try files.writeRootID("4567")
        let after = try files.rootIdentity()
        #expect(after.id == nil || after.id == "0123", "written once, where it can be written at all")
        #expect(after.inode == before.inode && after.fileSystemID == before.fileSystemID)
        #expect(try files.lockRoot())
        #expect(try root.files(true).lockRoot() == false)
    }

    @Test(arguments: [true, false])
    func `paths far longer than one call takes are reached`(usesOpenat2: Bool) throws {
        let root = Root()
        mkdir("\(root.path)/tree", 0o755)
        let files = root.files(usesOpenat2)
        let deep = path(Array(repeating: String(repeating: "d", count: 200), count: 15).joined(separator: "/"))
        try files.makeDirectories(deep)
        let file = try files.createFile(named: Array("bottom".utf8), in: deep)
        #expect(try file.status().kind == .file)
        #expect(try files.readDirectory(deep).entries.map(\.name) == [Array("bottom".utf8)])
    }
}
