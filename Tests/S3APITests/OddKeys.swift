import Testing

/// A key that some service, library or file system gets wrong, and how a path must spell it.
struct OddKey: Sendable, CustomTestStringConvertible {
    var bytes: [UInt8]
    var encoded: String

    var testDescription: String { encoded }

    init(_ text: String, _ encoded: String) {
        self.init(Array(text.utf8), encoded)
    }

    init(_ bytes: [UInt8], _ encoded: String) {
        self.bytes = bytes
        self.encoded = encoded
    }

    static let all: [OddKey] = [
        OddKey("plain-_.~AZaz09", "plain-_.~AZaz09"),
        OddKey("with space", "with%20space"),
        OddKey("a+b c%20d/e", "a%2Bb%20c%2520d/e"),
        OddKey("100%", "100%25"),
        OddKey("a%41b", "a%2541b"),
        OddKey("a%2Fb", "a%252Fb"),
        OddKey("~user/#1?x=y&z", "~user/%231%3Fx%3Dy%26z"),
        OddKey("it's \"quoted\"", "it%27s%20%22quoted%22"),
        OddKey("!*()[]{}<>|^`", "%21%2A%28%29%5B%5D%7B%7D%3C%3E%7C%5E%60"),
        OddKey(",;:@$=", "%2C%3B%3A%40%24%3D"),
        OddKey("line\nbreak", "line%0Abreak"),
        OddKey("tab\there\rreturn", "tab%09here%0Dreturn"),
        OddKey("\u{1}control\u{7F}", "%01control%7F"),
        OddKey([0x61, 0, 0x62], "a%00b"),
        OddKey("back\\slash", "back%5Cslash"),
        OddKey("\u{E9}", "%C3%A9"),
        OddKey("e\u{301}", "e%CC%81"),
        OddKey("\u{1F600}", "%F0%9F%98%80"),
        OddKey("\u{FFFE}", "%EF%BF%BE"),
        OddKey([0x62, 0xFF, 0xFE], "b%FF%FE"),
        OddKey("a//b", "a//b"),
        OddKey("/x", "/x"),
        OddKey("//x", "//x"),
        OddKey("x//", "x//"),
        OddKey("t/", "t/"),
        OddKey(".", "."),
        OddKey("..", ".."),
        OddKey("./x", "./x"),
        OddKey("../x", "../x"),
        OddKey("a/./b", "a/./b"),
        OddKey("a/../b", "a/../b"),
        OddKey(String(repeating: "k", count: 1_024), String(repeating: "k", count: 1_024)),
    ]
}
