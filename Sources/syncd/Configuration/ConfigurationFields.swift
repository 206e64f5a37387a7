import Text

/// One object of a configuration, and where it stands.
struct ConfigurationSection {
    /// `folders[1]`; empty for the whole file.
    let path: String
    let value: JSONValue

    func keyPath(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }
}

/// Takes typed values out of sections and collects what is wrong, so that one run tells all of it. Where a value is
/// wrong its default goes on; whoever reads throws in the end if there was any fault.
struct ConfigurationFields {
    private(set) var faults: [ConfigurationError.Fault] = []

    mutating func fault(_ keyPath: String, _ message: String) {
        faults.append(ConfigurationError.Fault(keyPath, message))
    }

    /// An object, each of whose keys must be among `known`.
    mutating func section(_ value: JSONValue, at path: String, known: [String]) -> ConfigurationSection? {
        guard let members = value.members else {
            fault(path, "must be an object, is \(value.kind)")
            return nil
        }
        let section = ConfigurationSection(path: path, value: value)
        for member in members where !known.contains(member.key) {
            fault(section.keyPath(printable(member.key)), Self.unknownKey(member.key, known: known))
        }
        return section
    }

    private static func unknownKey(_ key: String, known: [String]) -> String {
        guard let nearest = NearestWord.find(key, among: known) else { return "is no known key" }
        return NearestWord.isClose(nearest.distance, to: key)
            ? "is no known key (did you mean \"\(nearest.word)\"?)"
            : "is no known key; the nearest one is \"\(nearest.word)\""
    }

    /// A text; nil where the key is missing or no text.
    mutating func text(_ key: String, in section: ConfigurationSection) -> String? {
        guard let value = section.value[key] else { return nil }
        guard let text = value.text else {
            fault(section.keyPath(key), "must be a string, is \(value.kind)")
            return nil
        }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            fault(section.keyPath(key), "holds a control character")
            return nil
        }
        return text
    }

    /// A text that is not empty; an empty one means that the key is not set.
    mutating func setText(_ key: String, in section: ConfigurationSection) -> String? {
        text(key, in: section).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A text that must be there and not empty.
    mutating func requiredText(_ key: String, in section: ConfigurationSection) -> String? {
        guard section.value[key] != nil else {
            fault(section.keyPath(key), "is missing")
            return nil
        }
        guard let text = text(key, in: section) else { return nil }
        if text.isEmpty {
            fault(section.keyPath(key), "is empty")
            return nil
        }
        return text
    }

    mutating func flag(_ key: String, in section: ConfigurationSection, default standard: Bool) -> Bool {
        guard let value = section.value[key] else { return standard }
        guard let flag = value.flag else {
            fault(section.keyPath(key), "must be true or false, is \(value.kind)")
            return standard
        }
        return flag
    }

    mutating func integer(
        _ key: String,
        in section: ConfigurationSection,
        range: ClosedRange<Int>,
        default standard: Int
    ) -> Int {
        guard let value = section.value[key] else { return standard }
        let wanted = "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let number = value.integer else {
            fault(section.keyPath(key), "\(wanted), is \(value.kind)")
            return standard
        }
        guard let number = Int(exactly: number), range.contains(number) else {
            fault(section.keyPath(key), "\(wanted), is \(number)")
            return standard
        }
        return number
    }

    mutating func duration(
        _ key: String,
        in section: ConfigurationSection,
        atLeast minimum: Duration,
        default standard: Duration
    ) -> Duration {
        guard let text = text(key, in: section) else { return standard }
        guard let duration = Units.duration(text) else {
            fault(
                section.keyPath(key),
                "\"\(printable(text))\" is no duration: write a whole number and a unit, as in \"90s\", \"15m\", \"1h\" or \"7d\""
            )
            return standard
        }
        if duration < minimum {
            fault(section.keyPath(key), "must be at least \(minimum.components.seconds)s, is \(text)")
            return standard
        }
        return duration
    }

    /// A size in bytes, as a text with a unit or a number.
    mutating func size(_ key: String, in section: ConfigurationSection) -> Int64? {
        guard let value = section.value[key] else { return nil }
        let wanted = "write a whole number and a unit, as in \"512KiB\" or \"8MiB\""
        switch value {
        case .integer(let bytes) where bytes > 0: return bytes
        case .string(let text):
            if let bytes = Units.size(text), bytes > 0 { return bytes }
            fault(section.keyPath(key), "\"\(printable(text))\" is no size: \(wanted)")
        case .integer(let bytes): fault(section.keyPath(key), "\(bytes) is no size: \(wanted)")
        case .null, .bool, .number, .array, .object:
            fault(section.keyPath(key), "must be a size, is \(value.kind): \(wanted)")
        }
        return nil
    }

    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String,
        in section: ConfigurationSection,
        default standard: Choice
    ) -> Choice {
        guard let text = text(key, in: section) else { return standard }
        if let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue)
        let list = known.map { "\"\($0)\"" }.joined(separator: ", ")
        let hint = NearestWord.hint(text, among: known)
        fault(section.keyPath(key), "\"\(printable(text))\" is none of \(list)\(hint)")
        return standard
    }

    /// One of `words`; nil where the key is missing, empty or none of them.
    mutating func word(_ key: String, of words: [String], in section: ConfigurationSection) -> String? {
        guard let text = setText(key, in: section) else { return nil }
        if words.contains(text) { return text }
        let known = words.map { "\"\($0)\"" }.joined(separator: ", ")
        fault(section.keyPath(key), "\"\(printable(text))\" is none of \(known)\(NearestWord.hint(text, among: words))")
        return nil
    }

    /// A list of texts, none of them empty.
    mutating func texts(_ key: String, in section: ConfigurationSection, atMost limit: Int) -> [String] {
        guard let value = section.value[key] else { return [] }
        guard let elements = value.elements else {
            fault(section.keyPath(key), "must be a list of strings, is \(value.kind)")
            return []
        }
        if elements.count > limit {
            fault(section.keyPath(key), "has \(elements.count) elements, at most \(limit) are allowed")
            return []
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            let keyPath = section.keyPath("\(key)[\(index)]")
            switch element.text {
            case nil: fault(keyPath, "must be a string, is \(element.kind)")
            case let text? where text.isEmpty: fault(keyPath, "is empty")
            case let text? where text.utf8.contains { $0 == 0 || $0 == 0x0A }:
                fault(keyPath, "holds a line break or a NUL")
            case let text?: texts.append(text)
            }
        }
        return texts
    }
}

/// ASCII only.
func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        true
    default: false
    }
}
