extension S3Client {
    /// One operation, before it is signed.
    struct Operation: Sendable {
        /// By S3's name: `PutObject`.
        var name: String
        var method: HTTPRequest.Method
        var bucket: String?
        var key: ObjectKey?
        /// Unencoded names; values as bytes.
        var query: [(name: String, value: [UInt8])] = []
        var headers: [(name: String, value: String)] = []
        var body: RequestBody = .none
        /// Lower-case hexadecimal; nil where the body is not hashed, which only TLS allows.
        var bodySHA256: String?
        var sink: ResponseSink = .memory(limit: HTTPLimits.errorBody)
        /// Seconds without a byte after which there is no hope; nil for the transport's own.
        var stallTimeout: Int?
        /// Whether it must be known how often it was sent.
        var needsNewConnection = false

        /// The class that it is counted in.
        var countedAs: String { name.hasPrefix("List") ? "LIST" : method.rawValue }

        /// Bytes of the body that matters, whichever way it goes; 0 for answers that stay in memory.
        private var bytes: Int64 {
            switch sink {
            case .descriptor(_, _, let limit), .discard(let limit): max(limit, body.length)
            case .memory: body.length
            }
        }

        /// Whether it is one that takes long, and must not take all places: parts, ranges, and what is no smaller.
        var isLarge: Bool {
            name == "UploadPart" || headers.contains { $0.name == "range" } || bytes >= Self.largeFrom
        }

        /// What its latency may be compared with.
        var kind: ConcurrencyControl.Kind { ConcurrencyControl.Kind(countedAs, bytes: bytes) }

        private static let largeFrom: Int64 = 16 << 20
    }
}

extension S3Client.Operation {
    static let emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// The operation as it goes onto the wire. `time` is `20130524T000000Z`.
    func request(
        to address: S3Connection.Address,
        _ signer: SigV4,
        sessionToken: String?,
        time: String
    ) -> HTTPRequest {
        let path = path(at: address)
        let query = query.map {
            (
                name: PercentEncoding.encode($0.name.utf8, keepingSlash: false),
                value: PercentEncoding.encode($0.value, keepingSlash: false)
            )
        }
        let hash = bodySHA256 ?? (body.length == 0 ? Self.emptySHA256 : "UNSIGNED-PAYLOAD")
        var headers = headers
        headers.append(("host", address.authority))
        headers.append(("x-amz-content-sha256", hash))
        headers.append(("x-amz-date", time))
        if let sessionToken { headers.append(("x-amz-security-token", sessionToken)) }
        let canonical = SigV4.Request(
            method: method.rawValue,
            path: path,
            query: query,
            headers: headers,
            payloadHash: hash
        )
        headers.append(("Authorization", signer.authorization(canonical, time: time)))
        let suffix = query.isEmpty ? "" : "?" + SigV4.canonicalQuery(query)
        var request = HTTPRequest(
            method: method,
            origin: address.origin,
            target: path + suffix,
            headers: headers,
            body: body,
            sink: sink,
            stallTimeout: stallTimeout
        )
        request.needsNewConnection = needsNewConnection
        return request
    }

    private func path(at address: S3Connection.Address) -> String {
        var path = address.path
        if let key { path += (path.hasSuffix("/") ? "" : "/") + PercentEncoding.encode(key.bytes, keepingSlash: true) }
        return path.isEmpty ? "/" : path
    }
}

/// Keys that sign a day's requests to one region: four HMACs, which are the same all day.
struct SigningKeys {
    private var credentials: S3Credentials?
    private var keys: [String: [UInt8]] = [:]

    /// Beyond, all are forgotten and made anew.
    private static let maximumCount = 1_000

    /// `day` is `20130524`.
    mutating func key(of credentials: S3Credentials, day: String, region: String) -> [UInt8] {
        if credentials != self.credentials || keys.count >= Self.maximumCount {
            self.credentials = credentials
            keys.removeAll()
        }
        let name = "\(day)/\(region)"
        if let key = keys[name] { return key }
        let key = SigV4.signingKey(secret: credentials.secretAccessKey, day: day, region: region)
        keys[name] = key
        return key
    }
}
