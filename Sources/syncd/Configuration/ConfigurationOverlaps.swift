import SyncEngine
import Text

/// Finds folders that would work on each other's files or objects: a pure step over paths that were made canonical.
struct ConfigurationOverlaps {
    /// The root of each folder, in their order: absolute, without symbolic links as far as it exists.
    var roots: [[UInt8]]
    var stateDirectory: [UInt8]
    var configurationFile: [UInt8]
    /// Other files that hold secrets, or that commands come from.
    var secrets: [Secret] = []

    /// A file that no folder may send or write.
    struct Secret: Hashable {
        /// What it is, as it is told.
        var name: String
        /// Canonical.
        var path: [UInt8]
    }

    func faults(in configuration: Configuration) -> [ConfigurationError.Fault] {
        var faults: [ConfigurationError.Fault] = []
        for (index, root) in roots.enumerated() {
            if Self.contains(root, stateDirectory) {
                faults.append(.init("stateDirectory", "lies inside the root of folders[\(index)]: move it elsewhere"))
            }
            if Self.contains(root, configurationFile) {
                faults.append(
                    .init("folders[\(index)].path", "holds this configuration file: move one of the two elsewhere")
                )
            }
            faults += secretFaults(index, root, IgnoreRules(patterns: configuration.folders[index].folder.exclude))
            for other in 0..<index {
                faults += pathFault(index, other).map { [$0] } ?? []
                faults +=
                    prefixFault(configuration.folders[index].folder, configuration.folders[other].folder).map {
                        [.init("folders[\(index)].prefix", "\($0) folders[\(other)]: two folders cannot share objects")]
                    } ?? []
            }
        }
        return faults
    }

    /// Those that lie inside a root, and are not excluded there.
    private func secretFaults(_ index: Int, _ root: [UInt8], _ rules: IgnoreRules) -> [ConfigurationError.Fault] {
        secrets.compactMap { secret in
            guard Self.contains(root, secret.path), secret.path.count > root.count else { return nil }
            let inner = Array(secret.path.dropFirst(root.last == UInt8(ascii: "/") ? root.count : root.count + 1))
            if let path = try? RelativePath(inner), rules.excludes(path) { return nil }
            let pattern = "\"/\(printable(String(decoding: inner, as: UTF8.self)))\""
            return .init(
                "folders[\(index)].exclude",
                "the root holds \(secret.name), which must not be synced: exclude \(pattern), or move it elsewhere"
            )
        }
    }

    private func pathFault(_ index: Int, _ other: Int) -> ConfigurationError.Fault? {
        let (inner, outer, relation): (Int, Int, String)
        if roots[index] == roots[other] {
            (inner, outer, relation) = (index, other, "is the root of")
        } else if Self.contains(roots[other], roots[index]) {
            (inner, outer, relation) = (index, other, "lies inside the root of")
        } else if Self.contains(roots[index], roots[other]) {
            (inner, outer, relation) = (other, index, "lies inside the root of")
        } else {
            return nil
        }
        return .init("folders[\(inner)].path", "\(relation) folders[\(outer)]: two folders cannot share files")
    }

    /// Prefixes end in `/`, so that `photos/` does not begin `photos2/`.
    private func prefixFault(_ folder: Folder, _ other: Folder) -> String? {
        guard folder.endpoint == other.endpoint, folder.bucket == other.bucket else { return nil }
        if folder.prefix == other.prefix { return "is, in the same bucket, the prefix of" }
        if folder.prefix.starts(with: other.prefix) { return "lies, in the same bucket, inside the prefix of" }
        if other.prefix.starts(with: folder.prefix) { return "holds, in the same bucket, the prefix of" }
        return nil
    }

    /// True if `inner` is `outer` or lies below it, by whole segments.
    private static func contains(_ outer: [UInt8], _ inner: [UInt8]) -> Bool {
        let slash = UInt8(ascii: "/")
        return inner == outer || inner.starts(with: outer.last == slash ? outer : outer + [slash])
    }
}
