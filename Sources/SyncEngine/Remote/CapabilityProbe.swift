public import S3API

/// Finds out what a service does and what keys may, by writing, reading and deleting a few small objects of its own below
/// `<prefix>.syncd/probe-<random>/`. All of them are deleted at the end, whatever happened.
public struct CapabilityProbe: Sendable {
    private let client: S3Client
    private let bucket: String
    private let stem: [UInt8]

    /// What was found.
    public struct Findings: Hashable, Sendable {
        public var capabilities = Capabilities()
        public var permissions = Permissions()

        public init() {}
    }

    /// An ETag that no object has.
    private static let wrongETag = "\"00000000000000000000000000000000\""
    private static let content = Array("syncd was here".utf8)

    /// `prefix` is empty, or ending in `/`. `nonce` is random.
    public init(client: S3Client, bucket: String, prefix: [UInt8], nonce: [UInt8]) {
        self.client = client
        self.bucket = bucket
        stem = prefix + Array(".syncd/probe-".utf8) + TemporaryName.hexadecimal(nonce) + [UInt8(ascii: "/")]
    }

    /// - Throws: what keeps anything from being found out: no answer, refused keys, no such bucket.
    public func run() async throws(S3Error) -> Findings {
        var found = Findings()
        let key = key("object")
        var etag = ""
        found.permissions[.put] = try await permission { () throws(S3Error) in
            etag = try await client.probe(.put, bucket: bucket, key: key, body: Self.content).etag
        }
        do throws(S3Error) {
            try await probeReading(key, &found.permissions)
        } catch {
            _ = await clean(&found.capabilities)
            throw error
        }
        guard found.permissions[.put] == .yes else { return found }
        await probeDigests(key, &found.capabilities)
        await probeConditions(key, etag, &found.capabilities)
        await probeCopies(key, &found)
        await probeListing(&found.capabilities)
        found.permissions[.delete] = await clean(&found.capabilities)
        return found
    }

    private func key(_ name: String) -> ObjectKey { ObjectKey(stem + Array(name.utf8)) }

    // MARK: One question each

    /// Whether the keys may do it. - Throws: what says nothing of permissions.
    private func permission(_ body: () async throws(S3Error) -> Void) async throws(S3Error) -> Capabilities.Verdict {
        do {
            try await body()
            return .yes
        } catch {
            if error.code == .accessDenied { return .no }
            throw error
        }
    }

    /// Whether the service refuses a request that it should refuse; `codes` are those of a refusal for the right reason.
    private func refuses(
        _ codes: Set<S3Error.Code>,
        _ body: () async throws(S3Error) -> S3Object
    ) async -> Capabilities.Verdict {
        do {
            _ = try await body()
            return .no
        } catch {
            if codes.contains(error.code) { return .yes }
            return error.code == .notImplemented ? .no : .unknown
        }
    }

    private func put(_ key: ObjectKey, _ name: String, _ value: String) async throws(S3Error) -> S3Object {
        try await client.probe(.put, bucket: bucket, key: key, headers: [(name, value)], body: Self.content)
    }

    // MARK: Groups

    private func probeReading(_ key: ObjectKey, _ found: inout Permissions) async throws(S3Error) {
        found[.list] = try await permission { () throws(S3Error) in
            _ = try await client.listObjects(bucket: bucket, ListQuery(prefix: ObjectKey(stem), maxKeys: 1))
        }
        guard found[.put] == .yes else { return }
        found[.get] = try await permission { () throws(S3Error) in
            _ = try await client.getObject(bucket: bucket, key: key, sink: .memory(limit: 1 << 10))
        }
    }

