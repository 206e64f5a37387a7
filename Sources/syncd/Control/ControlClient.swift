import Glibc
import S3API
import SyncEngine
import Text

/// Asks the process that syncs, if one does.
struct ControlClient: Sendable {
    private let socket: ControlSocket
    private let transport: CurlTransport

    /// Bytes of an answer.
    private static let maximumAnswer = 256 << 20

    /// Nil where there is no state directory that we may enter.
    init?(directory: String) {
        guard let socket = try? ControlSocket(directory: directory) else { return nil }
        self.socket = socket
        transport = CurlTransport(
            options: TransportOptions(connectTimeout: 5, stallTimeout: 600, unixSocket: socket.path)
        )
    }

    /// What is asked for.
    enum Method: Sendable {
        /// To look.
        case get
        /// To have something done.
        case post
    }

    /// What a daemon answered.
    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]

        /// Nil where it is no JSON.
        var json: JSONValue? { try? JSONParser.parse(body) }

        var isGood: Bool { status == 200 }

        /// Why it refused.
        var refusal: String { json?["error"]?.text ?? "the running syncd answered \(status)" }
    }

    /// Every byte but letters and digits as `%XX`.
    private static func escape(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            if isPlain { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count == 1 ? "%0\(digits)" : "%\(digits)"
        }.joined()
    }

    /// Nil where nobody answers.
    func ask(
        _ method: Method,
        _ path: String,
        _ query: [(String, String)] = []
    ) async -> Answer? {
        let pairs = query.map { name, value in "\(name)=\(Self.escape(value))" }
        let request = S3API.HTTPRequest(
            method: method == .get ? .get : .post,
            origin: "http://syncd",
            target: pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))",
            headers: [],
            body: .none,
            sink: .memory(limit: Self.maximumAnswer)
        )
        guard let response = try? await transport.send(request) else { return nil }
        return Answer(status: response.status, body: response.body)
    }
}
