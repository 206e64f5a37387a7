import TestSupport

@testable import S3API

/// A request that is put together by hand, so that each of its parts can be wrong before it is signed, or after.
struct RawRequest {
    var method = HTTPRequest.Method.put
    /// Percent-encoded.
    var path = "/bucket/k"
    /// Percent-encoded.
    var query: [(name: String, value: String)] = []
    /// Beside those that every signed request has.
    var headers: [(name: String, value: String)] = []
    var body = Array("abc".utf8)
    var accessKeyID = exampleCredentials.accessKeyID
    var secret = exampleCredentials.secretAccessKey
    var region = "us-east-1"
    /// When it is signed; what the day of the scope is, if it is another.
    var time = "20130524T000000Z"
    var day: String?
    /// Nil for the true one.
    var payloadHash: String?

    func signed(for server: FaultServer) -> HTTPRequest {
        let hash = payloadHash ?? Digests.hexadecimal(Digests.sha256(body))
        let day = day ?? String(time.prefix(8))
        var headers = headers
        headers.append(("host", String(server.origin.dropFirst("http://".count))))
        headers.append(("x-amz-content-sha256", hash))
        headers.append(("x-amz-date", time))
        let signer = SigV4(
            accessKeyID: accessKeyID,
            region: region,
            signingKey: SigV4.signingKey(secret: secret, day: day, region: region)
        )
        let request = SigV4.Request(
            method: method.rawValue,
            path: path,
            query: query,
            headers: headers,
            payloadHash: hash
        )
        // The signer takes the day of the scope from the time.
        let authorization = signer.authorization(request, time: "\(day)\(time.dropFirst(8))")
        let suffix = query.isEmpty ? "" : "?" + SigV4.canonicalQuery(query)
        return HTTPRequest(
            method: method,
            origin: server.origin,
            target: path + suffix,
            headers: headers + [("authorization", authorization)],
            body: body.isEmpty ? .none : .bytes(body),
            sink: .memory(limit: 1 << 20)
        )
    }

    /// Sends it; `tamper` changes it after it was signed.
    func send(
        to server: FaultServer,
        tamper: (inout HTTPRequest) -> Void = { _ in }
    ) async throws -> (status: Int, code: String?, body: String) {
        var request = signed(for: server)
        tamper(&request)
        let response = try await CurlTransport().send(request)
        let text = String(decoding: response.body, as: UTF8.self)
        return (response.status, S3Answers.error(response.body)?.code, text)
    }
}
