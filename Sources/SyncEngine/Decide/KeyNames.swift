/// What the name of a listed object can be on this side.
public enum RemoteName: Hashable, Sendable {
    case file(RelativePath)
    /// A zero-byte key that ends in `/`: a directory; nil where it names the prefix itself.
    case marker(RelativePath?)
    case invalid(InvalidPath)

    /// - Parameters:
    ///   - name: the key's bytes below the prefix.
    ///   - size: the object's, in bytes: only an empty object is a marker.
    public init(_ name: [UInt8], size: Int64) {
        let isMarker = size == 0 && (name.isEmpty || name.last == UInt8(ascii: "/"))
        guard isMarker else {
            self = Self.read(name, RemoteName.file)
            return
        }
        self =
            name.count <= 1
            ? (name.isEmpty ? .marker(nil) : .invalid(.emptySegment))
            : Self.read(Array(name.dropLast()), { .marker($0) })
    }

    private static func read(_ bytes: [UInt8], _ make: (RelativePath) -> RemoteName) -> RemoteName {
        do throws(InvalidPath) {
            return make(try RelativePath(bytes))
        } catch {
            return .invalid(error)
        }
    }
}

extension InvalidPath {
    /// The problem of an object whose key cannot be a path here.
    /// `name` is the key's bytes below the prefix.
    public func problem(name: [UInt8]) -> Problem {
        let reason =
            switch self {
            case .emptySegment: "the key has an empty segment (\"//\", or \"/\" at an end)"
            case .dotSegment: "the key has a segment \".\" or \"..\""
            case .nulByte: "the key holds a NUL byte"
            case .segmentTooLong: "a segment of the key is longer than \(RelativePath.maximumSegmentLength) bytes"
            case .tooLong: "the key is longer than \(RelativePath.maximumLength) bytes"
            case .reserved: "names that begin with .syncd are syncd's own"
            }
        return Problem(
            path: name,
            side: .remote,
            kind: .name,
            message: "\(reason): no file here can have this name; the object is left alone. Rename it, or exclude it"
        )
    }
}

/// S3's bound for a key, in bytes.
private let maximumKeyLength = 1_024

/// Why a file's path cannot be a key; nil if it can.
/// `prefixLength` is how many bytes that stand before the path.
public func keyProblem(of path: RelativePath, prefixLength: Int) -> Problem? {
    let length = prefixLength + path.bytes.count
    if length > maximumKeyLength {
        return .name(path, "the key would have \(length) bytes, and S3 holds \(maximumKeyLength): shorten the path")
    }
    guard String(validating: path.bytes, as: UTF8.self) != nil else {
        return .name(path, "the name is not UTF-8, which S3 keys must be: rename the file, or exclude it")
    }
    return nil
}

extension Problem {
    /// `feature` is what the service was not seen to keep.
    static func folded(_ path: RelativePath, _ feature: Capabilities.Feature) -> Problem {
        let what = feature == .backslashes ? "a \"\\\" in keys" : "line breaks and their like in keys"
        return name(
            path,
            "this service was not seen to keep \(what), and would mix this file up with another: rename it"
        )
    }

    fileprivate static func name(_ path: RelativePath, _ message: String) -> Problem {
        Problem(path: path.bytes, side: .local, kind: .name, message: message)
    }
}

extension RelativePath {
    /// What a store must keep in keys for this path to come back as it was sent. SeaweedFS 4.48 takes a backslash for a
    /// slash, and `rclone serve s3` 1.75 a line break for another character (both tried in 2026-11): an upload of the one
    /// name would overwrite the other.
    public var neededFeatures: Set<Capabilities.Feature> {
        var features: Set<Capabilities.Feature> = []
        if bytes.contains(UInt8(ascii: "\\")) { features.insert(.backslashes) }
        if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) { features.insert(.controlCharacters) }
        return features
    }
}
