import Glibc
import S3API
import SyncEngine
import Text

/// Reads the configuration from its file, and looks at what only the file system can tell of it.
enum ConfigurationFile {
    static let defaultPath = "/etc/syncd/config.json"
    /// In bytes. A larger file is refused.
    static let maximumSize = 4 << 20

    /// - Throws: all that is wrong with the file.
    static func load(_ path: String, environment: ProcessEnvironment) throws(ConfigurationError) -> Configuration {
        let (bytes, mode) = try contents(path)
        let value = try parse(bytes, path)
        try checkSecrecy(value, mode: mode, path: path)
        let configuration = try ConfigurationReader.read(value, file: path, environment: environment)
        let overlaps = ConfigurationOverlaps(
            roots: configuration.folders.map { canonical($0.folder.root) },
            stateDirectory: canonical(Array(configuration.stateDirectory.utf8)),
            configurationFile: canonical(Array(path.utf8)),
            secrets: secrets(configuration, environment)
        )
        var faults = overlaps.faults(in: configuration)
        for connection in [configuration.connection] + configuration.namedConnections {
            guard let file = connection.caFile, access(file, R_OK) != 0 else { continue }
            let message = "\(printable(file)) cannot be read: \(reason(errno))"
            faults.append(.init("\(connection.keyPath).caFile", message))
        }
        guard faults.isEmpty else { throw ConfigurationError(file: path, faults: faults) }
        return configuration
    }

    /// Files that are secret, or as trusted as the configuration: whoever writes AWS's shared files has commands run.
    /// Those in their usual place count where they are there, or where keys are looked for in them.
    private static func secrets(
        _ configuration: Configuration,
        _ environment: ProcessEnvironment
    ) -> [ConfigurationOverlaps.Secret] {
        let looksForKeys = configuration.usedConnections.contains { $0.credentials == nil }
        var files = configuration.folders.compactMap { folder in
            folder.customerKeyFile.map { (name: "the customerKeyFile", path: $0) }
        }
        for path in ProfileFiles(host: SystemCredentialsHost(environment)).paths {
            if looksForKeys || access(path, F_OK) == 0 { files.append(("AWS's shared \(lastPart(path))", path)) }
        }
        for variable in ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            if let path = environment[variable] { files.append((variable, path)) }
        }
        return files.map { ConfigurationOverlaps.Secret(name: $0.name, path: canonical(Array($0.path.utf8))) }
    }

    private static func lastPart(_ path: String) -> Substring {
        path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
    }

    /// One connection, for commands that need nothing else: of the file at `path`, or of the default one where that is
    /// there, or else of the environment alone. `name` is one of `connections`; nil for the one at the top.
    /// - Throws: all that is wrong with the connections; the rest of the file is not looked at.
    static func loadConnection(
        _ path: String,
        named name: String?,
        environment: ProcessEnvironment
    ) throws -> Connection {
        var value = JSONValue.object([])
        var origin = "without a configuration"
        if path != defaultPath || access(path, F_OK) == 0 {
            origin = path
            let (bytes, mode) = try contents(path)
            value = try parse(bytes, path)
            try checkSecrecy(value, mode: mode, path: path)
        }
        var reader = ConnectionReader(fields: ConfigurationFields(), environment: environment)
        let standard = reader.readConnection(value["connection"])
        let named = reader.readNamed(value["connections"])
        guard reader.fields.faults.isEmpty, let standard else {
            throw ConfigurationError(file: origin, faults: reader.fields.faults)
        }
        guard let name else { return standard }
        if let connection = named.first(where: { $0.name == name }) { return connection }
        let names = named.compactMap(\.name)
        let known = names.isEmpty ? "it names none" : "there is \(names.joined(separator: ", "))"
        let hint = NearestWord.hint(name, among: names)
        throw UsageError(message: "no connection \"\(printable(name))\" in \(path)\(hint); \(known)")
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws(ConfigurationError) -> JSONValue {
        do throws(JSONSyntaxError) {
            return try JSONParser.parse(bytes)
        } catch {
            let place = "line \(error.line), column \(error.column)"
            throw ConfigurationError(file: path, faults: [.init(place, error.message)])
        }
    }

    private static func contents(_ path: String) throws(ConfigurationError) -> (bytes: [UInt8], mode: mode_t) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let hint =
                errno == ENOENT ? "; --config names another file, Config.example.json shows what belongs in it" : ""
            throw ConfigurationError(file: path, faults: [.init("", "cannot be read: \(reason(errno))\(hint)")])
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw ConfigurationError(file: path, faults: [.init("", "cannot be read: \(reason(errno))")])
        }
        guard let bytes = readAll(descriptor, limit: maximumSize) else {
            throw ConfigurationError(file: path, faults: [.init("", "cannot be read: \(reason(errno))")])
        }
        if bytes.count > maximumSize {
            throw ConfigurationError(file: path, faults: [.init("", "is larger than 4 MiB")])
        }
        return (bytes, status.st_mode)
    }

    private static func checkSecrecy(_ value: JSONValue, mode: mode_t, path: String) throws(ConfigurationError) {
        guard mode & 0o077 != 0 else { return }
        var connections = value["connection"].map { [("connection", $0)] } ?? []
        connections += (value["connections"]?.members ?? []).map { ("connections.\(printable($0.key))", $0.value) }
        for (place, connection) in connections {
            for key in ["secretAccessKey", "sessionToken"] {
                guard let text = connection[key]?.text, !text.isEmpty else { continue }
                let message = "stands in a file that others can reach (mode \(String(mode & 0o777, radix: 8)))"
                let command = "chmod 600 \(shellQuoted(path))"
                throw ConfigurationError(file: path, faults: [.init("\(place).\(key)", "\(message): \(command)")])
            }
        }
    }

    /// The path without symbolic links, as far as it exists; what does not exist stays as it is written.
    static func canonical(_ path: [UInt8]) -> [UInt8] {
        var existing = path
        var rest: [UInt8] = []
        while true {
            let text = existing.map { CChar(bitPattern: $0) } + [0]
            if let resolved = realpath(text, nil) {
                defer { free(resolved) }
                let bytes = UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
                return bytes == [UInt8(ascii: "/")] && !rest.isEmpty ? rest : bytes + rest
            }
            guard let slash = existing.lastIndex(of: UInt8(ascii: "/")), existing.count > 1 else { return path }
            rest = Array(existing[slash...]) + rest
            existing = slash == 0 ? [UInt8(ascii: "/")] : Array(existing[..<slash])
        }
    }
}

/// All bytes of a file, and one more than `limit` at most; nil with `errno` set where it cannot be read.
func readAll(_ descriptor: CInt, limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= limit {
        let count = read(descriptor, &chunk, min(chunk.count, limit + 1 - bytes.count))
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 { break }
        bytes.append(contentsOf: chunk[..<count])
    }
    return bytes
}

/// The system's words for an errno.
func reason(_ code: CInt) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The text as one word of a shell's command line.
func shellQuoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: ","):
            true
        default: false
        }
    }
    return isPlain && !text.isEmpty
        ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
}
