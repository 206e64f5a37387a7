/// Ways in which a document can be wrong that a reader must not fall for.
public enum HostileXML: String, CaseIterable, Sendable {
    /// A hundred thousand elements within elements.
    case deep
    /// An element with more text than any name has.
    case longText
    case doctype
    /// Entities that are made of entities.
    case laughs
    /// An entity that is a file.
    case externalEntity
    /// A reference to a character that XML does not have.
    case badReference
    /// Such a character itself.
    case badCharacter
    case notUTF8
    case wrongRoot
    case twoRoots
    case html
    case json
    case empty
    /// Complete by its length, and cut before its end.
    case cut

    /// `document` with this wrong about it.
    public func spoiled(_ document: [UInt8]) -> [UInt8] {
        switch self {
        case .deep:
            let depth = 100_000
            return with(String(repeating: "<x>", count: depth) + String(repeating: "</x>", count: depth), in: document)
        case .longText: return with("<Key>\(String(repeating: "k", count: 100_000))</Key>", in: document)
        case .doctype: return declaring("<!DOCTYPE x>", document)
        case .laughs:
            let entities = """
                <!DOCTYPE x [<!ENTITY a "ha ha ha ha ha ha ha ha ha ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
                <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
                <!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">]>
                """
            return declaring(entities, with("<Name>&f;</Name>", in: document))
        case .externalEntity:
            let entity = "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>"
            return declaring(entity, with("<Name>&f;</Name>", in: document))
        case .badReference: return with("<Name>x&#x1;y</Name>", in: document)
        case .badCharacter: return with("<Name>x\u{1}y</Name>", in: document)
        case .notUTF8: return with(Array("<Name>".utf8) + [0xFF, 0xFE] + Array("</Name>".utf8), in: document)
        case .wrongRoot: return Array("<AccessControlPolicy><Owner/></AccessControlPolicy>".utf8)
        case .twoRoots: return document + Array("<Second/>".utf8)
        case .html: return Array("<!doctype html><html><body>It works!</body></html>".utf8)
        case .json: return Array("{\"objects\": []}".utf8)
        case .empty: return []
        case .cut: return Array(document.dropLast(5))
        }
    }

    private func with(_ text: String, in document: [UInt8]) -> [UInt8] { with(Array(text.utf8), in: document) }

    /// At the end of the root, behind all that is as it should be.
    private func with(_ bytes: [UInt8], in document: [UInt8]) -> [UInt8] {
        var answer = FaultAnswer(200, body: document)
        answer.insert(beforeEnd: bytes)
        return answer.body
    }

    private func declaring(_ text: String, _ document: [UInt8]) -> [UInt8] {
        let declaration = FaultXMLWriter.declaration
        let root = document.starts(with: declaration) ? Array(document.dropFirst(declaration.count)) : document
        return declaration + Array(text.utf8) + root
    }
}
