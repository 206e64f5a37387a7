import Glibc
import S3API
import Text

/// A file that holds the operator's own key for objects: 32 bytes, or these in Base64.
enum CustomerKeyFile {
    /// What is wrong with it; never what is in it.
    struct Fault: Error, Hashable {
        var message: String
    }

    private static let maximumSize = 64

    /// - Throws: what to do, where it cannot be read, others can read it, or it holds no key.
    static func read(_ path: String) throws(Fault) -> CustomerKey {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(message: "\(printable(path)) is no file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Fault(message: "\(printable(path)) can be read by others: run \"chmod 600 \(shellQuoted(path))\"")
        }
        guard let bytes = readAll(descriptor, limit: maximumSize) else { throw unreadable(path, errno) }
        if let key = CustomerKey(bytes) { return key }
        let text = String(decoding: bytes, as: UTF8.self)
        let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
        if let key = Base64.decode(line).flatMap({ CustomerKey($0) }) { return key }
        throw Fault(
            message:
                "\(printable(path)) holds no key: 32 bytes, or these in Base64 (`openssl rand -base64 32` makes one)"
        )
    }

    private static func unreadable(_ path: String, _ code: CInt) -> Fault {
        Fault(message: "\(printable(path)) cannot be read: \(reason(code))")
    }
}
