public import SyncEngine

/// What services do differently with uploads in parts and with ranges.
public struct PartBehaviour: Sendable {
    /// ListParts and ListMultipartUploads are refused.
    public var refusesListing = false
    public var refusesAbort = false
    /// Lists every part twice, the older one first, as SeaweedFS does with one that was sent twice.
    public var listsOldPartsToo = false
    /// Does not look at what a Complete expects, as Ceph does not.
    public var ignoresConditions = false
    /// Answers a range with the whole object.
    public var ignoresRanges = false
    /// The ETag of an object made of parts says nothing of its content.
    public var opaqueTags = false
    /// It is the MD5 of the whole, as `rclone serve` has it.
    public var plainTags = false

    public init() {}
}

/// Uploads in parts, and ranges.
extension FakeObjectStore {
    struct Part {
        var content: [UInt8]
        var digest: ContentDigest
        var etag: ETag
    }

    struct Upload {
        var name: [UInt8]
        var modified: UnixTime
        var mode: UInt16
        var initiated: UnixTime
        /// All that were sent under a number, the newest last.
        var parts: [Int: [Part]] = [:]
    }

    // MARK: For tests

    /// The names that unfinished uploads are of.
    public var unfinished: [[UInt8]] {
        edit { $0.uploads.values.map(\.name).sorted { $0.lexicographicallyPrecedes($1) } }
    }
    /// Bytes of parts and objects that came up so far.
    public var bytesUp: Int64 { edit { $0.bytesUp } }
    /// Bytes of objects and ranges that went down so far.
    public var bytesDown: Int64 { edit { $0.bytesDown } }

    /// Begins an upload as another client would. - Returns: its id.
    public func beginForeignUpload(_ name: [UInt8]) -> String {
        edit { state in
            state.begin(Upload(name: name, modified: clock.now(), mode: 0, initiated: clock.now()))
        }
    }

    /// Forgets all unfinished uploads, as a restart of `rclone serve` does.
    public func forgetUploads() { edit { $0.uploads = [:] } }

    // MARK: MultipartStore

    public var stampTime: UnixTime {
        UnixTime(seconds: clock.now().nanoseconds / 1_000_000_000)
    }

    public func createUpload(
        _ name: [UInt8],
        modified: UnixTime,
        mode: UInt16
    ) async throws(StoreError) -> (id: String, mayHaveTwin: Bool) {
        try await perform("CREATE", name) { state throws(StoreError) in
            (state.begin(Upload(name: name, modified: modified, mode: mode, initiated: clock.now())), false)
        }
    }

    public func putPart(
        _ name: [UInt8],
        upload: String,
        number: Int,
        body: UploadBody
    ) async throws(StoreError) -> UploadedPart {
        beforePut?(name)
        let content = try Self.content(of: body)
        return try await perform("PART", name) { state throws(StoreError) in
            _ = try state.upload(upload, of: name)
            let digest = Self.digest(content)
            let etag = ETag(state.behaviour.parts.opaqueTags ? "part-\(number)" : digest.hexadecimal)
            let part = Part(content: content, digest: digest, etag: etag)
            state.uploads[upload]?.parts[number, default: []].append(part)
            state.bytesUp += Int64(content.count)
            return UploadedPart(number: number, etag: etag, digest: digest)
        }
    }

    public func parts(_ name: [UInt8], upload: String) async throws(StoreError) -> [StoredPart] {
        try await perform("PARTS", name) { state throws(StoreError) in
            guard !state.behaviour.parts.refusesListing else { throw Self.denied }
            let parts = try state.upload(upload, of: name).parts.sorted { $0.key < $1.key }
            return parts.flatMap { number, sent in
                sent.suffix(state.behaviour.parts.listsOldPartsToo ? 2 : 1).map { part in
                    StoredPart(number: number, etag: part.etag, size: Int64(part.content.count))
                }
            }
        }
    }

