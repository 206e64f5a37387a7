import COpenSSL
public import SyncEngine
import Synchronization

/// A bucket in memory: MD5 ETags, pages, metadata, and the ways in which services misbehave.
public final class FakeObjectStore: ObjectStore, @unchecked Sendable {
    // @unchecked: the hooks are set by a test before it runs the engine.
    let bucket: Bucket
    private let own = Mutex(Own())
    let clock: ManualClock
    private let trace: Trace?
    /// Called before each put or get with its name.
    public var beforePut: ((_ name: [UInt8]) -> Void)?
    public var beforeGet: ((_ name: [UInt8]) -> Void)?
    /// Called after each request that was not made to fail.
    public var after: ((_ request: String, _ name: [UInt8]) -> Void)?
    /// Called before each request with its class and name; what it throws is the request's error.
    public var before: ((_ request: String, _ name: [UInt8]) throws(StoreError) -> Void)?

    /// Awaited before each request: what somebody else does meanwhile.
    public var meanwhile: ((_ request: String, _ name: [UInt8]) async -> Void)?
    /// Awaited before each answer, which tells what was when it was made, arrives.
    public var underWay: ((_ request: String) async -> Void)?

    /// Whether others have their turn before each request, since several clients are at the bucket.
    public private(set) var isShared = false

    /// How the bucket behaves.
    public struct Behaviour: Sendable {
        public var pageSize = 1_000
        /// Lists directory by directory, as SeaweedFS does: `a/x` before `a-`.
        public var listsByDirectory = false
        /// Says of the name of a directory, be it empty by now, that an object stands there, to who expects none.
        public var keepsDirectories = false
        /// Takes a backslash for a slash.
        public var foldsBackslashes = false
        /// The page of a listing, from 1, that fails.
        public var failingPage: Int?
        public var refusesDeletes = false
        /// The object whose downloads come damaged.
        public var damaged: [UInt8]?
        /// How many reads of an object come damaged before one is whole.
        public var damagedReads: [[UInt8]: Int] = [:]
        /// Every HEAD says that the ETag is no digest.
        public var hidesDigests = false
        /// The ETag is no digest, and another for each object that is written.
        public var makesOpaqueTags = false
        /// States a checksum of each object to who asks for it.
        public var keepsChecksums = false
        /// Looks at the version that a PUT, a DELETE or a Complete expects.
        public var honoursConditions = true
        /// A trial finds nothing out.
        public var hidesCapabilities = false
        /// What this kind of service does with uploads in parts and with ranges.
        public var parts = PartBehaviour()

        public init() {}

        var looksBeforeCompleting: Bool { honoursConditions && !parts.ignoresConditions }
    }

    struct Object {
        var content: [UInt8]
        var modified: UnixTime?
        var mode: UInt16?
        var written: UnixTime
        var etag: ETag
        var noted: ContentDigest?
    }

    struct State {
        var objects: [[UInt8]: Object] = [:] {
            didSet { if behaviour.keepsDirectories { noteDirectories() } }
        }
        /// Directories that have held an object.
        var directories: Set<[UInt8]> = []
        /// Unfinished ones, by id.
        var uploads: [String: Upload] = [:]
        var uploadsBegun = 0
        /// Bytes of parts and objects that came up, and of objects and ranges that went down.
        var bytesUp: Int64 = 0
        var bytesDown: Int64 = 0
        /// Objects that were written so far.
        var writes = 0
        var behaviour = Behaviour()

        private mutating func noteDirectories() {
            for name in objects.keys {
                for slash in name.indices where name[slash] == UInt8(ascii: "/") {
                    directories.insert(Array(name[..<slash]))
                }
            }
        }
    }

    /// What several clients see.
    final class Bucket: Sendable {
        let state = Mutex(State())
    }

    /// What is one client's alone.
    private struct Own {
        var counts: [String: Int64] = [:]
        var reliedOn = Capabilities()
    }

    public init(clock: ManualClock, trace: Trace? = nil) {
        self.clock = clock
        self.trace = trace
        bucket = Bucket()
    }

    /// Another client of the bucket that `other` is at.
    public init(sharing other: FakeObjectStore) {
        clock = other.clock
        trace = other.trace
        bucket = other.bucket
        isShared = true
    }

    // MARK: For tests

    public func configure(_ change: (inout Behaviour) -> Void) { bucket.state.withLock { change(&$0.behaviour) } }

    /// Writes an object as another tool would. `etag` is nil for the MD5; `noted` is a digest in the metadata.
    public func set(
        _ name: [UInt8],
        _ content: [UInt8]?,
        modified: UnixTime? = nil,
        mode: UInt16? = nil,
        etag: String? = nil,
        noted: ContentDigest? = nil
    ) {
        bucket.state.withLock { state in
            state.objects[name] = content.map { content in
                let tag = etag.map { ETag($0) } ?? Self.tag(content, &state)
                return Object(
                    content: content,
                    modified: modified,
                    mode: mode,
                    written: clock.now(),
                    etag: tag,
                    noted: noted
                )
            }
        }
    }

