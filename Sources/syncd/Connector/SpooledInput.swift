import Glibc
import SyncEngine
import Text

/// Standard input, kept in a file of a directory of its own.
struct SpooledInput: Sendable {
    let place: LocalPlace
    private let directory: String

    private static let name = "input"
    /// Bytes that are copied at once.
    private static let chunk = 256 << 10

    /// Why there is no such file.
    enum Failure: Error, Hashable, Sendable {
        case stopped
        /// One sentence for the user.
        case failed(String)
    }

    init(until stop: StopSignal) throws(Failure) {
        let base = ProcessEnvironment.current["TMPDIR"] ?? "/tmp"
        var template = Array("\(base)/syncd-put-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .failed("\(base): no directory can be made there: \(reason(errno)); TMPDIR names another place")
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = "\(directory)/\(Self.name)"
        do {
            try Self.copyInput(to: path, until: stop)
            place = try Self.place(path)
        } catch {
            unlink(path)
            rmdir(directory)
            throw error
        }
    }

    private static func place(_ path: String) throws(Failure) -> LocalPlace {
        do throws(UsageError) { return try LocalPlace(file: path, orInDirectory: nil) } catch {
            throw .failed(error.message)
        }
    }

    private static func copyInput(to path: String, until stop: StopSignal) throws(Failure) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .failed("\(path): \(reason(errno))") }
        defer { close(descriptor) }
        while true {
            switch StandardInput.next(chunk, until: stop) {
            case .bytes(let bytes):
                guard writeAll(descriptor, bytes) else {
                    throw .failed("\(path): \(reason(errno)); TMPDIR names another place")
                }
            case .end: return
            case .stopped: throw .stopped
            case .failed(let reason): throw .failed("standard input: \(reason)")
            }
        }
    }

    func remove() {
        unlink("\(directory)/\(Self.name)")
        rmdir(directory)
    }
}
