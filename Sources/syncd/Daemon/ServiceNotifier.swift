import Glibc
import Text

/// Tells the service manager how the process is: sd_notify(3)'s protocol, a datagram of `KEY=value` lines.
struct ServiceNotifier: Sendable {
    /// Where the manager listens: a path, or a name in the abstract namespace after `@`. Nil where nobody does.
    private let address: String?
    /// How often the manager wants to hear from us; nil where it does not.
    let watchdogInterval: Duration?

    init(_ environment: ProcessEnvironment) {
        address = environment["NOTIFY_SOCKET"]
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        watchdogInterval =
            isMeant ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0) } : nil
    }

    func ready() { send(["READY=1"]) }

    /// One line that `systemctl status` shows.
    func status(_ text: String) { send(["STATUS=\(printable(text))"]) }

    /// The configuration is being read anew; ``ready()`` ends that.
    func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
        send(["RELOADING=1", "MONOTONIC_USEC=\(microseconds)"])
    }

    func stopping() { send(["STOPPING=1"]) }

    /// The process makes progress.
    func alive() { send(["WATCHDOG=1"]) }

    /// Starting takes so much longer than the manager would wait.
    func extendStart(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        send(["EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)"])
    }

    /// What the manager does not take is lost: it is told again the next time.
    private func send(_ lines: [String]) {
        guard let address else { return }
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        var path = Array(address.utf8)
        guard !path.isEmpty, path.count < MemoryLayout.size(ofValue: target.sun_path) else { return }
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let text = Array(lines.joined(separator: "\n").utf8)
        _ = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, text, text.count, CInt(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
