import Glibc

/// A store whose calls an observer is told of, and may let fail. Fetching an object is an effect, on the file that it
/// goes to.
public struct ObservedStore: ObjectStore {
    private let base: any ObjectStore
    private let observer: any SeamObserver

    public init(_ base: any ObjectStore, observer: any SeamObserver) {
        self.base = base
        self.observer = observer
    }

    private func effect<Value>(
        _ name: String,
        _ subject: [UInt8],
        _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await call(SeamCall(name, subject, isEffect: true), body)
    }

    private func look<Value>(
        _ name: String,
        _ subject: [UInt8],
        _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await call(SeamCall(name, subject, isEffect: false), body)
    }

    private func call<Value>(
        _ call: SeamCall,
        _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await observer.around(call, failed: { StoreError($0) }, body)
    }

    // MARK: Effects

    public func put(
        _ name: [UInt8],
        body: UploadBody,
        modified: UnixTime,
        mode: UInt16,
        expecting expected: ObjectExpectation
    ) async throws(StoreError) -> (RemoteState, ContentDigest) {
        try await effect("put", name) { () async throws(StoreError) in
            try await base.put(name, body: body, modified: modified, mode: mode, expecting: expected)
        }
    }

    public func putMarker(_ name: [UInt8]) async throws(StoreError) {
        try await effect("putMarker", name) { () async throws(StoreError) in try await base.putMarker(name) }
    }

    public func delete(_ name: [UInt8], expecting etag: ETag) async throws(StoreError) {
        try await effect("delete", name) { () async throws(StoreError) in
            try await base.delete(name, expecting: etag)
        }
    }

    public func delete(_ names: [[UInt8]]) async throws(StoreError) -> [DeleteResult] {
        try await effect("delete", names.first ?? []) { () async throws(StoreError) in
            try await base.delete(names)
        }
    }

    public func createUpload(
        _ name: [UInt8],
        modified: UnixTime,
        mode: UInt16
    ) async throws(StoreError) -> (id: String, mayHaveTwin: Bool) {
        try await effect("createUpload", name) { () async throws(StoreError) in
            try await base.createUpload(name, modified: modified, mode: mode)
        }
    }

    public func putPart(
        _ name: [UInt8],
        upload: String,
        number: Int,
        body: UploadBody
    ) async throws(StoreError) -> UploadedPart {
        try await effect("putPart", name) { () async throws(StoreError) in
            try await base.putPart(name, upload: upload, number: number, body: body)
        }
    }

    public func completeUpload(
        _ name: [UInt8],
        upload: String,
        parts: [UploadedPart],
        expecting expected: ObjectExpectation
    ) async throws(StoreError) -> ETag? {
        try await effect("completeUpload", name) { () async throws(StoreError) in
            try await base.completeUpload(name, upload: upload, parts: parts, expecting: expected)
        }
    }

    public func abortUpload(_ name: [UInt8], upload: String) async throws(StoreError) {
        try await effect("abortUpload", name) { () async throws(StoreError) in
            try await base.abortUpload(name, upload: upload)
        }
    }

    public func get(
        _ name: [UInt8],
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        try await effect("get", name) { () async throws(StoreError) in
            try await base.get(name, expecting: expected, into: file)
        }
    }

    public func get(
        _ name: [UInt8],
        range: Range<Int64>,
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        try await effect("getRange", name) { () async throws(StoreError) in
            try await base.get(name, range: range, expecting: expected, into: file)
        }
    }

    // MARK: Looks

    public func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage {
        try await look("list", query.start) { () async throws(StoreError) in try await base.list(query) }
    }

    public var listsInByteOrder: Bool { base.listsInByteOrder }

    public func head(_ name: [UInt8], asksChecksum: Bool) async throws(StoreError) -> ObjectDetails {
        try await look("head", name) { () async throws(StoreError) in
            try await base.head(name, asksChecksum: asksChecksum)
        }
    }

    public func digest(
        of name: [UInt8],
        range: Range<Int64>?,
        expecting expected: RemoteState
    ) async throws(StoreError) -> ContentDigest {
        try await base.digest(of: name, range: range, expecting: expected)
    }

    public func parts(_ name: [UInt8], upload: String) async throws(StoreError) -> [StoredPart] {
        try await look("parts", name) { () async throws(StoreError) in try await base.parts(name, upload: upload) }
    }

    public func uploads(of name: [UInt8]) async throws(StoreError) -> [StoreUpload] {
        try await look("uploads", name) { () async throws(StoreError) in try await base.uploads(of: name) }
    }

    public func probe(_ nonce: [UInt8]) async throws(StoreError) -> Capabilities {
        try await effect("probe", []) { () async throws(StoreError) in try await base.probe(nonce) }
    }

    public func rely(on capabilities: Capabilities) { base.rely(on: capabilities) }

    public var requestCounts: [String: Int64] { base.requestCounts }
    public var retryCount: Int64 { base.retryCount }
    public var worthwhileRequests: Int? { base.worthwhileRequests }
    public var stampTime: UnixTime { base.stampTime }
}

extension StoreError {
    /// A call that was made to fail: ETIMEDOUT is an answer that never came, all else a refusal.
    fileprivate init(_ failure: SeamFailure) {
        self.init(
            code: failure.errno == ETIMEDOUT ? .unreachable : .refused,
            message: "the request was made to fail (errno \(failure.errno))"
        )
    }
}
