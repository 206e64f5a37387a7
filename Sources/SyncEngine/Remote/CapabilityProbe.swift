public import S3API

/// Finds out what a service does and what keys may, by writing, reading and deleting a few small objects of its own below
/// `<prefix>.syncd/probe-<random>/`. All of them are deleted at the end, whatever happened; what a kill left of earlier
/// ones is deleted at the beginning.
public struct CapabilityProbe: Sendable {
    private let client: S3Client
    private let bucket: String
    /// What all probes of this prefix begin with.
    private let place: [UInt8]
    private let stem: [UInt8]
    /// What the folder's objects are written with: a bucket's policy may demand it.
    private let options: PutOptions
    /// A copy of an object under the operator's own key would need that key twice.
    private let copies: Bool

    /// What was found.
    public struct Findings: Hashable, Sendable {
        public var capabilities = Capabilities()
        public var permissions = Permissions()

        public init() {}
    }

    /// An ETag that no object has.
    private static let wrongETag = "\"00000000000000000000000000000000\""
    private static let content = Array("syncd was here".utf8)
    /// Seconds after which a probe is of nobody who still works on it.
    private static let abandonedAfter: Int64 = 3_600

    /// `prefix` is empty, or ending in `/`. The probes are written as the folder's own objects are. `nonce` is random.
    public init(
        client: S3Client,
        bucket: String,
        prefix: [UInt8],
        writing: ObjectWriting = ObjectWriting(),
        nonce: [UInt8]
    ) {
        switch writing.encryption {
        case .customer(let key): (self.client, copies) = (client.counting(with: key), false)
        case nil, .managed, .kms: (self.client, copies) = (client, true)
        }
        self.bucket = bucket
        options = writing.options
        place = prefix + Array(".syncd/probe-".utf8)
        stem = place + TemporaryName.hexadecimal(nonce) + [UInt8(ascii: "/")]
    }

