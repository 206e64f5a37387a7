/// A path or key for people: control characters, marks that turn text around and a backslash are escaped, bytes that
/// are not UTF-8 show as `\xff`. One line, and no two paths look the same for a character that cannot be seen.
package func escaped(_ bytes: [UInt8]) -> String {
    var text = ""
    var parser = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var index = 0
    while true {
        switch parser.parseScalar(from: &iterator) {
        case .valid(let encoded):
            index += encoded.count
            let scalar = UTF8.decode(encoded)
            text += scalar == "\\" ? #"\\"# : escapedScalar(scalar)
        case .error(let length):
            for byte in bytes[index..<(index + length)] { text += "\\x" + String(byte, radix: 16) }
            index += length
        case .emptyInput: return text
        }
    }
}

/// A message for people, in one line: as ``escaped(_:)``, but backslashes stay.
package func printable(_ text: String) -> String {
    text.unicodeScalars.allSatisfy { !isUnseen($0) } ? text : text.unicodeScalars.map(escapedScalar).joined()
}

private func escapedScalar(_ scalar: Unicode.Scalar) -> String {
    guard isUnseen(scalar) else { return String(Character(scalar)) }
    switch scalar {
    case "\n": return #"\n"#
    case "\r": return #"\r"#
    case "\t": return #"\t"#
    default: return "\\u{\(String(scalar.value, radix: 16))}"
    }
}

/// Control characters, line and paragraph separators, and the marks that change the direction of text.
private func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
}
