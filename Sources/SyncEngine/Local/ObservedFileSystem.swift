/// A file system whose calls an observer is told of, and may let fail.
public struct ObservedFileSystem: FileSystem {
    private let base: any FileSystem
    private let observer: any SeamObserver

    public init(_ base: any FileSystem, observer: any SeamObserver) {
        self.base = base
        self.observer = observer
    }

    private func effect<Value>(
        _ name: String,
        _ path: [UInt8],
        _ body: () throws(FileSystemError) -> Value
    ) throws(FileSystemError) -> Value {
        try observer.call(SeamCall(name, path, isEffect: true), body)
    }

    private func look<Value>(
        _ name: String,
        _ path: RelativePath?,
        _ body: () throws(FileSystemError) -> Value
    ) throws(FileSystemError) -> Value {
        try observer.call(SeamCall(name, path?.bytes ?? [], isEffect: false), body)
    }

    // MARK: Effects

    public func writeRootID(_ id: String) throws(FileSystemError) {
        try effect("writeRootID", []) { () throws(FileSystemError) in try base.writeRootID(id) }
    }

    public func createFile(
        named name: [UInt8],
        in directory: RelativePath?
    ) throws(FileSystemError) -> any OpenFile {
        let file = try effect("createFile", name) { () throws(FileSystemError) in
            try base.createFile(named: name, in: directory)
        }
        return ObservedFile(file, name, observer)
    }

    public func makeDirectories(_ path: RelativePath) throws(FileSystemError) {
        try effect("makeDirectories", path.bytes) { () throws(FileSystemError) in try base.makeDirectories(path) }
    }

    public func rename(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        try effect("rename", target.bytes) { () throws(FileSystemError) in try base.rename(path, to: target) }
    }

    public func exchange(_ path: RelativePath, with other: RelativePath) throws(FileSystemError) {
        try effect("exchange", other.bytes) { () throws(FileSystemError) in try base.exchange(path, with: other) }
    }

    public func link(_ path: RelativePath, to target: RelativePath) throws(FileSystemError) {
        try effect("link", target.bytes) { () throws(FileSystemError) in try base.link(path, to: target) }
    }

    public func replace(_ path: RelativePath, onto target: RelativePath) throws(FileSystemError) {
        try effect("replace", target.bytes) { () throws(FileSystemError) in try base.replace(path, onto: target) }
    }

    public func removeFile(_ path: RelativePath) throws(FileSystemError) {
        try effect("removeFile", path.bytes) { () throws(FileSystemError) in try base.removeFile(path) }
    }

    public func removeDirectory(_ path: RelativePath) throws(FileSystemError) {
        try effect("removeDirectory", path.bytes) { () throws(FileSystemError) in try base.removeDirectory(path) }
    }

    public func synchronizeDirectory(_ path: RelativePath?) throws(FileSystemError) {
        try effect("synchronizeDirectory", path?.bytes ?? []) { () throws(FileSystemError) in
            try base.synchronizeDirectory(path)
        }
    }

    public func synchronizeAll() throws(FileSystemError) {
        try effect("synchronizeAll", []) { () throws(FileSystemError) in try base.synchronizeAll() }
    }

    // MARK: Looks

    public func rootIdentity() throws(FileSystemError) -> RootIdentity {
        try look("rootIdentity", nil) { () throws(FileSystemError) in try base.rootIdentity() }
    }

    public func readDirectory(
        _ path: RelativePath?
    ) throws(FileSystemError) -> (device: UInt64, entries: [DirectoryEntry]) {
        try look("readDirectory", path) { () throws(FileSystemError) in try base.readDirectory(path) }
    }

    public func status(_ path: RelativePath) throws(FileSystemError) -> FileStatus {
        try look("status", path) { () throws(FileSystemError) in try base.status(path) }
    }

    public func open(_ path: RelativePath) throws(FileSystemError) -> any OpenFile {
        let file = try look("open", path) { () throws(FileSystemError) in try base.open(path) }
        return ObservedFile(file, path.bytes, observer)
    }

    public func openForWriting(_ path: RelativePath) throws(FileSystemError) -> any OpenFile {
        let file = try look("openForWriting", path) { () throws(FileSystemError) in try base.openForWriting(path) }
        return ObservedFile(file, path.bytes, observer)
    }

    public func freeSpace() throws(FileSystemError) -> Int64 {
        try look("freeSpace", nil) { () throws(FileSystemError) in try base.freeSpace() }
    }
}

extension SeamObserver {
    fileprivate func call<Value>(
        _ call: SeamCall,
        _ body: () throws(FileSystemError) -> Value
    ) throws(FileSystemError) -> Value {
        try around(call, failed: { FileSystemError(errno: $0.errno, operation: call.name, path: call.subject) }, body)
    }
}

/// A file of an ``ObservedFileSystem``. What a transport reads or writes through its descriptor is not told.
private final class ObservedFile: OpenFile {
    private let base: any OpenFile
    private let name: [UInt8]
    private let observer: any SeamObserver

    init(_ base: any OpenFile, _ name: [UInt8], _ observer: any SeamObserver) {
        self.base = base
        self.name = name
        self.observer = observer
    }

    private func call<Value>(
        _ method: String,
        isEffect: Bool,
        _ body: () throws(FileSystemError) -> Value
    ) throws(FileSystemError) -> Value {
        try observer.call(SeamCall(method, name, isEffect: isEffect), body)
    }

    var descriptor: CInt { base.descriptor }

    func status() throws(FileSystemError) -> FileStatus {
        try call("fileStatus", isEffect: false) { () throws(FileSystemError) in try base.status() }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileSystemError) -> Int {
        try call("read", isEffect: false) { () throws(FileSystemError) in try base.read(into: buffer, at: offset) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileSystemError) {
        try call("write", isEffect: true) { () throws(FileSystemError) in try base.write(bytes, at: offset) }
    }

    func preallocate(_ size: Int64) throws(FileSystemError) {
        try call("preallocate", isEffect: true) { () throws(FileSystemError) in try base.preallocate(size) }
    }

    func setAttributes(mode: UInt16, modified: UnixTime) throws(FileSystemError) {
        try call("setAttributes", isEffect: true) { () throws(FileSystemError) in
            try base.setAttributes(mode: mode, modified: modified)
        }
    }

    func synchronize() throws(FileSystemError) {
        try call("synchronize", isEffect: true) { () throws(FileSystemError) in try base.synchronize() }
    }
}