    /// The ETag of what is written now.
    static func tag(_ content: [UInt8], _ state: inout State) -> ETag {
        state.writes += 1
        guard state.behaviour.makesOpaqueTags else { return ETag(digest(content).hexadecimal) }
        return ETag(digest(Array("write \(state.writes)".utf8)).hexadecimal)
    }

    /// Changes an object's bytes and nothing that the store says of it.
    public func rot(_ name: [UInt8], _ content: [UInt8]) { edit { $0.objects[name]?.content = content } }

    public var contents: [[UInt8]: [UInt8]] { edit { $0.objects.mapValues(\.content) } }

    /// Looks at the bucket or changes it as another client would: no hook, no trace.
    func edit<Value: Sendable>(_ body: (inout sending State) -> sending Value) -> Value {
        bucket.state.withLock { body(&$0) }
    }

    public static func digest(_ bytes: [UInt8]) -> ContentDigest {
        var digest = [UInt8](repeating: 0, count: 16)
        EVP_Digest(bytes, bytes.count, &digest, nil, EVP_md5(), nil)
        return ContentDigest(digest)
    }

    // MARK: ObjectStore

    /// A request here is never tried again.
    public var retryCount: Int64 { 0 }

    public var requestCounts: [String: Int64] { own.withLock(\.counts) }

    func perform<Value>(
        _ request: String,
        _ name: [UInt8],
        _ body: (inout State) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        if isShared { await Task.yield() }
        await meanwhile?(request, name)
        trace?.note(request, name)
        try before?(request, name)
        defer { after?(request, name) }
        own.withLock { $0.counts[request, default: 0] += 1 }
        let result: Result<Value, StoreError> = bucket.state.withLock { state in
            do throws(StoreError) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        await underWay?(request)
        return try result.get()
    }

    static func remote(_ object: Object?) -> RemoteState {
        RemoteState(etag: object?.etag ?? ETag(""), size: Int64(object?.content.count ?? 0))
    }

    static func details(_ object: Object, _ behaviour: Behaviour) -> ObjectDetails {
        ObjectDetails(
            state: remote(object),
            modified: object.modified,
            mode: object.mode,
            lastModified: object.written,
            notedDigest: object.noted,
            etagIsOpaque: behaviour.hidesDigests || behaviour.makesOpaqueTags
        )
    }

    func details(of object: Object) -> ObjectDetails { edit { Self.details(object, $0.behaviour) } }

    func existing(_ name: [UInt8], _ state: State) throws(StoreError) -> Object {
        guard let object = state.objects[fold(name, state)] else {
            throw StoreError(code: .notFound, message: "no such key", status: 404)
        }
        return object
    }

    func fold(_ name: [UInt8], _ state: State) -> [UInt8] {
        state.behaviour.foldsBackslashes ? name.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 } : name
    }

    public func head(_ name: [UInt8], asksChecksum: Bool) async throws(StoreError) -> ObjectDetails {
        try await perform("HEAD", name) { state throws(StoreError) in
            let object = try existing(name, state)
            var details = Self.details(object, state.behaviour)
            if asksChecksum, state.behaviour.keepsChecksums { details.checksum = ContentChecksum(of: object.content) }
            return details
        }
    }

    public func get(
        _ name: [UInt8],
        expecting expected: RemoteState,
        into file: any OpenFile
    ) async throws(StoreError) -> (ObjectDetails, ContentDigest) {
        beforeGet?(name)
        let (object, isDamaged) = try await perform("GET", name) { state throws(StoreError) in
            (try existing(name, state), state.behaviour.damaged == name)
        }
        guard Self.remote(object) == expected else {
            throw StoreError(code: .preconditionFailed, message: "another version", status: 412)
        }
        var content = object.content
        if isDamaged, !content.isEmpty { content[0] ^= 1 }
        try Self.write(content, to: file, at: 0)
        edit { $0.bytesDown += Int64(content.count) }
        return (details(of: object), Self.digest(content))
    }

