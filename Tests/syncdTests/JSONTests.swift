import Testing
import Text

@testable import syncd

struct JSONTests {
    @Test(arguments: [
        ("", 1, 1, "the file ends where a value was expected"),
        ("{\"a\": 1,\n \"b\": [1, 2", 2, 12, "what begins in line 2 is not closed"),
        ("{\"a\": 1,\n\n", 3, 1, "what begins in line 1 is not closed"),
        ("{\n  \"a\": 1,\n}", 2, 9, "a comma before \"}\""),
        ("[1, 2, ]", 1, 6, "a comma before \"]\""),
        ("{\"a\": tru}", 1, 7, "expected a value, found \"t\""),
        ("{\"a\": 1 \"b\": 2}", 1, 9, "expected \",\" or \"}\""),
        ("{a: 1}", 1, 2, "expected a key in double quotes"),
        ("{'a': 1}", 1, 2, "expected a key in double quotes"),
        ("{\"a\" 1}", 1, 6, "expected \":\" after the key \"a\""),
        ("{\"a\": 1} x", 1, 10, "expected the end of the file"),
        ("{\n // note\n}", 2, 2, "JSON has no comments"),
        ("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", 3, 2, "the key \"a\" stands twice"),
        ("{\"é\": 01}", 1, 7, "a malformed number"),
        ("[1.]", 1, 2, "a malformed number"),
        ("[1e999]", 1, 2, "a number out of range"),
        ("[\"a\nb\"]", 1, 2, "a line break or control character"),
        ("[\"a", 1, 2, "the file ends inside the string"),
        ("[\"\\q\"]", 1, 3, "an escape that JSON does not know"),
        ("[\"\\ud800\"]", 1, 3, "half of a surrogate pair"),
        ("[\"\\u12g4\"]", 1, 3, "four hexadecimal digits"),
    ])
    func `a fault is named with its line and column`(text: String, line: Int, column: Int, message: String) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(Array(text.utf8)) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "none")")
    }

    @Test
    func `bytes that are not UTF-8, and lists without end, are refused`() {
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        let error = #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(deep) }
        #expect(error?.column == JSONParser.maximumDepth + 1)
    }

    @Test
    func `every truncation of a document is refused`() {
        let whole = Array(#"{"a": [1, -2.5e3, true, null], "b\n\u00e9": {"c": "x"}}"#.utf8)
        for length in 0..<whole.count {
            #expect(throws: JSONSyntaxError.self, "\(length) bytes") { try JSONParser.parse(Array(whole[..<length])) }
        }
    }

    @Test
    func `what is written reads the same, in the same order, with slashes as they are`() throws {
        let value = JSONValue.object([
            JSONMember("z", .array([.null, .bool(true), .integer(-9_007_199_254_740_993), .number(2.5)])),
            JSONMember("a", .string("a/b \"q\" \\ \n\r\t\u{1} é 👍🏽 \u{2028}")),
            JSONMember("e", .object([])),
        ])
        let text = String(decoding: value.serialized, as: UTF8.self)
        #expect(text.hasPrefix(#"{"z":[null,true,-9007199254740993,2.5],"a":"a/b \"q\" \\ \n\r\t\u0001 é"#))
        #expect(try JSONParser.parse(value.serialized) == value)
    }

    @Test
    func `escapes and surrogate pairs are read, and a byte order mark is passed over`() throws {
        let text = #"["\u00e9\ud83d\udc4d\/\b\f\n\r\t\"\\"]"#
        let value = try JSONParser.parse([0xEF, 0xBB, 0xBF] + Array(text.utf8))
        #expect(value == .array([.string("é👍/\u{8}\u{C}\n\r\t\"\\")]))
    }

    @Test(arguments: ["", "a", "ab", "abc", "abcd", "\u{0}\u{1}ÿ"])
    func `Base64 comes back as it went`(text: String) {
        let bytes = Array(text.utf8)
        #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }

    @Test
    func `Base64 is that of RFC 4648`() {
        #expect(
            ["", "f", "fo", "foo", "foob"].map { Base64.encode(Array($0.utf8)) } == [
                "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==",
            ]
        )
        #expect(Base64.decode("Zg=") == nil)
        #expect(Base64.decode("Z===") == nil)
        #expect(Base64.decode("Zg!=") == nil)
    }
}
