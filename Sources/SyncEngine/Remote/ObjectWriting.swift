public import S3API

/// What a folder's objects are written with beside their content: as its configuration says. It goes with whole objects
/// and with uploads in parts alike, and changes nothing of objects that are there already.
public struct ObjectWriting: Hashable, Sendable {
    /// By S3's name: `STANDARD_IA`; nil for the bucket's own choice.
    public var storageClass: String?
    public var encryption: Encryption?
    /// A canned one: `bucket-owner-full-control`.
    public var acl: String?
    public var cacheControl: String?
    /// By extension in lower case, without its dot; before the built-in table.
    public var contentTypes: [String: String] = [:]
    /// Names in lower case; printable ASCII.
    public var metadata: [String: String] = [:]

    /// How objects are encrypted at rest.
    public enum Encryption: Hashable, Sendable {
        /// By a key of S3's own.
        case managed
        /// By KMS; a nil key is the account's own for S3.
        case kms(key: String?)
        /// By a key of the operator's, which goes with every request and stays nowhere else.
        case customer(CustomerKey)
    }

    public init() {}

    /// What goes with one object. `name` is its path below the prefix.
    func options(_ name: [UInt8], modified: UnixTime, mode: UInt16) -> PutOptions {
        var options = options
        options.metadata.merge(S3ObjectStore.metadata(modified: modified, mode: mode)) { $1 }
        options.contentType = contentType(of: name)
        return options
    }

    /// What goes with every object, a marker too: a bucket's policy may demand it.
    var options: PutOptions {
        var options = PutOptions()
        options.metadata = metadata
        options.storageClass = storageClass
        options.acl = acl
        options.cacheControl = cacheControl
        switch encryption {
        // The client sends the key itself.
        case nil, .customer: break
        case .managed: options.encryption = "AES256"
        case .kms(let key):
            options.encryption = "aws:kms"
            options.kmsKeyID = key
        }
        return options
    }

    /// The type that the extension of a name stands for; nil where it stands for none.
    public func contentType(of name: [UInt8]) -> String? {
        let last = name.lastIndex(of: UInt8(ascii: "/")).map { name[($0 + 1)...] } ?? name[...]
        guard let dot = last.lastIndex(of: UInt8(ascii: ".")), dot > last.startIndex else { return nil }
        let bytes = last[last.index(after: dot)...]
        guard (1...Self.longestExtension).contains(bytes.count) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self).lowercased()
        return contentTypes[name] ?? Self.table[name]
    }

    private static let longestExtension = 32

    private static let table: [String: String] = {
        var table: [String: String] = [:]
        for word in ContentTypeTable.text.split(whereSeparator: \.isWhitespace) {
            guard let equals = word.firstIndex(of: "=") else { continue }
            for name in word[word.index(after: equals)...].split(separator: ",") {
                table[String(name)] = String(word[..<equals])
            }
        }
        return table
    }()
}