    static func write(_ content: [UInt8], to file: any OpenFile, at offset: Int64) throws(StoreError) {
        do throws(FileSystemError) {
            let result: Result<Void, FileSystemError> = content.withUnsafeBytes { bytes in
                do throws(FileSystemError) {
                    return .success(try file.write(bytes, at: offset))
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        } catch {
            throw StoreError(code: .localFile, message: "writing failed", cause: error)
        }
    }

    public func digest(
        of name: [UInt8],
        range: Range<Int64>?,
        expecting expected: RemoteState
    ) async throws(StoreError) -> ContentDigest {
        beforeGet?(name)
        return try await perform(range == nil ? "GET" : "RANGE", name) { state throws(StoreError) in
            let object = try existing(name, state)
            guard Self.remote(object) == expected else {
                throw StoreError(code: .preconditionFailed, message: "another version", status: 412)
            }
            if range != nil, state.behaviour.parts.ignoresRanges {
                throw StoreError(code: .rangeIgnored, message: "the whole object came")
            }
            let wanted = range.map { Int($0.lowerBound)..<Int($0.upperBound) } ?? object.content.indices
            var content = Array(object.content[wanted])
            if let rest = state.behaviour.damagedReads[name], rest > 0, !content.isEmpty {
                state.behaviour.damagedReads[name] = rest - 1
                content[0] ^= 1
            }
            state.bytesDown += Int64(content.count)
            return Self.digest(content)
        }
    }

    public func put(
        _ name: [UInt8],
        body: UploadBody,
        modified: UnixTime,
        mode: UInt16,
        expecting expected: ObjectExpectation
    ) async throws(StoreError) -> (RemoteState, ContentDigest) {
        beforePut?(name)
        let content = try Self.content(of: body)
        return try await perform("PUT", name) { state throws(StoreError) in
            if state.behaviour.honoursConditions, reliedOn.guardsPuts {
                guard Self.meets(expected, fold(name, state), state) else { throw Self.otherVersion }
            }
            state.bytesUp += Int64(content.count)
            let digest = Self.digest(content)
            let object = Object(
                content: content,
                modified: modified,
                mode: mode,
                written: clock.now(),
                etag: Self.tag(content, &state)
            )
            state.objects[fold(name, state)] = object
            return (Self.remote(object), digest)
        }
    }

    /// Whether what stands at a name is what is expected there.
    static func meets(_ expected: ObjectExpectation, _ name: [UInt8], _ state: State) -> Bool {
        let stands = ObjectExpectation(state.objects[name].map { Self.remote($0) })
        switch expected {
        case .anything: return true
        case .version: return stands == expected
        case .nothing:
            return stands == expected && !(state.behaviour.keepsDirectories && state.directories.contains(name))
        }
    }

    static func content(of body: UploadBody) throws(StoreError) -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .file(let file, let offset, let length):
            do throws(FileSystemError) {
                return try read(file, from: offset, length: length)
            } catch {
                throw StoreError(code: .localFile, message: "reading failed", cause: error)
            }
        }
    }

    private static func read(
        _ file: any OpenFile,
        from offset: Int64,
        length: Int64
    ) throws(FileSystemError) -> [UInt8] {
        var content = [UInt8](repeating: 0, count: Int(length))
        let result: Result<Int, FileSystemError> = content.withUnsafeMutableBytes { buffer in
            do throws(FileSystemError) {
                return .success(try file.read(into: buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        return Array(content.prefix(try result.get()))
    }

    public func probe(_ nonce: [UInt8]) async throws(StoreError) -> Capabilities {
        try await perform("PUT", Array(".syncd/probe-".utf8) + nonce) { state throws(StoreError) in
            var found = Capabilities()
            guard !state.behaviour.hidesCapabilities else { return found }
            for feature in Capabilities.Feature.allCases { found[feature] = .no }
            found[.controlCharacters] = .yes
            if state.behaviour.honoursConditions {
                for feature in [Capabilities.Feature.putIfNoneMatch, .putIfMatch, .deleteIfMatch, .getIfMatch] {
                    found[feature] = .yes
                }
            }
            if state.behaviour.looksBeforeCompleting { found[.completeIfMatch] = .yes }
            found[.backslashes] = state.behaviour.foldsBackslashes ? .no : .yes
            found[.byteOrder] = state.behaviour.listsByDirectory ? .no : .yes
            return found
        }
    }

    public func rely(on capabilities: Capabilities) { own.withLock { $0.reliedOn = capabilities } }

    /// What the engine says may be relied on.
    public var reliedOn: Capabilities { own.withLock(\.reliedOn) }

    static let otherVersion = StoreError(code: .preconditionFailed, message: "another version", status: 412)

    public func delete(_ name: [UInt8], expecting etag: ETag) async throws(StoreError) {
        try await perform("DELETE", name) { state throws(StoreError) in
            guard !state.behaviour.refusesDeletes else {
                throw StoreError(code: .accessDenied, message: "access denied", status: 403)
            }
            guard let object = state.objects[fold(name, state)] else { return }
            guard object.etag == etag || !state.behaviour.honoursConditions else { throw Self.otherVersion }
            state.objects[fold(name, state)] = nil
        }
    }

    public func putMarker(_ name: [UInt8]) async throws(StoreError) {
        try await perform("PUT", name) { state throws(StoreError) in
            state.objects[fold(name, state)] = Object(content: [], written: clock.now(), etag: Self.tag([], &state))
        }
    }

    public func delete(_ names: [[UInt8]]) async throws(StoreError) -> [DeleteResult] {
        try await perform("DELETE", names.first ?? []) { state throws(StoreError) in
            names.map { name in
                guard !state.behaviour.refusesDeletes else {
                    return .failed(StoreError(code: .accessDenied, message: "access denied", status: 403))
                }
                state.objects[fold(name, state)] = nil
                return .deleted
            }
        }
    }
}
