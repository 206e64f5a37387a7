import Dispatch
import Glibc
import S3API

/// Has a thread that transfers hang for ever, as one in a read from a dead disk does: for tests of the watchdog.
///
/// `SYNCD_WEDGE_AFTER=5` does so five seconds after the connection was set up, and says so on standard error.
enum WedgePoint {
    static let variable = "SYNCD_WEDGE_AFTER"

    /// Does nothing unless the environment asks for it.
    static func arm(_ transport: CurlTransport, _ environment: ProcessEnvironment) {
        guard let seconds = environment[variable].flatMap({ Int($0) }), seconds > 0 else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) {
            writeAll(STDERR_FILENO, Array("wedge point: a network thread hangs from now on\n".utf8))
            transport.hang()
        }
    }
}