    private func probeDigests(_ key: ObjectKey, _ found: inout Capabilities) async {
        let wrong = [
            (Capabilities.Feature.contentMD5, "content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
            (.crc32c, "x-amz-checksum-crc32c", "AAAAAA=="),
            (.crc64nvme, "x-amz-checksum-crc64nvme", "AAAAAAAAAAA="),
        ]
        for (feature, name, value) in wrong {
            let codes: Set<S3Error.Code> = [.badDigest, .other("InvalidChecksum")]
            found[feature] = await refuses(codes) { () throws(S3Error) in try await put(key, name, value) }
        }
    }

    private func probeConditions(_ key: ObjectKey, _ etag: String, _ found: inout Capabilities) async {
        let failed: Set<S3Error.Code> = [.preconditionFailed]
        found[.putIfNoneMatch] = await refuses(failed) { () throws(S3Error) in
            try await put(key, "if-none-match", "*")
        }
        found[.getIfMatch] = await refuses(failed) { () throws(S3Error) in
            try await client.probe(.get, bucket: bucket, key: key, headers: [("if-match", Self.wrongETag)])
        }
        let refusesOthers = await refuses(failed) { () throws(S3Error) in
            try await put(key, "if-match", Self.wrongETag)
        }
        let takesQuoted = await refuses(failed) { () throws(S3Error) in try await put(key, "if-match", "\"\(etag)\"") }
        let takesBare = await refuses(failed) { () throws(S3Error) in try await put(key, "if-match", etag) }
        found[.putIfMatch] = refusesOthers == .yes ? takesQuoted.reversed : refusesOthers
        found[.putIfMatchUnquoted] = refusesOthers == .yes ? takesBare.reversed : refusesOthers
        found[.deleteIfMatch] = await refuses(failed) { () throws(S3Error) in
            try await client.probe(.delete, bucket: bucket, key: key, headers: [("if-match", Self.wrongETag)])
        }
        // A service that does not look at the condition has deleted it.
        if found[.deleteIfMatch] != .yes {
            _ = try? await client.probe(.put, bucket: bucket, key: key, body: Self.content)
        }
    }

    private func probeCopies(_ key: ObjectKey, _ found: inout Findings) async {
        let source = "/" + S3Client.copySource(bucket: bucket, key: key)
        let copy = self.key("copy")
        found.capabilities[.copyIfMatch] = await refuses([.preconditionFailed]) { () throws(S3Error) in
            let headers = [("x-amz-copy-source", source), ("x-amz-copy-source-if-match", Self.wrongETag)]
            return try await client.probe(.put, bucket: bucket, key: copy, headers: headers.map { ($0.0, $0.1) })
        }
        let part = self.key("part")
        guard let upload = try? await client.createMultipartUpload(bucket: bucket, key: part) else { return }
        let query = [(name: "partNumber", value: "1"), (name: "uploadId", value: upload.id)]
        do {
            let headers = [(name: "x-amz-copy-source", value: source)]
            _ = try await client.probe(.put, bucket: bucket, key: part, query: query, headers: headers)
            let parts = try await client.listParts(bucket: bucket, key: part, uploadID: upload.id)
            // A service that knows no copies takes the empty body for the part.
            found.capabilities[.partCopy] = parts.map(\.size) == [Int64(Self.content.count)] ? .yes : .no
        } catch {
            found.capabilities[.partCopy] = error.code == .notImplemented ? .no : .unknown
        }
        let aborted = try? await permission { () throws(S3Error) in
            try await client.abortMultipartUpload(bucket: bucket, key: part, uploadID: upload.id)
        }
        found.permissions[.abort] = aborted ?? .unknown
    }

    private func probeListing(_ found: inout Capabilities) async {
        let ordered = ["order/a-", "order/a/x", "order/a0"].map(key)
        let backslash = key("fold/back\\slash")
        let empty = key("fold/a//b")
        for key in ordered + [backslash, empty] {
            _ = try? await client.probe(.put, bucket: bucket, key: key, body: Self.content)
        }
        guard let listed = try? await keys() else { return }
        let places = ordered.map { key in listed.firstIndex(of: key) }
        if !places.contains(nil) {
            found[.byteOrder] = places.compactMap { $0 } == places.compactMap { $0 }.sorted() ? .yes : .no
        }
        found[.backslashes] = listed.contains(backslash) ? .yes : .no
        found[.emptySegments] = listed.contains(empty) ? .yes : .no
    }

    /// The keys of all that was written, in the service's order; at most a page of them.
    private func keys() async throws(S3Error) -> [ObjectKey] {
        try await client.listObjects(bucket: bucket, ListQuery(prefix: ObjectKey(stem))).objects.map(\.key)
    }

    /// Deletes all that was written. - Returns: whether that is allowed.
    private func clean(_ found: inout Capabilities) async -> Capabilities.Verdict {
        let known = ["object", "copy", "part", "order/a-", "order/a/x", "order/a0", "fold/back\\slash", "fold/a//b"]
            .map(key)
        let listed = (try? await keys()) ?? []
        let all = known + listed.filter { !known.contains($0) }
        // Where a service knows no batches, the client asks key by key; how it went is in its count.
        let counting = client.counting()
        do throws(S3Error) {
            let outcomes = try await counting.deleteObjects(bucket: bucket, keys: all)
            let isDenied = outcomes.contains { $0.error?.code == .accessDenied }
            found[.batchDelete] = isDenied ? .unknown : counting.requestCounts["DELETE"] == nil ? .yes : .no
            return isDenied ? .no : .yes
        } catch {
            return error.code == .accessDenied ? .no : .unknown
        }
    }
}

extension Capabilities.Verdict {
    /// Of the opposite question.
    fileprivate var reversed: Self {
        switch self {
        case .yes: .no
        case .no: .yes
        case .unknown: .unknown
        }
    }
}