    /// - Throws: what keeps anything from being found out: no answer, refused keys, no such bucket.
    public func run() async throws(S3Error) -> Findings {
        var found = Findings()
        let key = key("object")
        var etag = ""
        found.permissions[.put] = try await permission { () throws(S3Error) in etag = try await put(key).etag }
        do throws(S3Error) {
            try await probeReading(key, &found.permissions)
        } catch {
            _ = await clean(&found.capabilities)
            throw error
        }
        guard found.permissions[.put] == .yes else { return found }
        await probeDigests(&found.capabilities)
        await probeConditions(key, etag, &found.capabilities)
        if copies { await probeCopies(key, &found) }
        await probeCompletes(&found.capabilities)
        if copies { await abortAbandoned() }
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
    private func refuses<Answer>(
        _ codes: Set<S3Error.Code>,
        _ body: () async throws(S3Error) -> Answer
    ) async -> Capabilities.Verdict {
        do {
            _ = try await body()
            return .no
        } catch {
            if codes.contains(error.code) { return .yes }
            return error.code == .notImplemented ? .no : .unknown
        }
    }

    private func put(_ key: ObjectKey, _ header: (name: String, value: String)? = nil) async throws(S3Error) -> S3Object
    {
        let all = options.headers + [header].compactMap { $0 }
        return try await client.probe(.put, bucket: bucket, key: key, headers: all, body: Self.content)
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

    /// To an object of their own: the one that was written first keeps its ETag.
    private func probeDigests(_ found: inout Capabilities) async {
        let key = self.key("digest")
        let codes: Set<S3Error.Code> = [.badDigest, .other("InvalidChecksum")]
        found[.contentMD5] = await refuses(codes) { () throws(S3Error) in
            try await put(key, ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="))
        }
        for (feature, algorithm) in [
            (Capabilities.Feature.crc32c, Checksum.Algorithm.crc32c), (.crc64nvme, .crc64nvme),
        ] {
            let wrong = Checksum(algorithm, value: 0)
            let refusesWrong = await refuses(codes) { () throws(S3Error) in
                try await put(key, (algorithm.header, wrong.base64))
            }
            let right = Checksum(algorithm, of: Self.content)
            let takesRight = (try? await put(key, (algorithm.header, right.base64))) != nil
            found[feature] = refusesWrong == .yes && !takesRight ? .no : refusesWrong
        }
    }

    private func probeConditions(_ key: ObjectKey, _ etag: String, _ found: inout Capabilities) async {
        let failed: Set<S3Error.Code> = [.preconditionFailed]
        found[.putIfNoneMatch] = await refuses(failed) { () throws(S3Error) in
            try await put(key, ("if-none-match", "*"))
        }
        found[.getIfMatch] = await refuses(failed) { () throws(S3Error) in
            try await client.probe(.get, bucket: bucket, key: key, headers: [("if-match", Self.wrongETag)])
        }
        let refusesOthers = await refuses(failed) { () throws(S3Error) in
            try await put(key, ("if-match", Self.wrongETag))
        }
        // Under KMS every PUT leaves another ETag.
        var current = etag
        let takesQuoted = await refuses(failed) { () throws(S3Error) in
            let object = try await put(key, ("if-match", "\"\(current)\""))
            current = object.etag
            return object
        }
        let takesBare = await refuses(failed) { () throws(S3Error) in try await put(key, ("if-match", current)) }
        found[.putIfMatch] = refusesOthers == .yes ? takesQuoted.reversed : refusesOthers
        found[.putIfMatchUnquoted] = refusesOthers == .yes ? takesBare.reversed : refusesOthers
        found[.deleteIfMatch] = await refuses(failed) { () throws(S3Error) in
            try await client.probe(.delete, bucket: bucket, key: key, headers: [("if-match", Self.wrongETag)])
        }
        // A service that does not look at the condition has deleted it.
        if found[.deleteIfMatch] != .yes { _ = try? await put(key) }
    }

    private func probeCopies(_ key: ObjectKey, _ found: inout Findings) async {
        let source = "/" + S3Client.copySource(bucket: bucket, key: key)
        let copy = self.key("copy")
        found.capabilities[.copyIfMatch] = await refuses([.preconditionFailed]) { () throws(S3Error) in
            let conditions = [
                (name: "x-amz-copy-source", value: source),
                (name: "x-amz-copy-source-if-match", value: Self.wrongETag),
            ]
            return try await client.probe(.put, bucket: bucket, key: copy, headers: options.headers + conditions)
        }
        let part = self.key("part")
        guard let upload = try? await client.createMultipartUpload(bucket: bucket, key: part, options: options) else {
            return
        }
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

    /// One part, which is completed on one condition after the other, where an object stands: at the end the right one.
    private func probeCompletes(_ found: inout Capabilities) async {
        let key = self.key("whole")
        guard let etag = try? await put(key).etag,
            let upload = try? await client.createMultipartUpload(bucket: bucket, key: key, options: options).id
        else { return }
        var verdict = Capabilities.Verdict.yes
        do throws(S3Error) {
            let body = RequestBody.bytes(Self.content)
            let part = try await client.uploadPart(bucket: bucket, key: key, uploadID: upload, number: 1, body: body)
            for wrong in [CompleteCondition.nothing, .version(Self.wrongETag)] where verdict == .yes {
                verdict = await refuses([.preconditionFailed]) { () throws(S3Error) in
                    try await complete(key, upload, part.etag, wrong)
                }
            }
            if verdict == .yes { try await complete(key, upload, part.etag, .version(found.spelled(etag))) }
        } catch {
            let isRefusal = [.preconditionFailed, .notImplemented, .noSuchUpload, .noSuchKey].contains(error.code)
            verdict = isRefusal ? .no : .unknown
        }
        found[.completeIfMatch] = verdict
        // No object may have come of it.
        if verdict != .yes { try? await client.abortMultipartUpload(bucket: bucket, key: key, uploadID: upload) }
    }

    private func complete(
        _ key: ObjectKey,
        _ upload: String,
        _ part: String,
        _ condition: CompleteCondition
    ) async throws(S3Error) {
        _ = try await client.completeMultipartUpload(
            bucket: bucket,
            key: key,
            uploadID: upload,
            parts: [(1, part)],
            condition: condition
        )
    }

    private static let ordered = ["order/a-", "order/a/x", "order/a0"]
    /// Keys that some services take for others.
    private static let foldable: [(feature: Capabilities.Feature, names: [String])] = [
        (.backslashes, ["fold/back\\slash"]), (.emptySegments, ["fold/a//b"]), (.markers, ["fold/marker/"]),
        (.controlCharacters, ["fold/line\nbreak", "fold/tab\t", "fold/delete\u{7F}"]),
    ]
    private static let names =
        ["object", "digest", "copy", "part", "whole"] + ordered + foldable.flatMap(\.names)

    private func probeListing(_ found: inout Capabilities) async {
        for name in Self.ordered + Self.foldable.flatMap(\.names) { _ = try? await put(key(name)) }
        guard let listed = try? await keys() else { return }
        let places = Self.ordered.map { name in listed.firstIndex(of: key(name)) }
        if !places.contains(nil) {
            found[.byteOrder] = places.compactMap { $0 } == places.compactMap { $0 }.sorted() ? .yes : .no
        }
        for (feature, names) in Self.foldable {
            found[feature] = names.allSatisfy { listed.contains(key($0)) } ? .yes : .no
        }
    }

    /// The keys of all that was written, in the service's order; at most a page of them.
    private func keys() async throws(S3Error) -> [ObjectKey] {
        try await client.listObjects(bucket: bucket, ListQuery(prefix: ObjectKey(stem))).objects.map(\.key)
    }

    /// What a kill left of earlier probes, by its age at the service's own clock; at most a page of it.
    private func abandoned() async -> [ObjectKey] {
        let page = try? await client.listObjects(bucket: bucket, ListQuery(prefix: ObjectKey(place)))
        let limit = client.stampTime.seconds - Self.abandonedAfter
        return (page?.objects ?? []).filter { $0.modified.map { $0.seconds < limit } ?? false }.map(\.key)
    }

    /// The same of uploads in parts, where these may be listed.
    private func abortAbandoned() async {
        let uploads = try? await client.listMultipartUploads(bucket: bucket, prefix: ObjectKey(place))
        let limit = client.stampTime.seconds - Self.abandonedAfter
        for upload in uploads ?? [] where upload.initiated.map({ $0.seconds < limit }) ?? false {
            try? await client.abortMultipartUpload(bucket: bucket, key: upload.key, uploadID: upload.id)
        }
    }

    /// Deletes all that was written. - Returns: whether that is allowed.
    private func clean(_ found: inout Capabilities) async -> Capabilities.Verdict {
        let known = Self.names.map(key)
        let others = ((try? await keys()) ?? []).filter { !known.contains($0) }
        let all = known + others + (await abandoned())
        // Where a service knows no batches, the client asks key by key; how it went is in its count.
        let counting = client.counting()
        do throws(S3Error) {
            let outcomes = try await counting.deleteObjects(bucket: bucket, keys: Array(all.prefix(1_000)))
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
