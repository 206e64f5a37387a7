import Glibc

/// Keys that a service manager hands over as files for this process alone: systemd's `LoadCredential=`.
struct ServiceCredentials {
    /// The directory that holds them; set by the service manager.
    static let variable = "CREDENTIALS_DIRECTORY"
    static let accessKeyID = "syncd-access-key-id"
    static let secretAccessKey = "syncd-secret-access-key"
    static let sessionToken = "syncd-session-token"
    /// In bytes: a session token has some 2,000 at most.
    static let maximumSize = 16 << 10

    /// What is wrong with them; never what is in them.
    struct Fault: Error, Hashable {
        var message: String
    }

    private let directory: String

    /// Nil where the service manager hands over nothing.
    init?(_ environment: ProcessEnvironment) {
        guard let directory = environment[Self.variable] else { return nil }
        self.directory = directory
    }

    /// Nil where none of the three is there.
    func read() throws(Fault) -> StaticCredentials? {
        let id = try credential(Self.accessKeyID)
        let secret = try credential(Self.secretAccessKey)
        let token = try credential(Self.sessionToken)
        switch (id, secret) {
        case (let id?, let secret?):
            return StaticCredentials(
                accessKeyID: id,
                secretAccessKey: Secret(secret),
                sessionToken: token.map { Secret($0) },
                source: .service
            )
        case (_?, nil): throw missing(Self.secretAccessKey, beside: Self.accessKeyID)
        case (nil, _?): throw missing(Self.accessKeyID, beside: Self.secretAccessKey)
        case (nil, nil) where token != nil: throw missing(Self.accessKeyID, beside: Self.sessionToken)
        case (nil, nil): return nil
        }
    }

    private func missing(_ name: String, beside other: String) -> Fault {
        Fault(message: "the systemd credential \"\(name)\" is missing, while \"\(other)\" is there")
    }

    /// The content without the one newline that editors and `echo` leave at the end; nil where there is no such file.
    private func credential(_ name: String) throws(Fault) -> String? {
        let descriptor = open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw unreadable(name, errno)
        }
        defer { close(descriptor) }
        guard var bytes = readAll(descriptor, limit: Self.maximumSize) else { throw unreadable(name, errno) }
        guard bytes.count <= Self.maximumSize else {
            throw Fault(message: "the systemd credential \"\(name)\" is larger than 16 KiB")
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        guard !bytes.isEmpty else { throw Fault(message: "the systemd credential \"\(name)\" is empty") }
        // Keys and tokens are ASCII: anything else is a wrong file, or an encrypted one that was not decrypted.
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Fault(
                message:
                    "the systemd credential \"\(name)\" is no key: it holds spaces, several lines or bytes that are not ASCII"
            )
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func unreadable(_ name: String, _ code: CInt) -> Fault {
        Fault(message: "the systemd credential \"\(name)\" cannot be read: \(reason(code))")
    }
}
