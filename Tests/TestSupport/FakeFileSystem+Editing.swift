public import SyncEngine

/// What other processes do to the files, and what a test sees of them. Paths are text here: tests name files so.
extension FakeFileSystem {
    public func write(_ path: [UInt8], _ content: [UInt8]) {
        edit { tree, time in
            if let node = try? tree.find(RelativePath(unchecked: path, in: nil), "open"), node.content != nil {
                node.kind = .file(content)
                (node.modified, node.changed) = (time, time)
                node.makeDurable()
                return
            }
            let target = RelativePath(unchecked: path, in: nil)
            makeParents(of: target, &tree, time)
            let node = tree.makeNode(.file(content), mode: 0o644, at: time)
            node.makeDurable()
            try? tree.name([(node, target)], "open")
        }
    }

    private func makeParents(of path: RelativePath, _ tree: inout FakeTree, _ time: UnixTime) {
        guard let parent = path.parent, (try? tree.find(parent, "mkdir"))?.children == nil else { return }
        makeParents(of: parent, &tree, time)
        try? tree.unlink(parent, "unlink")
        try? tree.link(tree.makeNode(.directory([:]), mode: 0o755, at: time), at: parent, "mkdir")
    }

    /// Removes what is there, and the directories that this leaves empty.
    public func remove(_ path: [UInt8]) {
        edit { tree, _ in
            let target = RelativePath(unchecked: path, in: nil)
            try? tree.unlink(target, "unlink")
            removeEmptied(above: target, &tree)
        }
    }

    /// Renames a file or directory onto what `target` stands for, if anything; the directories that this leaves empty go.
    public func move(_ path: [UInt8], to target: [UInt8]) {
        edit { tree, time in
            let (from, to) = (RelativePath(unchecked: path, in: nil), RelativePath(unchecked: target, in: nil))
            guard let node = try? tree.find(from, "rename") else { return }
            makeParents(of: to, &tree, time)
            try? tree.name([(node, to), (nil, from)], "rename")
            node.changed = time
            removeEmptied(above: from, &tree)
        }
    }

    private func removeEmptied(above path: RelativePath, _ tree: inout FakeTree) {
        var current = path.parent
        while let target = current, (try? tree.find(target, "rmdir"))?.children?.isEmpty == true {
            try? tree.unlink(target, "rmdir")
            current = target.parent
        }
    }

    /// Puts a symbolic link or a special file where something was or was not.
    public func place(_ kind: FileStatus.Kind, at path: [UInt8]) {
        remove(path)
        edit { tree, time in
            let target = RelativePath(unchecked: path, in: nil)
            makeParents(of: target, &tree, time)
            let node = tree.makeNode(kind == .symbolicLink ? .symbolicLink : .special, mode: 0o777, at: time)
            try? tree.name([(node, target)], "open")
        }
    }

    /// Changes what `stat` says of a file, content and all; ctime moves, as it does for real.
    public func change(_ path: [UInt8], content: [UInt8]? = nil, modified: UnixTime? = nil, device: UInt64? = nil) {
        edit { tree, time in
            guard let node = try? tree.find(RelativePath(unchecked: path, in: nil), "stat") else { return }
            if let content { node.kind = .file(content) }
            if let device { node.device = device }
            node.modified = modified ?? node.modified
            node.changed = time
            node.makeDurable()
        }
    }

    /// Gives a file another modification time, and nothing else.
    public func touch(_ path: [UInt8]) {
        edit { tree, time in
            guard let node = try? tree.find(RelativePath(unchecked: path, in: nil), "utimensat") else { return }
            (node.modified, node.changed) = (time, time)
        }
    }

    /// Changes a file's content and nothing that `stat` says of it, as a failing disk does.
    public func rot(_ path: [UInt8], content: [UInt8]) {
        edit { tree, _ in
            try? tree.find(RelativePath(unchecked: path, in: nil), "stat").kind = .file(content)
        }
    }

    public func status(ofText path: String) -> FileStatus? {
        edit { tree, _ in try? tree.find(RelativePath(unchecked: Array(path.utf8), in: nil), "stat").status }
    }

    /// What the kernel does by itself after a while.
    public func synchronizeByItself() { edit { tree, _ in tree.commitAll() } }

    /// The power goes, and comes again: of what was not synchronised, `generator` draws what is left.
    public func cutPower(using generator: inout SeededGenerator) {
        edit { tree, _ in tree.cutPower(using: &generator) }
    }

    /// All files by path, syncd's own among them.
    public var contents: [[UInt8]: [UInt8]] {
        edit { tree, _ in tree.files().compactMapValues(\.content) }
    }

    /// True: no content can be written.
    public func setFull(_ isFull: Bool) { edit { tree, _ in tree.isFull = isFull } }

    public func removeRoot() { edit { tree, _ in tree.root = nil } }

    /// Another, empty directory where the root was.
    public func replaceRoot() {
        edit { tree, time in
            tree.root = tree.makeNode(.directory([:]), mode: 0o755, at: time)
            tree.rootID = nil
        }
    }
}
