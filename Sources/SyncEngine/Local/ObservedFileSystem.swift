/// A file system whose effects an observer is told of. It changes nothing about them.
public struct ObservedFileSystem: FileSystem {
    private let base: any FileSystem
    private let observer: any EffectObserver

    public init(_ base: any FileSystem, observer: any EffectObserver) {
        self.base = base
        self.observer = observer
    }

    // MARK: Effects

    public func writeRootID(_ id: String) throws(FileSystemError) {
        try observer.around("writeRootID") { () throws(FileSystemError) in try base.writeRootID(id) }
    }

    public func createFile(
        named name: [UInt8],
        in directory: RelativePath?
    ) throws(FileSystemError) -> any OpenFile {
        let file = try observer.around("createFile", name) { () throws(FileSystemError) in
            try base.createFile(named: name, in: directory)
        }
        return ObservedFile(file, name, observer)
    }

    public func makeDirectories(_ path: RelativePath) throws(FileSystemError) {
        try observer.around("makeDirectories", path.bytes) { () throws(FileSystemError) in
            try base.makeDirectories(path)
        }
    }

    public func rename(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        try observer.around("rename", target.bytes) { () throws(FileSystemError) in
            try base.rename(path, to: target)
        }
    }

    public func exchange(_ path: RelativePath, with other: RelativePath) throws(FileSystemError) {
        try observer.around("exchange", other.bytes) { () throws(FileSystemError) in
            try base.exchange(path, with: other)
        }
    }

    public func link(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        try observer.around("link", target.bytes) { () throws(FileSystemError) in try base.link(path, to: target) }
    }

    public func replace(_ path: RelativePath, onto target: RelativePath) throws(FileSystemError) {
        try observer.around("replace", target.bytes) { () throws(FileSystemError) in
            try base.replace(path, onto: target)
        }
    }

    public func removeFile(_ path: RelativePath) throws(FileSystemError) {
        try observer.around("removeFile", path.bytes) { () throws(FileSystemError) in try base.removeFile(path) }
    }

    public func removeDirectory(_ path: RelativePath) throws(FileSystemError) {
        try observer.around("removeDirectory", path.bytes) { () throws(FileSystemError) in
            try base.removeDirectory(path)
        }
    }

    public func synchronizeDirectory(_ path: RelativePath?) throws(FileSystemError) {
        try observer.around("synchronizeDirectory", path?.bytes ?? []) { () throws(FileSystemError) in
            try base.synchronizeDirectory(path)
        }
    }

    public func synchronizeAll() throws(FileSystemError) {
        try observer.around("synchronizeAll") { () throws(FileSystemError) in try base.synchronizeAll() }
    }

    public func openForWriting(_ path: RelativePath) throws(FileSystemError) -> any OpenFile {
        ObservedFile(try base.openForWriting(path), path.bytes, observer)
    }

    // MARK: Looks

    public func rootIdentity() throws(FileSystemError) -> RootIdentity { try base.rootIdentity() }

    public func readDirectory(
        _ path: RelativePath?
    ) throws(FileSystemError) -> (device: UInt64, entries: [DirectoryEntry]) {
        try base.readDirectory(path)
    }

    public func status(_ path: RelativePath) throws(FileSystemError) -> FileStatus { try base.status(path) }
    public func open(_ path: RelativePath) throws(FileSystemError) -> any OpenFile { try base.open(path) }
    public func freeSpace() throws(FileSystemError) -> Int64 { try base.freeSpace() }
}

/// A file that is written to. What a transport writes to its descriptor is not told.
private final class ObservedFile: OpenFile {
    private let base: any OpenFile
    private let name: [UInt8]
    private let observer: any EffectObserver

    init(_ base: any OpenFile, _ name: [UInt8], _ observer: any EffectObserver) {
        self.base = base
        self.name = name
        self.observer = observer
    }

    var descriptor: CInt { base.descriptor }
    func status() throws(FileSystemError) -> FileStatus { try base.status() }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileSystemError) -> Int {
        try base.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileSystemError) {
        try observer.around("write", name) { () throws(FileSystemError) in try base.write(bytes, at: offset) }
    }

    func preallocate(_ size: Int64) throws(FileSystemError) {
        try observer.around("preallocate", name) { () throws(FileSystemError) in try base.preallocate(size) }
    }

    func setAttributes(mode: UInt16, modified: UnixTime) throws(FileSystemError) {
        try observer.around("setAttributes", name) { () throws(FileSystemError) in
            try base.setAttributes(mode: mode, modified: modified)
        }
    }

    func synchronize() throws(FileSystemError) {
        try observer.around("synchronize", name) { () throws(FileSystemError) in try base.synchronize() }
    }
}
