/// The profiles of AWS's shared files, `~/.aws/config` and `~/.aws/credentials`: sections of `name = value` lines.
///
/// - SeeAlso: AWS SDKs and Tools Reference Guide, "Shared config and credentials files", as known in 2026-11.
struct ProfileFile: Equatable {
    /// Which of the two: they name their sections differently.
    enum Kind {
        /// `[default]`, `[profile NAME]`; other sections are no profiles.
        case config
        /// `[NAME]`
        case credentials
    }

    private(set) var profiles: [String: [String: String]] = [:]

    /// Lines that are neither a section, a setting nor a comment are passed over, as AWS's own tools do.
    init(_ bytes: [UInt8], kind: Kind) {
        var profile: String?
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let first = line.first, first != "#", first != ";" else { continue }
            // An indented line goes on with a setting that holds settings itself: none that matters here does.
            if first.isWhitespace { continue }
            if first == "[" {
                profile = Self.profile(of: line, kind: kind)
                if let profile, profiles[profile] == nil { profiles[profile] = [:] }
            } else if let profile, let (name, value) = Self.setting(line) {
                profiles[profile, default: [:]][name] = value
            }
        }
    }

    /// Settings of both files; those of the credentials file come first.
    init(config: ProfileFile, credentials: ProfileFile) {
        profiles = config.profiles
        for (name, settings) in credentials.profiles {
            profiles[name, default: [:]].merge(settings) { _, new in new }
        }
    }

    private static func profile(of line: Substring, kind: Kind) -> String? {
        guard let end = line.firstIndex(of: "]") else { return nil }
        let words = line[line.index(after: line.startIndex)..<end].split(whereSeparator: \.isWhitespace)
        switch (kind, words.count) {
        case (.credentials, 1): return String(words[0])
        case (.config, 1): return words[0] == "default" ? "default" : nil
        case (.config, 2): return words[0] == "profile" ? String(words[1]) : nil
        default: return nil
        }
    }

    private static func setting(_ line: Substring) -> (name: String, value: String)? {
        guard let equals = line.firstIndex(of: "=") else { return nil }
        var value = line[line.index(after: equals)...]
        // A comment behind a value begins with a space: a `#` without one may belong to a secret.
        for mark in [" #", " ;", "\t#", "\t;"] {
            if let comment = value.start(of: mark) { value = value[..<comment] }
        }
        return (trimmed(line[..<equals]).lowercased(), trimmed(value))
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}

extension Substring {
    /// Where `mark`, two characters, stands first.
    fileprivate func start(of mark: String) -> String.Index? {
        let wanted = Array(mark)
        return zip(indices, zip(self, dropFirst())).first { $0.1 == (wanted[0], wanted[1]) }?.0
    }
}
