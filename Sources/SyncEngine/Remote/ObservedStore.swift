/// A store whose effects an observer is told of: on the bucket, and on the files that objects are fetched into. It changes
/// nothing about them.
public struct ObservedStore: ObjectStore {
    private let base: any ObjectStore
    private let observer: any EffectObserver

    public init(_ base: any ObjectStore, observer: any EffectObserver) {
        self.base = base
        self.observer = observer
    }

    // MARK: Effects

    public func put(
        _ name: [UInt8],
        body: UploadBody,
        modified: UnixTime,
        mode: UInt16
    ) async throws(StoreError) -> (RemoteState, ContentDigest) {
        try await observer.around("put", name) { () async throws(StoreError) in
            try await base.put(name, body: body, modified: modified, mode: mode)
        }
    }

    public func putMarker(_ name: [UInt8]) async throws(StoreError) {
        try await observer.around("putMarker", name) { () async throws(StoreError) in try await base.putMarker(name) }
    }

    public func delete(_ names: [[UInt8]]) async throws(StoreError) -> [DeleteResult] {
        try await observer.around("delete", names.first ?? []) { () async throws(StoreError) in
            try await base.delete(names)
        }
    }

    public func createUpload(
        _ name: [UInt8],
        modified: UnixTime,
        mode: UInt16
    ) async throws(StoreError) -> (id: String, mayHaveTwin: Bool) {
        try await observer.around("createUpload", name) { () async throws(StoreError) in
            try await base.createUpload(name, modified: modified, mode: mode)
        }
    }

    public func putPart(
        _ name: [UInt8],
        upload: String,
        number: Int,
        body: UploadBody
    ) async throws(StoreError) -> UploadedPart {
        try await observer.around("putPart", name) { () async throws(StoreError) in
            try await base.putPart(name, upload: upload, number: number, body: body)
        }
    }

    public func completeUpload(
        _ name: [UInt8],
        upload: String,
        parts: [UploadedPart]
    ) async throws(StoreError) -> ETag? {
        try await observer.around("completeUpload", name) { () async throws(StoreError) in
            try await base.completeUpload(name, upload: upload, parts: parts)
        }
    }

    public func abortUpload(_ name: [UInt8], upload: String) async throws(StoreError) {
        try await observer.around("abortUpload", name) { () async throws(StoreError) in
            try await base.abortUpload(name, upload: upload)
        }
    }

    public func get(
        _ name: [UInt8],
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        try await observer.around("get", name) { () async throws(StoreError) in
            try await base.get(name, expecting: expected, into: file)
        }
    }

    public func get(
        _ name: [UInt8],
        range: Range<Int64>,
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        try await observer.around("getRange", name) { () async throws(StoreError) in
            try await base.get(name, range: range, expecting: expected, into: file)
        }
    }

    // MARK: Looks

    public func list(beginningWith start: [UInt8], continuation: String?) async throws(StoreError) -> ObjectPage {
        try await base.list(beginningWith: start, continuation: continuation)
    }

    public func head(_ name: [UInt8]) async throws(StoreError) -> ObjectDetails { try await base.head(name) }

    public func parts(_ name: [UInt8], upload: String) async throws(StoreError) -> [StoredPart] {
        try await base.parts(name, upload: upload)
    }

    public func uploads(of name: [UInt8]) async throws(StoreError) -> [StoreUpload] {
        try await base.uploads(of: name)
    }

    public var requestCounts: [String: Int64] { base.requestCounts }
    public var stampTime: UnixTime { base.stampTime }
}
