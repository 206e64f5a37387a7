import Glibc

/// `openssl s_server` on a port of its own: it answers every GET with a page. It and its files go with this object.
final class TLSServer {
    let port: Int
    /// The server's certificate, which signed itself.
    let certificateFile: String
    private let directory: String
    private let server: ChildProcess

    struct Failed: Error {
        var message: String
    }

    /// `name` is what the certificate is for: `IP:127.0.0.1`, `DNS:other.example`.
    init(subjectAltName name: String) throws {
        var template = Array("/tmp/syncd-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failed(message: "mkdtemp: \(errno)") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        certificateFile = "\(directory)/certificate.pem"
        let key = "\(directory)/key.pem"
        let maker = try ChildProcess([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=syncd test", "-addext", "subjectAltName=\(name)", "-keyout", key, "-out",
            certificateFile,
        ])
        while maker.readLine() != nil {}
        guard access(certificateFile, R_OK) == 0 else { throw Failed(message: "openssl made no certificate") }
        server = try ChildProcess([
            "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificateFile, "-key", key,
        ])
        // "ACCEPT 127.0.0.1:40123" comes when it listens.
        var line = server.readLine()
        while let text = line, !text.hasPrefix("ACCEPT") { line = server.readLine() }
        guard let port = line?.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw Failed(message: "openssl s_server did not say its port")
        }
        self.port = port
    }

    deinit {
        for name in ["certificate.pem", "key.pem"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }
}

/// A program with its output in a pipe, killed with this object, and after five minutes whatever becomes of us.
private final class ChildProcess {
    private let process: pid_t
    private let output: CInt

    init(_ arguments: [String]) throws {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw TLSServer.Failed(message: "pipe: \(errno)") }
        defer { close(ends[1]) }
        output = ends[0]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, to be killed as one, and no signal blocked, as they are on the threads that run tests.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var strings = (["timeout", "300"] + arguments).map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var process: pid_t = 0
        let status = posix_spawnp(&process, "timeout", &actions, &attributes, &strings, environ)
        guard status == 0 else {
            close(output)
            throw TLSServer.Failed(message: "posix_spawnp: \(status)")
        }
        self.process = process
    }

    deinit {
        kill(-process, SIGKILL)
        var status: CInt = 0
        waitpid(process, &status, 0)
        close(output)
    }

    /// The next line that it writes; nil at the end of its output.
    func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(output, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }
}
