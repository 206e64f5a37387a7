extension S3Client {
    /// What `x-amz-copy-source` names an object by, without a leading `/`.
    public static func copySource(bucket: String, key: ObjectKey) -> String {
        PercentEncoding.encode(bucket.utf8, keepingSlash: false) + "/"
            + PercentEncoding.encode(key.bytes, keepingSlash: true)
    }

    /// Sends a request as it stands: its body bears no digests but those in `headers`. It is there to find out what a service
    /// refuses, and what it takes without a look.
    /// - Returns: what the headers of a success say. - Throws: the refusal.
    public func probe(
        _ method: HTTPRequest.Method,
        bucket: String,
        key: ObjectKey,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) async throws(S3Error) -> S3Object {
        var operation = Operation(
            name: "Probe",
            method: method,
            bucket: bucket,
            key: key,
            query: query.map { ($0.name, Array($0.value.utf8)) },
            headers: headers + (method == .put || method == .get ? customerHeaders : []),
            body: method == .put ? .bytes(body) : .none,
            sink: .memory(limit: HTTPLimits.errorBody)
        )
        if method == .put, signsBodies { operation.bodySHA256 = Digests.hexadecimal(Digests.sha256(body)) }
        return S3Object(try await perform(operation).headers)
    }
}
