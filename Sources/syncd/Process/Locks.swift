import Glibc
import SyncEngine

/// The directory that holds a process's index, lock and status.
struct StateDirectory: Sendable {
    let path: String

    /// Creates the directory where it is missing, for its owner alone, and locks it for this process.
    /// - Throws: `.busy` where another process holds it, `.stateDirectory` where it cannot be used.
    func lock() throws(CycleFailure) -> StateLock {
        try create()
        try keepRootOut()
        let file = "\(path)/lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw unusable("open \(file)", errno) }
        let lock = StateLock(descriptor: descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw unusable("lock \(file)", errno) }
            let holder = lock.holder.map { " (pid \($0))" } ?? ""
            throw CycleFailure(code: .busy, message: "another syncd\(holder) holds \(path)")
        }
        lock.notePID()
        return lock
    }

    /// The directory and what is missing above it, each 0700.
    private func create() throws(CycleFailure) {
        var parts = ""
        for segment in path.split(separator: "/") {
            parts += "/\(segment)"
            if mkdir(parts, 0o700) != 0, errno != EEXIST {
                // A parent that exists may be on a read-only file system, or not ours to write.
                let code = errno
                guard access(parts, F_OK) == 0 else { throw unusable("create \(parts)", code) }
            }
        }
    }

    /// Files that root makes in a service's directory would be closed to the service.
    private func keepRootOut() throws(CycleFailure) {
        var status = stat()
        guard geteuid() == 0, stat(path, &status) == 0, status.st_uid != 0 else { return }
        let owner = getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(status.st_uid)"
        throw CycleFailure(
            code: .stateDirectory,
            message: "\(path) belongs to \(owner): run this as that user, such as by runuser -u \(owner) -- syncd …"
        )
    }

    private func unusable(_ action: String, _ code: CInt) -> CycleFailure {
        CycleFailure(
            code: .stateDirectory,
            message: "cannot \(action): \(reason(code)); \"stateDirectory\" in the configuration names another place"
        )
    }
}

/// The lock on a state directory, held until the last reference goes.
final class StateLock: Sendable {
    private let descriptor: CInt

    fileprivate init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// The process that wrote its id last: the one that holds the lock, if any does.
    fileprivate var holder: Int? {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }

    /// For the message of whoever comes second; the lock holds without it.
    fileprivate func notePID() {
        guard ftruncate(descriptor, 0) == 0 else { return }
        let text = Array("\(getpid())\n".utf8)
        _ = pwrite(descriptor, text, text.count, 0)
    }
}
