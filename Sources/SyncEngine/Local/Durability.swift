/// What must have reached the disk before it may be agreed on: else a power cut takes the file, its absence looks like a
/// delete, and the only copy that is left goes.
extension FileSystem {
    /// Up to this many files are synchronised one by one; more share one `syncfs`, which also waits for strangers' writes to
    /// the same file system.
    var individualSynchronizations: Int { 4 }

    /// Makes files durable with their names. One that is gone, or no file any more, is none that will be agreed on; one that
    /// cannot be opened now keeps no other from it.
    /// - Throws: ``FileSystemError`` of `syncfs`; then nothing is certain of any of them.
    func makeDurable(_ paths: [RelativePath]) throws(FileSystemError) {
        if paths.count > individualSynchronizations { return try synchronizeAll() }
        for path in paths {
            do {
                try open(path).synchronize()
                try synchronizeDirectories(above: path)
            } catch {
                if [.notFound, .notRegular, .notDirectory, .symbolicLink].contains(error.code) { continue }
                return try synchronizeAll()
            }
        }
    }

    /// Makes the name of `path` durable, and those of the directories above it.
    func synchronizeDirectories(above path: RelativePath) throws(FileSystemError) {
        var directory = path.parent
        while let current = directory {
            try synchronizeDirectory(current)
            directory = current.parent
        }
        try synchronizeDirectory(nil)
    }
}
