import TestSupport
import Testing

@testable import S3API

struct XMLReaderTests {
    /// What a document says, as one line for each event.
    private static func events(_ document: [UInt8], piece: Int = XMLReader.piece) throws(XMLReader.Refusal) -> [String]
    {
        var events: [String] = []
        try XMLReader.read(document, roots: [.listBucketResult, .error], piece: piece) { event in
            switch event {
            case .leaf(let tag, let parent, let text): events.append("\(parent)/\(tag)=\(text)")
            case .end(let tag): events.append("end \(tag)")
            }
        }
        return events
    }

    private static func refusal(_ document: [UInt8]) -> XMLReader.Refusal? {
        do {
            _ = try events(document)
            return nil
        } catch {
            return error
        }
    }

    private static func refusal(_ document: String) -> XMLReader.Refusal? { refusal(Array(document.utf8)) }

    private static let page = Array(
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
        <Contents><Key>a&amp;b&#x41;é</Key><ETag>&quot;e&#34;</ETag><Owner><ID>x</ID></Owner></Contents>
        <!-- a comment --><Contents><Key><![CDATA[<c>]]></Key><Size/></Contents>
        </ListBucketResult>
        """.utf8
    )

    @Test func `leaves come with their text and parent, the others with their end`() throws {
        func text(_ string: String) -> String { "\(Array(string.utf8))" }
        let expected = [
            "listBucketResult/name=\(text("b"))", "contents/key=\(text("a&bA\u{E9}"))",
            "contents/etag=\(text("\"e\""))",
            "other/other=[]", "end other", "end contents", "contents/key=\(text("<c>"))", "contents/size=[]",
            "end contents", "end listBucketResult",
        ]
        #expect(try Self.events(Self.page) == expected)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 16, 100, 333])
    func `however a document is divided, it says the same`(piece: Int) throws {
        #expect(try Self.events(Self.page, piece: piece) == Self.events(Self.page))
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `a document with random text says the same in pieces and whole`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = ["a", "&amp;", "&#10;", "\u{1F600}", "e\u{301}", " ", "%2B", "]]&gt;", "&lt;"]
        var document = "<Error>"
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            document += "<Message>\(text.joined())</Message>"
        }
        let bytes = Array("\(document)</Error>".utf8)
        let piece = Int.random(in: 1...40, using: &random)
        #expect(try Self.events(bytes, piece: piece) == Self.events(bytes), "seed \(seed), pieces of \(piece)")
    }

    @Test func `cut short anywhere, a document is refused`() {
        for length in Self.page.indices {
            #expect(Self.refusal(Array(Self.page[..<length])) != nil, "the first \(length) bytes")
        }
    }

    @Test(
        arguments: [
            ("", .malformed), ("   ", .malformed), ("{\"error\": \"no\"}", .malformed), ("gateway timeout", .malformed),
            ("<html><body>502</body></html>", .unexpectedRoot),
            ("<!DOCTYPE html><html></html>", .doctype), ("<!doctype html><html></html>", .malformed),
            ("<AccessControlPolicy/>", .unexpectedRoot),
            ("<Error><Code>x</Error>", .malformed), ("<Error/><Error/>", .malformed), ("<Error/>rest", .malformed),
            ("<Error>&unknown;</Error>", .malformed), ("<Error>\u{1}</Error>", .malformed),
            ("<Error>&#x1;</Error>", .malformed), ("<Error>&#0;</Error>", .malformed), ("<Error a=1/>", .malformed),
        ] as [(String, XMLReader.Refusal)]
    )
    func `what is no whole document of S3 is refused`(document: String, expected: XMLReader.Refusal) {
        #expect(Self.refusal(document) == expected)
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(Self.refusal(Array("<Error><Code>".utf8) + [0xFF, 0xFE] + Array("</Code></Error>".utf8)) == .malformed)
    }

    @Test(
        arguments: [
            """
            <!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">
            <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;">]><Error><Code>&e;</Code></Error>
            """,
            "<!DOCTYPE Error [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Error><Code>&x;</Code></Error>",
            "<!DOCTYPE Error SYSTEM \"http://127.0.0.1:1/x.dtd\"><Error/>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE Error><Error/>",
        ]
    )
    func `a document that declares a type is refused before its entities are read`(document: String) {
        #expect(Self.refusal(document) == .doctype)
    }

    @Test func `so is one in UTF-16`() {
        let text = "\u{FEFF}<!DOCTYPE Error [<!ENTITY a \"lol\">]><Error><Code>&a;</Code></Error>"
        #expect(Self.refusal(text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }) == .doctype)
    }

    @Test func `a key that only looks like a declaration is a key`() throws {
        let document = "<Error><Key><![CDATA[<!DOCTYPE x>]]></Key></Error>"
        #expect(try Self.events(Array(document.utf8)).first == "error/key=\(Array("<!DOCTYPE x>".utf8))")
    }

    @Test func `elements within elements are bounded`() {
        func nested(_ depth: Int) -> String {
            "<Error>" + String(repeating: "<x>", count: depth - 1) + String(repeating: "</x>", count: depth - 1)
                + "</Error>"
        }
        #expect(Self.refusal(nested(XMLReader.maximumDepth)) == nil)
        #expect(Self.refusal(nested(XMLReader.maximumDepth + 1)) == .tooDeep)
        #expect(Self.refusal(nested(100_000)) == .tooDeep)
    }

    @Test func `the text of an element that is read is bounded, that of others is not`() {
        func document(_ tag: String, _ count: Int) -> String {
            "<Error><Code>c</Code><\(tag)>\(String(repeating: "x", count: count))</\(tag)></Error>"
        }
        #expect(Self.refusal(document("Message", XMLReader.maximumText)) == nil)
        #expect(Self.refusal(document("Message", XMLReader.maximumText + 1)) == .textTooLong)
        #expect(Self.refusal(document("CanonicalRequestBytes", 200_000)) == nil)
    }

    @Test func `spaces alone are text`() throws {
        #expect(try Self.events(Array("<Error><Key>   </Key></Error>".utf8)).first == "error/key=[32, 32, 32]")
    }

    @Test func `a page of many megabytes is read`() throws {
        let row = "<Contents><Key>\(String(repeating: "k", count: 1_024))</Key><Size>1</Size></Contents>"
        let document = "<ListBucketResult>\(String(repeating: row, count: 20_000))</ListBucketResult>"
        #expect(document.utf8.count > 20 << 20)
        var keys = 0
        try XMLReader.read(Array(document.utf8), roots: [.listBucketResult]) { event in
            if case .leaf(.key, _, _) = event { keys += 1 }
        }
        #expect(keys == 20_000)
    }
}
