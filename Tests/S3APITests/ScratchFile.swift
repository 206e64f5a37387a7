import Glibc

/// A file without a name, gone when this object is.
final class ScratchFile: Sendable {
    let descriptor: CInt

    struct Failed: Error {
        var errno: CInt
    }

    init(_ content: [UInt8] = []) throws {
        var template = Array("/tmp/syncd-test-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Failed(errno: errno) }
        unlink(template)
        guard pwrite(descriptor, content, content.count, 0) == content.count else { throw Failed(errno: errno) }
    }

    deinit { close(descriptor) }

    /// All of it.
    var content: [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
    }
}
