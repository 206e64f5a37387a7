/// Why some text is not JSON, and where.
package struct JSONSyntaxError: Error, Hashable, Sendable {
    /// Both count from 1; a column is a Unicode scalar.
    package var line: Int
    package var column: Int
    package var message: String
}

/// A strict reader of JSON (RFC 8259): no comments, no commas too many, no key twice in an object, nothing after the
/// value. It names line and column of the first fault, which is why it is not Foundation's.
package struct JSONParser {
    /// How deep lists and objects may nest.
    package static let maximumDepth = 32

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// - Throws: the first fault. It never holds more of the text than one character or a key.
    package static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
        var parser = JSONParser(bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
        let value = try parser.value()
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.unexpected("the end of the file") }
        return value
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONValue {
        skipSpace()
        guard let byte = current else { throw unexpected("a value") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default:
            for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
            where bytes[index...].starts(with: word.utf8) {
                index += word.utf8.count
                return value
            }
            throw unexpected("a value")
        }
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONValue {
        let start = try open()
        var members: [JSONMember] = []
        var keys: Set<String> = []
        while true {
            skipSpace()
            if members.isEmpty, take("}") { break }
            guard current == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes", within: start) }
            let keyStart = index
            let key = try string()
            guard keys.insert(key).inserted else {
                throw fault("the key \"\(printable(key))\" stands twice in one object", at: keyStart)
            }
            skipSpace()
            guard take(":") else { throw unexpected("\":\" after the key \"\(printable(key))\"", within: start) }
            members.append(JSONMember(key, try value()))
            guard try another(closing: "}", within: start) else { break }
        }
        depth -= 1
        return .object(members)
    }

    private mutating func array() throws(JSONSyntaxError) -> JSONValue {
        let start = try open()
        var elements: [JSONValue] = []
        skipSpace()
        if !take("]") {
            repeat { elements.append(try value()) } while try another(closing: "]", within: start)
        }
        depth -= 1
        return .array(elements)
    }

    /// Steps into a list or an object. - Returns: where it begins.
    private mutating func open() throws(JSONSyntaxError) -> Int {
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw fault("more than \(Self.maximumDepth) lists or objects inside each other", at: index)
        }
        index += 1
        return index - 1
    }

    /// After an element: true if a comma announces another one, false if the list or object is closed.
    private mutating func another(closing: Unicode.Scalar, within start: Int) throws(JSONSyntaxError) -> Bool {
        skipSpace()
        if take(closing) { return false }
        let comma = index
        guard take(",") else { throw unexpected("\",\" or \"\(closing)\"", within: start) }
        skipSpace()
        if current == UInt8(ascii: closing) {
            throw fault("a comma before \"\(closing)\": the last element has none after it", at: comma)
        }
        return true
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = index
        _ = take("-")
        let leadingZero = current == UInt8(ascii: "0")
        let whole = skipDigits()
        guard whole > 0, !(leadingZero && whole > 1) else { throw fault("a malformed number", at: start) }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard skipDigits() > 0 else { throw fault("a malformed number", at: start) }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard skipDigits() > 0 else { throw fault("a malformed number", at: start) }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw fault("a number out of range", at: start) }
        return .number(number)
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        let start = index
        index += 1
        var content: [UInt8] = []
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw fault("a string that is not UTF-8", at: start)
                }
                return text
            case UInt8(ascii: "\\"):
                content.append(contentsOf: try escape())
            case 0..<0x20:
                throw fault("a line break or control character inside a string that begins here", at: start)
            default:
                content.append(byte)
                index += 1
            }
        }
        throw fault("the file ends inside the string that begins here", at: start)
    }

    private mutating func escape() throws(JSONSyntaxError) -> [UInt8] {
        let start = index
        index += 1
        guard let byte = current else { throw fault("the file ends inside a string", at: start) }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(try escapedScalar(from: start)).utf8)
        default: throw fault("an escape that JSON does not know (a backslash itself is written twice)", at: start)
        }
    }

    /// The digits after `\u`, and of a second escape where the first is half of a pair.
    private mutating func escapedScalar(from start: Int) throws(JSONSyntaxError) -> Character {
        let first = try hexadecimal(from: start)
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        if (0xD800..<0xDC00).contains(first), take("\\"), take("u") {
            let second = try hexadecimal(from: start)
            if (0xDC00..<0xE000).contains(second) {
                let code = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
                if let scalar = Unicode.Scalar(code) { return Character(scalar) }
            }
        }
        throw fault("half of a surrogate pair", at: start)
    }

    private mutating func hexadecimal(from start: Int) throws(JSONSyntaxError) -> UInt32 {
        let digits = bytes[index...].prefix(4)
        let text = String(decoding: digits, as: UTF8.self)
        guard text.utf8.count == 4, text.allSatisfy(\.isHexDigit), let code = UInt32(text, radix: 16) else {
            throw fault("\\u without four hexadecimal digits", at: start)
        }
        index += 4
        return code
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func skipDigits() -> Int {
        let start = index
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index - start
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private func unexpected(_ expected: String, within start: Int? = nil) -> JSONSyntaxError {
        guard let byte = current else {
            let open = start.map { ": what begins in line \(position(of: $0).line) is not closed" } ?? ""
            return fault("the file ends where \(expected) was expected" + open, at: index)
        }
        if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "#") {
            return fault("expected \(expected); JSON has no comments", at: index)
        }
        let found = (0x21...0x7E).contains(byte) ? "\"\(Character(Unicode.Scalar(byte)))\"" : "another character"
        return fault("expected \(expected), found \(found)", at: index)
    }

    private func fault(_ message: String, at offset: Int) -> JSONSyntaxError {
        let (line, column) = position(of: offset)
        return JSONSyntaxError(line: line, column: column, message: message)
    }

    private func position(of offset: Int) -> (line: Int, column: Int) {
        let before = bytes[..<offset]
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return (line, before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1)
    }
}
