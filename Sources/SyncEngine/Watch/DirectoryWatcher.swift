/// Is told of each directory of a tree just before it is read, so that no change after that is missed.
public protocol DirectoryWatcher: Sendable {
    /// A walk over the whole tree begins.
    func willReadAll()
    /// `directory` is nil for the root.
    func willRead(_ directory: RelativePath?)
    /// The walk came to its end: what it did not read since ``willReadAll()`` is no directory of the tree any more.
    func didReadAll()
}
