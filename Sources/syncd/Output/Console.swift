import Glibc
import Text

/// Where a command speaks to. Every line comes ready: this only writes. What writes says whether it could.
struct Console: Sendable {
    enum Stream: Sendable {
        case output
        case errors
    }

    /// True if lines may be rewritten: standard output is a terminal that can move its cursor.
    var isTerminal: Bool
    /// True if colour may be used, for what is said in words as well.
    var usesColour: Bool
    /// Columns.
    var width: Int
    private let send: @Sendable (Stream, [UInt8]) -> Bool

    init(
        isTerminal: Bool,
        usesColour: Bool,
        width: Int,
        send: @escaping @Sendable (Stream, [UInt8]) -> Bool
    ) {
        self.isTerminal = isTerminal
        self.usesColour = usesColour
        self.width = width
        self.send = send
    }

    /// This process's own.
    static func standard(_ environment: ProcessEnvironment) -> Console {
        let isTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM"].map { $0 != "dumb" } ?? false
        return Console(
            isTerminal: isTerminal,
            usesColour: isTerminal && environment["NO_COLOR"] == nil,
            width: isTerminal ? max(40, min(terminalWidth() ?? 80, 400)) : 120
        ) { stream, bytes in
            writeAll(stream == .output ? STDOUT_FILENO : STDERR_FILENO, bytes)
        }
    }

    private static func terminalWidth() -> Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    func line(_ text: String) {
        _ = send(.output, Array("\(text)\n".utf8))
    }

    /// Lines that are written at once.
    /// - Returns: false where nobody reads them: whoever has more to say can stop.
    func page(_ lines: [String]) -> Bool {
        send(.output, Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// As it is: with its own ends of lines.
    func text(_ text: String) {
        _ = send(.output, Array(text.utf8))
    }

    /// For a screen that is drawn anew.
    func clearScreen() {
        _ = send(.output, Array("\u{1B}[H\u{1B}[2J".utf8))
    }

    /// Says nothing to nobody; for lines that are shown elsewhere.
    static func silent(width: Int) -> Console {
        Console(isTerminal: false, usesColour: false, width: max(40, min(width, 400))) { _, _ in true }
    }

    func lines(_ texts: [String]) {
        for text in texts { line(text) }
    }

    /// A line for standard error: `syncd: …`.
    func complain(_ message: String) {
        _ = send(.errors, Array("syncd: \(printable(message))\n".utf8))
    }

    /// Shows `text` in place of the line shown so before, on a terminal only. Other lines follow a ``clearLine()``.
    func replaceLine(_ text: String) {
        guard isTerminal else { return }
        _ = send(.output, Array("\r\u{1B}[K\(text)".utf8))
    }

    /// Takes away what ``replaceLine(_:)`` showed.
    func clearLine() {
        replaceLine("")
    }

    /// One JSON value in one line.
    func json(_ value: JSONValue) {
        _ = send(.output, value.serialized + [0x0A])
    }

    /// The word in the colour of its kind, where colour is used.
    func colour(_ word: String, _ tone: Tone) -> String {
        usesColour ? "\u{1B}[\(tone.rawValue)m\(word)\u{1B}[0m" : word
    }

    enum Tone: Int, Sendable {
        case good = 32
        case careful = 33
        case bad = 31
        case plain = 0
    }
}

/// Writes all bytes, whatever pieces the system takes them in.
/// - Returns: false, with `errno` set, where the rest could not be written.
@discardableResult
func writeAll(_ descriptor: CInt, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}
