/// One pattern of gitignore, compiled: `*`, `?` and `[…]` within a segment, `**` across segments.
struct GlobPattern: Sendable {
    private let tokens: [Token]

    private enum Token: Sendable {
        case byte(UInt8)
        /// `?`: any byte but `/`.
        case anyByte
        /// `*`: any number of bytes, none of them `/`.
        case star
        /// `**/`, at the start or after a `/`: any number of whole segments, none included.
        case segments
        /// `**` at the end after a `/`, or by itself: everything.
        case everything
        case oneOf(ByteSet)
    }

    /// Nil if the pattern can match nothing: a bracket that is not closed, a backslash at the end.
    init?(_ text: [UInt8]) {
        var tokens: [Token] = []
        var rest = text[...]
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "*"):
                tokens.append(Self.stars(&rest, atStart: rest.startIndex == 0, of: text))
            case UInt8(ascii: "?"):
                rest = rest.dropFirst()
                tokens.append(.anyByte)
            case UInt8(ascii: "["):
                guard let set = ByteSet(&rest) else { return nil }
                tokens.append(.oneOf(set))
            case UInt8(ascii: "\\"):
                guard let escaped = rest.dropFirst().first else { return nil }
                rest = rest.dropFirst(2)
                tokens.append(.byte(escaped))
            default:
                rest = rest.dropFirst()
                tokens.append(.byte(byte))
            }
        }
        self.tokens = tokens
    }

    private static func stars(_ rest: inout ArraySlice<UInt8>, atStart: Bool, of text: [UInt8]) -> Token {
        let slash = UInt8(ascii: "/")
        let start = rest.startIndex
        let count = rest.prefix { $0 == UInt8(ascii: "*") }.count
        rest = rest.dropFirst(count)
        guard count == 2, atStart || text[start - 1] == slash else { return .star }
        if rest.isEmpty { return .everything }
        guard rest.first == slash else { return .star }
        rest = rest.dropFirst()
        return .segments
    }

    /// Whether the pattern matches all of `text`. All ways to match are followed at once, so that the time is bounded by
    /// the product of both lengths, whatever stars a pattern has.
    func matches(_ text: ArraySlice<UInt8>) -> Bool {
        let count = Self.states(of: tokens.count + 1)
        return withUnsafeTemporaryAllocation(of: Bool.self, capacity: 2 * count) { memory in
            memory.initialize(repeating: false)
            var current = UnsafeMutableBufferPointer(rebasing: memory[..<count])
            var next = UnsafeMutableBufferPointer(rebasing: memory[count...])
            enter(0, &current)
            for byte in text {
                next.update(repeating: false)
                guard step(byte, from: current, to: &next) else { return false }
                swap(&current, &next)
            }
            return isAccepted(current)
        }
    }

    /// Two for each token: before it, and within it, where it has begun to take bytes.
    private static func states(of tokens: Int) -> Int { 2 * tokens }

    /// Marks the state before token `index`, and those that are reached from it without a byte.
    private func enter(_ index: Int, _ states: inout UnsafeMutableBufferPointer<Bool>) {
        states[2 * index] = true
        guard index < tokens.count else { return }
        switch tokens[index] {
        case .star, .segments: enter(index + 1, &states)
        case .byte, .anyByte, .everything, .oneOf: break
        }
    }

    /// - Returns: false if no state is left.
    private func step(
        _ byte: UInt8,
        from states: UnsafeMutableBufferPointer<Bool>,
        to next: inout UnsafeMutableBufferPointer<Bool>
    ) -> Bool {
        let isSlash = byte == UInt8(ascii: "/")
        var isAlive = false
        for index in tokens.indices where states[2 * index] || states[2 * index + 1] {
            var target: Int?
            switch tokens[index] {
            case .byte(let own): target = own == byte ? index + 1 : nil
            case .anyByte: target = isSlash ? nil : index + 1
            case .oneOf(let set): target = !isSlash && set.contains(byte) ? index + 1 : nil
            case .star: target = isSlash ? nil : index
            case .segments:
                if isSlash { target = index } else { next[2 * index + 1] = true }
                isAlive = true
            case .everything:
                next[2 * index + 1] = true
                isAlive = true
            }
            if let target {
                enter(target, &next)
                isAlive = true
            }
        }
        return isAlive
    }

    private func isAccepted(_ states: UnsafeMutableBufferPointer<Bool>) -> Bool {
        if states[2 * tokens.count] { return true }
        guard case .everything = tokens.last else { return false }
        return states[2 * tokens.count - 1]
    }
}

/// The bytes that a bracket expression stands for.
private struct ByteSet: Sendable {
    private var members = [Bool](repeating: false, count: 256)

    func contains(_ byte: UInt8) -> Bool { members[Int(byte)] }

    /// Takes a bracket expression off the front of `rest`; nil if it is not closed.
    init?(_ rest: inout ArraySlice<UInt8>) {
        var body = rest.dropFirst()
        let isNegated = body.first == UInt8(ascii: "!") || body.first == UInt8(ascii: "^")
        if isNegated { body = body.dropFirst() }
        var isFirst = true
        while let byte = body.first, isFirst || byte != UInt8(ascii: "]") {
            isFirst = false
            if let name = Self.className(body) {
                guard let named = Self.named[name] else { return nil }
                for candidate in UInt8.min...UInt8.max where named(candidate) { members[Int(candidate)] = true }
                body = body.dropFirst(name.utf8.count + 4)
                continue
            }
            guard let low = Self.take(&body) else { return nil }
            guard body.first == UInt8(ascii: "-"), let next = body.dropFirst().first, next != UInt8(ascii: "]") else {
                members[Int(low)] = true
                continue
            }
            body = body.dropFirst()
            guard let high = Self.take(&body) else { return nil }
            if low <= high { for member in low...high { members[Int(member)] = true } }
        }
        guard body.first == UInt8(ascii: "]") else { return nil }
        rest = body.dropFirst()
        if isNegated { members = members.map { !$0 } }
    }

    /// One byte, a backslash before it dropped.
    private static func take(_ body: inout ArraySlice<UInt8>) -> UInt8? {
        if body.first == UInt8(ascii: "\\") { body = body.dropFirst() }
        return body.popFirst()
    }

    /// The name in `[:name:]`, if `body` begins with that.
    private static func className(_ body: ArraySlice<UInt8>) -> String? {
        guard body.starts(with: "[:".utf8), let colon = body.dropFirst(2).firstIndex(of: UInt8(ascii: ":")),
            body[(colon + 1)...].first == UInt8(ascii: "]")
        else { return nil }
        return String(decoding: body[(body.startIndex + 2)..<colon], as: UTF8.self)
    }

    private static let named: [String: @Sendable (UInt8) -> Bool] = [
        "alpha": { isLetter($0) }, "digit": { isDigit($0) }, "alnum": { isLetter($0) || isDigit($0) },
        "upper": { (65...90).contains($0) }, "lower": { (97...122).contains($0) },
        "space": { $0 == 32 || (9...13).contains($0) }, "blank": { $0 == 32 || $0 == 9 },
        "cntrl": { $0 < 32 || $0 == 127 }, "print": { (32...126).contains($0) }, "graph": { (33...126).contains($0) },
        "punct": { (33...126).contains($0) && !isLetter($0) && !isDigit($0) },
        "xdigit": { isDigit($0) || (65...70).contains($0) || (97...102).contains($0) },
    ]

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}
