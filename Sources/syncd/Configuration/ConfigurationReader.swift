import S3API
import SyncEngine
import Text

/// Makes a configuration of JSON: a pure step, but for what `environment` looks up, and the credentials that it names
/// the directory of. Overlaps, and what else only the file system knows, are ``ConfigurationFile``'s.
struct ConfigurationReader {
    /// More folders than this are refused.
    static let maximumFolders = 1_000
    static let maximumExcludes = 1_000
    /// In bytes a second: what is less is a slip, or would take for ever.
    private static let minimumRate: Int64 = 1_024

    private static let keys = [
        "connection", "connections", "stateDirectory", "folders", "concurrency", "uploadBytesPerSecond",
        "downloadBytesPerSecond", "metricsPort",
    ]
    private static let folderKeys =
        [
            "name", "path", "bucket", "prefix", "direction", "delete", "exclude", "scanInterval", "listInterval",
            "maxDeletePercent", "trashDays", "deleteDelay", "conflict", "folderMarkers", "remoteTrashPrefix",
            "connection",
        ] + WritingReader.keys

    private var fields = ConfigurationFields()
    private let environment: ProcessEnvironment

    /// Checks everything and tells all faults at once; messages name the file as `file`.
    static func read(
        _ value: JSONValue,
        file: String,
        environment: ProcessEnvironment
    ) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(environment: environment)
        let configuration = reader.configuration(value, file: file)
        guard reader.fields.faults.isEmpty, let configuration else {
            throw ConfigurationError(file: file, faults: reader.fields.faults)
        }
        return configuration
    }

    private init(environment: ProcessEnvironment) {
        self.environment = environment
    }

    private mutating func configuration(_ value: JSONValue, file: String) -> Configuration? {
        guard let section = fields.section(value, at: "", known: Self.keys) else { return nil }
        var connectionReader = ConnectionReader(fields: fields, environment: environment)
        let connection = connectionReader.readConnection(section.value["connection"])
        let named = connectionReader.readNamed(section.value["connections"])
        fields = connectionReader.fields
        let uploadRate = rate("uploadBytesPerSecond", in: section)
        let downloadRate = rate("downloadBytesPerSecond", in: section)
        let stateDirectory = stateDirectory(section)
        let concurrency = fields.integer(
            "concurrency",
            in: section,
            range: 1...512,
            default: Configuration.usualConcurrency
        )
        guard let connection else { return nil }
        // With connections that have names alone, a folder that names none is a slip and no wish for the environment's.
        let standard = section.value["connection"] == nil && !named.isEmpty ? nil : connection
        let folders = folders(section, Connections(standard: standard, named: named))
        guard let stateDirectory else { return nil }
        return Configuration(
            file: file,
            connection: connection,
            namedConnections: named,
            stateDirectory: stateDirectory,
            folders: folders,
            concurrency: concurrency,
            uploadBytesPerSecond: uploadRate,
            downloadBytesPerSecond: downloadRate,
            metricsPort: metricsPort(section)
        )
    }

    /// Bytes a second; nil for no limit, which `null` and 0 mean as well.
    private mutating func rate(_ key: String, in section: ConfigurationSection) -> Int64? {
        switch section.value[key] {
        case nil, .null, .integer(0): return nil
        case .some: break
        }
        guard let rate = fields.size(key, in: section) else { return nil }
        guard rate >= Self.minimumRate else {
            fields.fault(key, "must be at least 1KiB, is \(rate): write 0 for no limit")
            return nil
        }
        return rate
    }

    private mutating func metricsPort(_ section: ConfigurationSection) -> UInt16? {
        guard section.value["metricsPort"] != nil else { return nil }
        return UInt16(fields.integer("metricsPort", in: section, range: 1...65_535, default: 1))
    }

    private mutating func stateDirectory(_ section: ConfigurationSection) -> String? {
        if section.value["stateDirectory"] != nil {
            guard let text = fields.requiredText("stateDirectory", in: section) else { return nil }
            return absolutePath(text, at: "stateDirectory")
        }
        if let fromService = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(fromService) }
        if environment.isRoot { return "/var/lib/syncd" }
        if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") { return "\(base)/syncd" }
        if let home = environment["HOME"], home.hasPrefix("/") { return "\(home)/.local/state/syncd" }
        fields.fault("stateDirectory", "is missing, and neither XDG_STATE_HOME nor HOME say where it could be")
        return nil
    }

    /// What a folder can be connected by.
    private struct Connections {
        /// Nil where each folder must name its own.
        var standard: Connection?
        var named: [Connection]
    }

    private mutating func folders(
        _ section: ConfigurationSection,
        _ connections: Connections
    ) -> [ConfiguredFolder] {
        guard let value = section.value["folders"] else {
            fields.fault("folders", "is missing")
            return []
        }
        guard let elements = value.elements else {
            fields.fault("folders", "must be a list of objects, is \(value.kind)")
            return []
        }
        if elements.isEmpty { fields.fault("folders", "is empty: there is nothing to sync") }
        if elements.count > Self.maximumFolders {
            fields.fault("folders", "has \(elements.count) folders, at most \(Self.maximumFolders) are allowed")
            return []
        }
        var folders: [ConfiguredFolder] = []
        var names: [String: Int] = [:]
        for (index, element) in elements.enumerated() {
            let path = "folders[\(index)]"
            guard let section = fields.section(element, at: path, known: Self.folderKeys) else { continue }
            guard let folder = folder(section, connections) else { continue }
            if let first = names[folder.folder.name] {
                fields.fault("\(path).name", "\"\(folder.folder.name)\" is the name of folders[\(first)] already")
            } else {
                names[folder.folder.name] = index
            }
            folders.append(folder)
        }
        return folders
    }

    private mutating func folder(
        _ section: ConfigurationSection,
        _ connections: Connections
    ) -> ConfiguredFolder? {
        refuseUnsupported(section)
        let connection = connection(section, connections)
        let name = fields.requiredText("name", in: section).flatMap { checkedName($0, in: section) }
        let path = fields.requiredText("path", in: section).flatMap {
            absolutePath($0, at: section.keyPath("path"))
        }
        let bucket = fields.requiredText("bucket", in: section).flatMap {
            checkedBucket($0, onAWS: connection.map { $0.endpoint == nil } ?? false, in: section)
        }
        let prefix = prefix(section)
        let direction = fields.choice("direction", in: section, default: Direction.up)
        let deletes = deletes(section, direction)
        let exclude = fields.texts("exclude", in: section, atMost: Self.maximumExcludes)
        let listDefault: Duration = direction == .up ? .seconds(3_600) : .seconds(300)
        let second = Duration.seconds(1)
        let scanInterval = fields.duration("scanInterval", in: section, atLeast: second, default: .seconds(900))
        // Who names an interval wants it kept; else events are relied on for longer, where there are any.
        let watchedScanInterval = section.value["scanInterval"] == nil ? .seconds(3_600) : scanInterval
        let listInterval = fields.duration("listInterval", in: section, atLeast: second, default: listDefault)
        let deleteDelay = fields.duration("deleteDelay", in: section, atLeast: .zero, default: .seconds(60))
        let maxDeletePercent = fields.integer("maxDeletePercent", in: section, range: 0...100, default: 50)
        let trashDays = fields.integer("trashDays", in: section, range: 0...36_500, default: 30)
        var writingReader = WritingReader(fields: fields)
        let writing = writingReader.read(section)
        fields = writingReader.fields
        let conflict = conflict(section, direction)
        if let connection { checkSecrecy(of: writing, over: connection, section) }
        guard let name, let path, let bucket, let connection else { return nil }
        var folder = Folder(
            name: name,
            root: Array(path.utf8),
            endpoint: connection.endpoint?.text ?? "",
            bucket: bucket,
            prefix: Array(prefix.utf8),
            policy: Policy(direction: direction, deletes: deletes),
            conflict: conflict,
            exclude: exclude,
            maxDeletePercent: maxDeletePercent,
            trashDays: trashDays
        )
        folder.capabilities = connection.capabilities
        return ConfiguredFolder(
            folder: folder,
            path: path,
            connection: connection,
            writing: writing,
            customerKeyFile: section.value["customerKeyFile"]?.text,
            scanInterval: scanInterval,
            watchedScanInterval: watchedScanInterval,
            listInterval: listInterval,
            deleteDelay: deleteDelay
        )
    }

    /// A key that travels with each request must not travel in the open.
    private mutating func checkSecrecy(
        of writing: ObjectWriting,
        over connection: Connection,
        _ section: ConfigurationSection
    ) {
        guard case .customer = writing.encryption, let endpoint = connection.endpoint,
            !endpoint.isSecure, !endpoint.isLoopback
        else { return }
        fields.fault(
            section.keyPath("encryption"),
            "\"customer\" sends the key with each request, and \(endpoint.text) is not encrypted: use https"
        )
    }

    private mutating func refuseUnsupported(_ section: ConfigurationSection) {
        if fields.flag("folderMarkers", in: section, default: false) {
            fields.fault(
                section.keyPath("folderMarkers"),
                "is not supported by this version: remove it; empty directories are not mirrored"
            )
        }
        if fields.setText("remoteTrashPrefix", in: section) != nil {
            fields.fault(
                section.keyPath("remoteTrashPrefix"),
                "is not supported by this version: remove it, and switch on versioning of the bucket to keep old objects"
            )
        }
    }

    private mutating func connection(_ section: ConfigurationSection, _ connections: Connections) -> Connection? {
        let names = connections.named.compactMap(\.name)
        let known = names.map { "\"\($0)\"" }.joined(separator: ", ")
        guard let name = fields.setText("connection", in: section) else {
            if connections.standard == nil, section.value["connection"].map({ $0.text == "" }) ?? true {
                fields.fault(
                    section.keyPath("connection"),
                    "is missing: there is no \"connection\" at the top, but \(known)"
                )
            }
            return connections.standard
        }
        if let connection = connections.named.first(where: { $0.name == name }) { return connection }
        let others = names.isEmpty ? "there are no \"connections\"" : "there is \(known)"
        let hint = NearestWord.hint(name, among: names)
        fields.fault(section.keyPath("connection"), "no connection \"\(printable(name))\"\(hint); \(others)")
        return nil
    }

    /// Both ways there is no other way than to delete: what is gone on one side would come back from the other.
    private mutating func deletes(_ section: ConfigurationSection, _ direction: Direction) -> Bool {
        switch direction {
        case .up, .down:
            return fields.flag("delete", in: section, default: false)
        case .both:
            if !fields.flag("delete", in: section, default: true) {
                fields.fault(
                    section.keyPath("delete"),
                    "is false, and with \"direction\": \"both\" deletes always travel: remove it, or sync \"up\" or \"down\""
                )
            }
            return true
        }
    }

    private mutating func conflict(_ section: ConfigurationSection, _ direction: Direction) -> ConflictWinner {
        let winner = fields.choice("conflict", in: section, default: ConflictWinner.newest)
        // A direction that is none has been told already.
        let isOneWay = direction != .both && section.value["direction"].map { $0.text == direction.rawValue } ?? true
        if section.value["conflict"] != nil, isOneWay {
            fields.fault(
                section.keyPath("conflict"),
                "goes with \"direction\": \"both\": one way there are no conflicts, so remove it"
            )
        }
        return winner
    }

    /// Empty, or ending in `/`.
    private mutating func prefix(_ section: ConfigurationSection) -> String {
        guard let text = fields.setText("prefix", in: section) else { return "" }
        let prefix = text.hasSuffix("/") ? text : text + "/"
        let segments = prefix.dropLast().split(separator: "/", omittingEmptySubsequences: false)
        if segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) {
            fields.fault(
                section.keyPath("prefix"),
                "\"\(printable(text))\" has an empty segment, \".\" or \"..\": write it like \"photos/2024/\""
            )
        }
        if segments.contains(where: { $0.hasPrefix(".syncd") }) {
            fields.fault(section.keyPath("prefix"), "names beginning with \".syncd\" belong to syncd itself")
        }
        if prefix.utf8.count > 1_000 { fields.fault(section.keyPath("prefix"), "is longer than 1,000 bytes") }
        return prefix
    }

    private mutating func checkedName(_ name: String, in section: ConfigurationSection) -> String? {
        let forbidden: [Unicode.Scalar] = ["/", "\"", "'", "`", "$", "\\"]
        let isGood =
            name.utf8.count <= 64 && !name.hasPrefix("-")
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && !forbidden.contains($0) }
            && printable(name) == name
        if isGood { return name }
        fields.fault(
            section.keyPath("name"),
            "\"\(printable(name))\" is no name: at most 64 bytes, without spaces, slashes, quotes or \"$\", not beginning with \"-\""
        )
        return nil
    }

    /// The path without slashes too many.
    private mutating func absolutePath(_ text: String, at keyPath: String) -> String? {
        guard text.hasPrefix("/") else {
            let home = text.hasPrefix("~") ? " (\"~\" is not expanded)" : ""
            fields.fault(keyPath, "\"\(printable(text))\" is not absolute: write it from \"/\" on\(home)")
            return nil
        }
        let segments = text.split(separator: "/")
        if segments.contains(where: { $0 == "." || $0 == ".." }) {
            fields.fault(keyPath, "\"\(printable(text))\" has a segment \".\" or \"..\": write the path without it")
            return nil
        }
        return "/" + segments.joined(separator: "/")
    }

    /// AWS's own rules for AWS; elsewhere also the letters and lengths that AWS once took and other servers still do
    /// (S3 User Guide, "General purpose bucket naming rules", read 2026-11-22).
    private mutating func checkedBucket(_ name: String, onAWS: Bool, in section: ConfigurationSection) -> String? {
        let bytes = Array(name.utf8)
        let isGood: Bool
        if onAWS {
            let ends = [bytes.first, bytes.last].compactMap(\.self)
            isGood =
                (3...63).contains(bytes.count) && ends.allSatisfy(isLetterOrDigit) && !name.contains("..")
                && name == name.lowercased()
                && bytes.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
        } else {
            isGood =
                (1...255).contains(bytes.count) && name != "." && name != ".."
                && bytes.allSatisfy { isLetterOrDigit($0) || [0x2D, 0x2E, 0x5F].contains($0) }
        }
        if isGood { return name }
        let rule =
            onAWS ? "3 to 63 lower-case letters, digits, dots and hyphens" : "letters, digits, \".\", \"-\" and \"_\""
        fields.fault(section.keyPath("bucket"), "\"\(printable(name))\" is no bucket name: \(rule)")
        return nil
    }
}
