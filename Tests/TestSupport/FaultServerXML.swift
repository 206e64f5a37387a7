/// Writes the XML that S3 answers with.
struct FaultXMLWriter {
    private(set) var bytes: [UInt8]

    /// What documents begin with.
    static let declaration = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".utf8)

    init(_ root: String, namespace: String?, _ content: (inout FaultXMLWriter) -> Void) {
        bytes = Self.declaration
        bytes += Array("<\(root)\(namespace.map { " xmlns=\"\($0)\"" } ?? "")>".utf8)
        content(&self)
        bytes += Array("</\(root)>".utf8)
    }

    mutating func element(_ name: String, _ content: (inout FaultXMLWriter) -> Void) {
        bytes += Array("<\(name)>".utf8)
        content(&self)
        bytes += Array("</\(name)>".utf8)
    }

    mutating func leaf(_ name: String, _ text: String) { leaf(name, Array(text.utf8)) }

    mutating func leaf(_ name: String, _ text: [UInt8]) {
        element(name) { xml in xml.text(text) }
    }

    mutating func text(_ text: [UInt8]) { bytes += text.flatMap { Self.escaped($0) } }

    /// Control characters become references, also those that XML does not allow, as Ceph and rclone write them.
    private static func escaped(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "&"): Array("&amp;".utf8)
        case UInt8(ascii: "<"): Array("&lt;".utf8)
        case UInt8(ascii: ">"): Array("&gt;".utf8)
        case UInt8(ascii: "\""): Array("&quot;".utf8)
        case 0..<0x20: Array("&#x\(String(byte, radix: 16));".utf8)
        default: [byte]
        }
    }
}

/// An element of a document that a client sent.
struct FaultXMLElement {
    var name: String
    /// Its own text, without that of the elements in it.
    var text: [UInt8] = []
    var children: [FaultXMLElement] = []

    /// The text of the first child of that name.
    func text(of name: String) -> [UInt8]? { children.first { $0.name == name }?.text }

    /// Nil for what is no well-formed document, as far as S3's requests go: elements, attributes that are passed over,
    /// text and references.
    static func parse(_ bytes: [UInt8]) -> FaultXMLElement? {
        var parser = FaultXMLParser(rest: bytes[...])
        return parser.document()
    }
}

/// Reads by descent. It knows no comments, sections or declarations of types: no client has a reason to send one.
private struct FaultXMLParser {
    var rest: ArraySlice<UInt8>

    private static let spaces: Set<UInt8> = [9, 10, 13, 32]
    private static let maximumDepth = 8

    mutating func document() -> FaultXMLElement? {
        if skip("<?xml") {
            guard take(until: UInt8(ascii: ">")) != nil else { return nil }
        }
        skipSpaces()
        guard let root = element(depth: 1) else { return nil }
        skipSpaces()
        return rest.isEmpty ? root : nil
    }

    private mutating func element(depth: Int) -> FaultXMLElement? {
        guard depth <= Self.maximumDepth, skip("<"), let tag = take(until: UInt8(ascii: ">")) else { return nil }
        let isEmpty = tag.last == UInt8(ascii: "/")
        let name = String(decoding: tag.prefix { !Self.spaces.contains($0) && $0 != UInt8(ascii: "/") }, as: UTF8.self)
        guard !name.isEmpty else { return nil }
        var element = FaultXMLElement(name: name)
        if isEmpty { return element }
        while true {
            if skip("</\(name)>") { return element }
            switch rest.first {
            case nil: return nil
            case UInt8(ascii: "<"):
                guard let child = self.element(depth: depth + 1) else { return nil }
                element.children.append(child)
            case UInt8(ascii: "&"):
                guard let bytes = reference() else { return nil }
                element.text += bytes
            case let byte?:
                // A carriage return that is not a reference reaches no reader.
                if byte != 13 { element.text.append(byte) }
                rest = rest.dropFirst()
            }
        }
    }

    private mutating func reference() -> [UInt8]? {
        guard skip("&"), let name = take(until: UInt8(ascii: ";")) else { return nil }
        switch String(decoding: name, as: UTF8.self) {
        case "amp": return Array("&".utf8)
        case "lt": return Array("<".utf8)
        case "gt": return Array(">".utf8)
        case "quot": return Array("\"".utf8)
        case "apos": return Array("'".utf8)
        case let other where other.hasPrefix("#"):
            let digits = other.dropFirst(other.hasPrefix("#x") ? 2 : 1)
            guard let value = UInt32(digits, radix: other.hasPrefix("#x") ? 16 : 10),
                let scalar = Unicode.Scalar(value),
                value >= 0x20 || Self.spaces.contains(UInt8(value)), value != 0xFFFE, value != 0xFFFF
            else { return nil }
            return Array(String(Character(scalar)).utf8)
        default: return nil
        }
    }

    private mutating func skipSpaces() { rest = rest.drop { Self.spaces.contains($0) } }

    private mutating func skip(_ text: String) -> Bool {
        guard rest.starts(with: text.utf8) else { return false }
        rest = rest.dropFirst(text.utf8.count)
        return true
    }

    /// What stands before the next `end`, which is passed over; nil if there is none.
    private mutating func take(until end: UInt8) -> ArraySlice<UInt8>? {
        guard let index = rest.firstIndex(of: end) else { return nil }
        defer { rest = rest[(index + 1)...] }
        return rest[..<index]
    }
}