    public func completeUpload(
        _ name: [UInt8],
        upload: String,
        parts: [UploadedPart],
        expecting expected: ObjectExpectation
    ) async throws(StoreError) -> ETag? {
        try await perform("COMPLETE", name) { state throws(StoreError) in
            let held = try state.upload(upload, of: name)
            if state.behaviour.looksBeforeCompleting, reliedOn[.completeIfMatch] == .yes {
                guard Self.meets(expected, fold(name, state), state) else { throw Self.otherVersion }
            }
            var content: [UInt8] = []
            for part in parts {
                guard let own = held.parts[part.number]?.last(where: { $0.etag == part.etag })
                else {
                    throw StoreError(code: .partsRefused, message: "InvalidPart", status: 400)
                }
                content += own.content
            }
            state.writes += 1
            let etag = Self.tag(content, parts, state.behaviour.parts, number: state.writes)
            state.uploads[upload] = nil
            state.objects[fold(name, state)] = Object(
                content: content,
                modified: held.modified,
                mode: held.mode,
                written: clock.now(),
                etag: etag
            )
            return etag
        }
    }

    private static func tag(
        _ content: [UInt8],
        _ parts: [UploadedPart],
        _ behaviour: PartBehaviour,
        number: Int
    ) -> ETag {
        let digest = digest(parts.flatMap(\.digest.bytes)).hexadecimal
        if behaviour.opaqueTags {
            return ETag("\(FakeObjectStore.digest(Array("\(number)".utf8)).hexadecimal)-\(parts.count)")
        }
        if behaviour.plainTags { return ETag(FakeObjectStore.digest(content).hexadecimal) }
        return ETag("\(digest)-\(parts.count)")
    }

    public func abortUpload(_ name: [UInt8], upload: String) async throws(StoreError) {
        try await perform("ABORT", name) { state throws(StoreError) in
            guard !state.behaviour.parts.refusesAbort else { throw Self.denied }
            _ = try state.upload(upload, of: name)
            state.uploads[upload] = nil
        }
    }

    public func uploads(of name: [UInt8]) async throws(StoreError) -> [StoreUpload] {
        try await perform("UPLOADS", name) { state throws(StoreError) in
            guard !state.behaviour.parts.refusesListing else { throw Self.denied }
            return state.uploads.filter { $0.value.name == name }.sorted { $0.key < $1.key }.map { id, upload in
                StoreUpload(id: id, initiated: upload.initiated)
            }
        }
    }

    public func get(
        _ name: [UInt8],
        range: Range<Int64>,
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        beforeGet?(name)
        let (object, behaviour) = try await perform("RANGE", name) { state throws(StoreError) in
            (try existing(name, state), state.behaviour)
        }
        guard Self.remote(object) == expected else {
            throw StoreError(code: .preconditionFailed, message: "another version", status: 412)
        }
        if behaviour.parts.ignoresRanges { throw StoreError(code: .rangeIgnored, message: "the whole object came") }
        var content = Array(object.content[Int(range.lowerBound)..<Int(range.upperBound)])
        if behaviour.damaged == name { content[0] ^= 1 }
        try Self.write(content, to: file, at: range.lowerBound)
        edit { $0.bytesDown += Int64(content.count) }
        return (details(of: object), Self.digest(content))
    }

    private static var denied: StoreError { StoreError(code: .accessDenied, message: "access denied", status: 403) }
}

extension FakeObjectStore.State {
    fileprivate mutating func begin(_ upload: FakeObjectStore.Upload) -> String {
        uploadsBegun += 1
        uploads["upload-\(uploadsBegun)"] = upload
        return "upload-\(uploadsBegun)"
    }

    fileprivate func upload(_ id: String, of name: [UInt8]) throws(StoreError) -> FakeObjectStore.Upload {
        guard let upload = uploads[id], upload.name == name else {
            throw StoreError(code: .uploadGone, message: "no such upload", status: 404)
        }
        return upload
    }
}
