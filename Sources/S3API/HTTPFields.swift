/// The header fields of an answer, kept as the bytes that came and read when they are asked for: an answer has ten of
/// them, and two are looked at.
public struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    /// Lines of `name:value`, names in lower case, values without spaces at their ends, each ended by a line feed.
    private var lines: [UInt8] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { append(name: Array(name.utf8), value: Array(value.utf8)) }
    }

    /// The value of the last field of that name, which is given in lower case; nil if there is none.
    public subscript(name: String) -> String? {
        var found: ArraySlice<UInt8>?
        forEachLine { line in
            if line.count > name.utf8.count, line[line.startIndex + name.utf8.count] == UInt8(ascii: ":"),
                line.starts(with: name.utf8)
            {
                found = line.dropFirst(name.utf8.count + 1)
            }
        }
        return found.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Names without `prefix`, and values, of all fields whose names begin with `prefix`, which is in lower case.
    public func values(withPrefix prefix: String) -> [String: String] {
        var values: [String: String] = [:]
        forEachLine { line in
            guard line.starts(with: prefix.utf8), let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
            let name = String(decoding: line[..<colon].dropFirst(prefix.utf8.count), as: UTF8.self)
            values[name] = String(decoding: line[(colon + 1)...], as: UTF8.self)
        }
        return values
    }

    mutating func append(name: some Collection<UInt8>, value: some Collection<UInt8>) {
        lines.append(contentsOf: name.lazy.map { (65...90).contains($0) ? $0 | 0x20 : $0 })
        lines.append(UInt8(ascii: ":"))
        lines.append(contentsOf: value)
        lines.append(UInt8(ascii: "\n"))
    }

    mutating func removeAll() { lines.removeAll(keepingCapacity: true) }

    private func forEachLine(_ body: (ArraySlice<UInt8>) -> Void) {
        var start = 0
        while let end = lines[start...].firstIndex(of: UInt8(ascii: "\n")) {
            body(lines[start..<end])
            start = end + 1
        }
    }
}
