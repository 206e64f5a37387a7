/// An answer before it is put on the wire.
public struct FaultAnswer: Sendable {
    public var status: Int
    /// All but `Content-Length`, `Date` and `x-amz-request-id`, which are added when it is sent.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(_ status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        (self.status, self.headers, self.body) = (status, headers, body)
    }

    /// The `<Error>` document that S3 sends with `status`; `elements` stand in it beside code and message.
    public static func error(
        _ status: Int,
        _ code: String,
        _ message: String = "so it was told",
        headers: [(name: String, value: String)] = [],
        elements: [(name: String, text: String)] = []
    ) -> FaultAnswer {
        let xml = FaultXMLWriter("Error", namespace: nil) { xml in
            xml.leaf("Code", code)
            xml.leaf("Message", message)
            for element in elements { xml.leaf(element.name, element.text) }
        }
        return FaultAnswer(status, headers: [("Content-Type", "application/xml")] + headers, body: xml.bytes)
    }

    /// A document, with status 200.
    static func document(_ root: String, _ content: (inout FaultXMLWriter) -> Void) -> FaultAnswer {
        let xml = FaultXMLWriter(root, namespace: "http://s3.amazonaws.com/doc/2006-03-01/", content)
        return FaultAnswer(200, headers: [("Content-Type", "application/xml")], body: xml.bytes)
    }

    init(_ objection: SignatureCheck.Objection) {
        self = .error(objection.status, objection.code, objection.message)
    }

    public var isSuccess: Bool { (200..<300).contains(status) }

    /// Replaces the text of every element of that name in the body, as it stands there.
    public mutating func replace(element name: String, with text: String) {
        let parts = String(decoding: body, as: UTF8.self).split(
            separator: "<\(name)>",
            omittingEmptySubsequences: false
        )
        let rest = parts.dropFirst().map { part in
            guard let end = part.firstRange(of: "</\(name)>") else { return "<\(name)>\(part)" }
            return "<\(name)>\(text)\(part[end.lowerBound...])"
        }
        body = Array((parts.prefix(1).map(String.init) + rest).joined().utf8)
    }

    /// Puts `bytes` before the end of the body's root element.
    public mutating func insert(beforeEnd bytes: [UInt8]) {
        let open = Array("</".utf8)
        guard let end = body.indices.last(where: { body[$0...].starts(with: open) }) else { return }
        body.insert(contentsOf: bytes, at: end)
    }

    /// Status line and headers. `length` is what Content-Length says; nil for a chunked body.
    func head(length: Int?, date: String, requestID: String) -> [UInt8] {
        var text = "HTTP/1.1 \(status) Words\r\nDate: \(date)\r\nx-amz-request-id: \(requestID)\r\n"
        text += length.map { "Content-Length: \($0)\r\n" } ?? "Transfer-Encoding: chunked\r\n"
        for header in headers { text += "\(header.name): \(header.value)\r\n" }
        return Array("\(text)\r\n".utf8)
    }
}
