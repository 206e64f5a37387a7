/// What a request asks for, by S3's name.
public enum FaultOperation: String, CaseIterable, Sendable {
    case listBuckets = "ListBuckets"
    case headBucket = "HeadBucket"
    case getBucketLocation = "GetBucketLocation"
    case listObjectsV2 = "ListObjectsV2"
    case headObject = "HeadObject"
    case getObject = "GetObject"
    case putObject = "PutObject"
    case deleteObject = "DeleteObject"
    case deleteObjects = "DeleteObjects"
    case createMultipartUpload = "CreateMultipartUpload"
    case uploadPart = "UploadPart"
    case listParts = "ListParts"
    case completeMultipartUpload = "CompleteMultipartUpload"
    case abortMultipartUpload = "AbortMultipartUpload"
    case listMultipartUploads = "ListMultipartUploads"
    /// Anything else: it is answered by 501.
    case unknown = "Unknown"
}

/// A request as it came, taken apart. Path style only: `/bucket/key`.
public struct FaultRequest: Sendable {
    public let operation: FaultOperation
    public let method: String
    /// Path and query, byte for byte as they came.
    public let target: String
    /// Names in lower case.
    public let headers: [(name: String, value: String)]
    /// Decoded; a value is empty where there was none.
    public let query: [(name: String, value: [UInt8])]
    public let bucket: String?
    /// Decoded.
    public let key: [UInt8]?
    /// Empty until it has been read.
    public internal(set) var body: [UInt8] = []

    /// Nil for what is no request of HTTP/1.1, or has escapes that cannot be decoded.
    init?(head: [UInt8]) {
        let request = LoopbackRequest(bytes: head, bodyStart: head.count)
        let words = request.line.split(separator: " ").map(String.init)
        guard words.count == 3, words[1].hasPrefix("/"), words[2] == "HTTP/1.1" else { return nil }
        (method, target) = (words[0], words[1])
        headers = request.headers.map { ($0.name.lowercased(), $0.value) }
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = halves[0].dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bucket = FaultText.decoded(path[0]), let query = Self.query(halves.count > 1 ? halves[1] : "") else {
            return nil
        }
        self.bucket = bucket.isEmpty ? nil : String(decoding: bucket, as: UTF8.self)
        self.query = query
        if path.count > 1, !path[1].isEmpty {
            guard let key = FaultText.decoded(path[1]) else { return nil }
            self.key = key
        } else {
            key = nil
        }
        operation = Self.operation(method, hasBucket: !bucket.isEmpty, hasKey: key != nil, query)
    }

    private static func query(_ text: Substring) -> [(name: String, value: [UInt8])]? {
        var query: [(name: String, value: [UInt8])] = []
        for pair in text.split(separator: "&") {
            let words = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = FaultText.decoded(words[0]), let value = FaultText.decoded(words.count > 1 ? words[1] : "")
            else { return nil }
            query.append((String(decoding: name, as: UTF8.self), value))
        }
        return query
    }

    private static func operation(
        _ method: String,
        hasBucket: Bool,
        hasKey: Bool,
        _ query: [(name: String, value: [UInt8])]
    ) -> FaultOperation {
        func has(_ name: String) -> Bool { query.contains { $0.name == name } }
        let isMultipart = has("uploadId")
        switch (method, hasBucket, hasKey) {
        case ("GET", false, _): return .listBuckets
        case ("HEAD", true, false): return .headBucket
        case ("GET", true, false):
            if has("location") { return .getBucketLocation }
            if has("uploads") { return .listMultipartUploads }
            return query.contains { $0.name == "list-type" && $0.value == [UInt8(ascii: "2")] }
                ? .listObjectsV2 : .unknown
        case ("POST", true, false): return has("delete") ? .deleteObjects : .unknown
        case ("HEAD", true, true): return .headObject
        case ("GET", true, true): return isMultipart ? .listParts : .getObject
        case ("PUT", true, true):
            if isMultipart || has("partNumber") { return .uploadPart }
            return query.isEmpty ? .putObject : .unknown
        case ("POST", true, true):
            if has("uploads") { return .createMultipartUpload }
            return isMultipart ? .completeMultipartUpload : .unknown
        case ("DELETE", true, true): return isMultipart ? .abortMultipartUpload : .deleteObject
        default: return .unknown
        }
    }

    /// The value of the header of that name, which is in lower case; several are joined.
    public func header(_ name: String) -> String? {
        let values = headers.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ",")
    }

    /// The bytes of a parameter; nil if it was not sent.
    public func bytes(_ name: String) -> [UInt8]? { query.first { $0.name == name }?.value }

    /// A parameter as text; nil if it was not sent.
    public func text(_ name: String) -> String? { bytes(name).map { String(decoding: $0, as: UTF8.self) } }

    /// A parameter as a number; nil if it was not sent, or is none.
    public func number(_ name: String) -> Int? { text(name).flatMap { Int($0) } }
}

/// The encodings that S3's texts are written in.
enum FaultText {
    private static let digits = Array("0123456789ABCDEF".utf8)
    private static let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    /// `%XX` decoded, all else as it is; nil for a `%` without two digits.
    static func decoded(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    /// As `encoding-type=url` writes keys: AWS writes a space as `+` and leaves `/` as it is; others do neither.
    static func encoded(_ bytes: [UInt8], spaceAsPlus: Bool, slash: Bool) -> [UInt8] {
        bytes.flatMap { byte -> [UInt8] in
            if byte == UInt8(ascii: " "), spaceAsPlus { return [UInt8(ascii: "+")] }
            if unreserved.contains(byte) || (byte == UInt8(ascii: "/") && !slash) { return [byte] }
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}
