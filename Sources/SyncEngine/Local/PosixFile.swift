import CLinux
import Glibc

/// An open file of the machine's own file system.
final class PosixFile: OpenFile {
    let descriptor: CInt
    private let path: [UInt8]

    /// Takes over `descriptor`, which is closed with this object.
    init(descriptor: CInt, path: [UInt8]) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func status() throws(FileSystemError) -> FileStatus {
        var raw = stat()
        _ = try systemCall("fstat", path) { fstat(descriptor, &raw) }
        return FileStatus(raw)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileSystemError) -> Int {
        try systemCall("pread", path) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileSystemError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try systemCall("pwrite", path) {
                pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
            }
        }
    }

    func preallocate(_ size: Int64) throws(FileSystemError) {
        do {
            _ = try systemCall("fallocate", path) { clinux_fallocate(descriptor, 0, 0, off_t(size)) }
        } catch {
            // Not every file system can reserve; then a write that fails will tell.
            guard error.code == .unsupported else { throw error }
            _ = try systemCall("ftruncate", path) { ftruncate(descriptor, off_t(size)) }
        }
    }

    func setAttributes(mode: UInt16, modified: UnixTime) throws(FileSystemError) {
        _ = try systemCall("fchmod", path) { fchmod(descriptor, mode_t(mode & 0o777)) }
        var (seconds, nanoseconds) = modified.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
        _ = try systemCall("futimens", path) { withUnsafePointer(to: (time, time)) { Self.setTimes(descriptor, $0) } }
    }

    /// `futimens` takes an array of two: access and modification time.
    private static func setTimes(_ descriptor: CInt, _ times: UnsafePointer<(timespec, timespec)>) -> CInt {
        times.withMemoryRebound(to: timespec.self, capacity: 2) { futimens(descriptor, $0) }
    }

    func synchronize() throws(FileSystemError) {
        _ = try systemCall("fsync", path) { fsync(descriptor) }
    }
}
