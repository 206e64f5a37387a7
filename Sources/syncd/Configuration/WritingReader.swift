import S3API
import SyncEngine
import Text

/// Reads what a folder's objects are written with.
struct WritingReader {
    static let keys = [
        "storageClass", "encryption", "kmsKeyId", "customerKeyFile", "acl", "cacheControl", "contentTypes", "metadata",
    ]

    private static let encryptions = ["AES256", "aws:kms", "customer"]
    private static let acls = [
        "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
        "bucket-owner-full-control",
    ]
    /// Those that syncd writes itself, and those that it reads as digests of the content.
    private static let ownMetadata = ["mtime", "mode", "syncd-digest", "md5chksum"]
    /// Bytes of names and values together; S3 takes 2 KiB, of which syncd's own need some.
    private static let maximumMetadata = 1_900
    private static let maximumTypes = 1_000

    private(set) var fields: ConfigurationFields

    init(fields: ConfigurationFields) {
        self.fields = fields
    }

    mutating func read(_ section: ConfigurationSection) -> ObjectWriting {
        var writing = ObjectWriting()
        writing.storageClass = header("storageClass", in: section)
        writing.acl = fields.word("acl", of: Self.acls, in: section)
        writing.cacheControl = header("cacheControl", in: section)
        writing.encryption = encryption(section)
        writing.contentTypes = texts("contentTypes", in: section, atMost: Self.maximumTypes) { $0.lowercased() }
        writing.metadata = metadata(section)
        return writing
    }

    private mutating func encryption(_ section: ConfigurationSection) -> ObjectWriting.Encryption? {
        let name = fields.word("encryption", of: Self.encryptions, in: section)
        let kmsKey = header("kmsKeyId", in: section)
        let keyFile = fields.setText("customerKeyFile", in: section)
        if kmsKey != nil, name != "aws:kms" {
            fields.fault(section.keyPath("kmsKeyId"), "goes with \"encryption\": \"aws:kms\"")
        }
        if keyFile != nil, name != "customer" {
            fields.fault(section.keyPath("customerKeyFile"), "goes with \"encryption\": \"customer\"")
        }
        switch name {
        case "aws:kms": return .kms(key: kmsKey)
        case "customer": return customerKey(keyFile, section).map { .customer($0) }
        case nil: return nil
        default: return .managed
        }
    }

    private mutating func customerKey(_ file: String?, _ section: ConfigurationSection) -> CustomerKey? {
        guard let file else {
            fields.fault(section.keyPath("customerKeyFile"), "is missing: \"encryption\": \"customer\" needs the key")
            return nil
        }
        guard file.hasPrefix("/") else {
            fields.fault(
                section.keyPath("customerKeyFile"),
                "\"\(printable(file))\" is not absolute: write it from \"/\" on"
            )
            return nil
        }
        do {
            return try CustomerKeyFile.read(file)
        } catch {
            fields.fault(section.keyPath("customerKeyFile"), error.message)
            return nil
        }
    }

    private mutating func metadata(_ section: ConfigurationSection) -> [String: String] {
        let metadata = texts("metadata", in: section, atMost: Self.maximumTypes) { $0.lowercased() }
        let path = section.keyPath("metadata")
        for name in metadata.keys.sorted() {
            if Self.ownMetadata.contains(name) { fields.fault("\(path).\(name)", "is syncd's own") }
            if !name.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }) {
                fields.fault("\(path).\(printable(name))", "is no name: letters, digits, \"-\" and \"_\"")
            }
        }
        let size = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if size > Self.maximumMetadata {
            fields.fault(path, "has \(size) bytes, at most \(Self.maximumMetadata) are sent with an object")
        }
        return metadata
    }

    // MARK: Values

    /// A text that can be sent as a header.
    private mutating func header(_ key: String, in section: ConfigurationSection) -> String? {
        guard let text = fields.setText(key, in: section) else { return nil }
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            fields.fault(section.keyPath(key), "must be ASCII: it is sent as a header")
            return nil
        }
        return text
    }

    /// An object whose members are texts that can be sent as headers.
    private mutating func texts(
        _ key: String,
        in section: ConfigurationSection,
        atMost count: Int,
        _ name: (String) -> String
    ) -> [String: String] {
        guard let value = section.value[key] else { return [:] }
        guard let members = value.members else {
            fields.fault(section.keyPath(key), "must be an object of strings, is \(value.kind)")
            return [:]
        }
        if members.count > count {
            fields.fault(section.keyPath(key), "has \(members.count) members, at most \(count) are allowed")
            return [:]
        }
        let inner = ConfigurationSection(path: section.keyPath(key), value: value)
        var texts: [String: String] = [:]
        for member in members {
            if member.key.isEmpty { fields.fault(inner.path, "has a member without a name") }
            if let text = header(member.key, in: inner) { texts[name(member.key)] = text }
        }
        return texts
    }
}
