import S3API

/// Writes a note, and lists what lies beside it.
func keepNote(_ text: String, in bucket: String, with client: S3Client) async throws(S3Error) -> [String] {
    let key = ObjectKey("notes/today.txt")
    let written = try await client.putObject(
        bucket: bucket,
        key: key,
        body: .bytes(Array(text.utf8)),
        options: PutOptions(contentType: "text/plain")
    )

    // Only this version, or an error: nobody has replaced it since.
    let answer = try await client.getObject(
        bucket: bucket,
        key: key,
        ifMatch: "\"\(written.etag)\"",
        sink: .memory(limit: 1 << 20)
    )
    precondition(answer.response.body == Array(text.utf8))

    var names: [String] = []
    var query = ListQuery(prefix: ObjectKey("notes/"))
    repeat {
        let page = try await client.listObjects(bucket: bucket, query)
        names += page.objects.map { "\($0.key): \($0.size) bytes" }
        query.continuation = page.continuation
    } while query.continuation != nil
    return names
}

/// A client of a service beside AWS, with keys that last.
func makeClient(endpoint: String, id: String, secret: String) throws(S3Endpoint.Invalid) -> S3Client {
    S3Client(
        connection: S3Connection(
            credentials: S3Credentials(accessKeyID: id, secretAccessKey: secret),
            region: "us-east-1",
            endpoint: try S3Endpoint(endpoint)
        )
    )
}
