import CLinux
import Glibc
import SyncEngine

/// Where a syncing process answers: a Unix socket in its state directory. It is reached through a descriptor of that
/// directory, because the address of a socket holds 107 bytes and paths may be longer.
final class ControlSocket: Sendable {
    private static let name = "control.sock"

    private let directory: CInt

    /// - Throws: where the directory is missing or not ours to enter.
    init(directory path: String) throws(CycleFailure) {
        directory = open(path, clinux_o_path | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            throw CycleFailure(code: .stateDirectory, message: "cannot open \(path): \(reason(errno))")
        }
    }

    deinit {
        close(directory)
    }

    /// Short enough for an address; it holds as long as this value lives.
    var path: String { "/proc/self/fd/\(directory)/\(Self.name)" }

    /// Takes away what an earlier process left. The state directory's lock says that none answers there any more.
    func remove() {
        unlinkat(directory, Self.name, 0)
    }

    /// Leaves it to its owner alone. - Throws: where that cannot be; then nobody may be served.
    func restrict() throws(CycleFailure) {
        guard fchmodat(directory, Self.name, 0o600, 0) == 0 else {
            throw CycleFailure(code: .stateDirectory, message: "cannot protect \(Self.name): \(reason(errno))")
        }
    }
}
