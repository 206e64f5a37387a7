import Text

/// The caller's own key for objects that the service encrypts with it and keeps no copy of (SSE-C): who loses it loses the
/// objects. Their ETags say nothing of their content.
public struct CustomerKey: Hashable, Sendable {
    /// In bytes: AES-256.
    public static let length = 32

    /// `x-amz-server-side-encryption-customer-…`: what goes with each request that reads or writes such an object.
    let headers: [(name: String, value: String)]

    /// Nil unless there are ``length`` bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        let prefix = "x-amz-server-side-encryption-customer-"
        headers = [
            ("\(prefix)algorithm", "AES256"), ("\(prefix)key", Base64.encode(bytes)),
            ("\(prefix)key-md5", Base64.encode(Digests.md5(bytes))),
        ]
    }

    public static func == (left: CustomerKey, right: CustomerKey) -> Bool {
        left.headers.map(\.value) == right.headers.map(\.value)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(headers.map(\.value)) }
}

extension CustomerKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never the key.
    public var description: String { "CustomerKey" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
