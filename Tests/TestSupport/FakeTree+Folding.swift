import SyncEngine

/// Which names a ``FakeFileSystem`` takes for one.
public enum FakeFolding: Sendable {
    /// Every byte counts.
    case none
    /// ASCII letters in either case, and "é" composed or decomposed, are the same; names stay as they were first given,
    /// as on vfat.
    case preserving
    /// The same names are the same, and all are shown in lower case and composed.
    case changing
}

extension FakeTree {
    private static let decomposed = Array("e\u{301}".utf8)
    private static let composed = Array("\u{E9}".utf8)

    /// The name of `children` that this file system finds for `name`; nil where it finds none.
    func known(_ name: [UInt8], in children: [[UInt8]: FakeNode]) -> [UInt8]? {
        if children[name] != nil { return name }
        guard folding != .none else { return nil }
        let wanted = Self.folded(name)
        return children.keys.first { Self.folded($0) == wanted }
    }

    /// The name that a new entry called `name` is kept by.
    func kept(_ name: [UInt8]) -> [UInt8] {
        switch folding {
        case .none, .preserving: name
        case .changing: Self.folded(name)
        }
    }

    private static func folded(_ name: [UInt8]) -> [UInt8] {
        var folded: [UInt8] = []
        var rest = name[...]
        while let byte = rest.first {
            let isDecomposed = rest.starts(with: decomposed)
            folded += isDecomposed ? composed : [(0x41...0x5A).contains(byte) ? byte + 0x20 : byte]
            rest = rest.dropFirst(isDecomposed ? decomposed.count : 1)
        }
        return folded
    }
}

extension FakeFileSystem {
    /// Sets which names are the same from now on.
    public func fold(_ folding: FakeFolding) { edit { tree, _ in tree.folding = folding } }
}
