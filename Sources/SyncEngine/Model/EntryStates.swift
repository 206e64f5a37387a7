/// A point in time: nanoseconds since 1970-01-01 00:00 UTC, leap seconds not counted; negative before.
public struct UnixTime: Hashable, Comparable, Sendable {
    /// In Int64 this reaches from 1677 to 2262.
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public init(seconds: Int64, nanoseconds: Int64 = 0) {
        // Saturating: a file system may hold times that 64 bits of nanoseconds cannot.
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = whole.addingReportingOverflow(nanoseconds)
        self.nanoseconds = overflow || carried ? (seconds < 0 ? .min : .max) : sum
    }

    public static func < (left: UnixTime, right: UnixTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// What `stat` says of a regular file: its identity, as far as that can be known without reading it.
///
/// No device number: it changes over reboots. Two equal values mean the same content unless the identity is racy.
public struct LocalState: Hashable, Sendable {
    public var inode: UInt64
    /// In bytes, zero or more.
    public var size: Int64
    /// `st_mtim`, which any user may set.
    public var modified: UnixTime
    /// `st_ctim`, which only the kernel sets: any write moves it.
    public var changed: UnixTime
    /// The permission bits, at most 0o7777.
    public var mode: UInt16

    public init(inode: UInt64, size: Int64, modified: UnixTime, changed: UnixTime, mode: UInt16) {
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
        self.mode = mode
    }
}

/// What a listing says of an object.
public struct RemoteState: Hashable, Sendable {
    public var etag: ETag
    /// In bytes, zero or more.
    public var size: Int64

    public init(etag: ETag, size: Int64) {
        self.etag = etag
        self.size = size
    }
}

/// What both sides held when they last agreed on an entry.
public struct BaseState: Hashable, Sendable {
    public var local: LocalState
    public var remote: RemoteState
    /// The MD5 of the content; nil where it was never read here.
    public var digest: ContentDigest?

    public init(local: LocalState, remote: RemoteState, digest: ContentDigest?) {
        self.local = local
        self.remote = remote
        self.digest = digest
    }
}

/// An entry as it was read. Outcomes name it, so that what was decided on a file as it was is never recorded over what
/// was seen of it since.
public struct EntryVersion: Hashable, Sendable {
    /// The index's row. It may be gone meanwhile, and its number another path's.
    public var id: Int64
    public var path: RelativePath
    /// The number of the observation or outcome that wrote the local side last.
    public var localTouched: Int64
    /// Of the object that was last agreed on; nil without a base.
    public var baseETag: ETag?
    /// The number of the observation or outcome that wrote the remote side last.
    public var remoteTouched: Int64

    public init(id: Int64, path: RelativePath, localTouched: Int64, baseETag: ETag?, remoteTouched: Int64) {
        self.remoteTouched = remoteTouched
        self.id = id
        self.path = path
        self.localTouched = localTouched
        self.baseETag = baseETag
    }
}

/// One path in the index: the three trees side by side. A side that is nil was seen to be absent.
public struct Entry: Hashable, Sendable {
    /// The index's row, which stays the same as long as the entry is known; 0 for a path that it does not know yet.
    public var id: Int64
    public var path: RelativePath
    public var base: BaseState?
    public var local: LocalState?
    public var remote: RemoteState?
    /// True if the base's local identity was taken so soon after a write that a later write may look the same.
    public var isRacy: Bool
    /// True if both sides, as they are here, were compared and hold different bytes.
    public var isKnownDifferent: Bool
    /// The number of the observation or outcome that wrote ``local`` last.
    public var localTouched: Int64
    /// The same of ``remote``.
    public var remoteTouched: Int64

    public init(
        id: Int64,
        path: RelativePath,
        base: BaseState?,
        local: LocalState?,
        remote: RemoteState?,
        isRacy: Bool,
        isKnownDifferent: Bool = false,
        localTouched: Int64 = 0,
        remoteTouched: Int64 = 0
    ) {
        self.remoteTouched = remoteTouched
        self.id = id
        self.path = path
        self.base = base
        self.local = local
        self.remote = remote
        self.isRacy = isRacy
        self.isKnownDifferent = isKnownDifferent
        self.localTouched = localTouched
    }

    /// What outcomes name it by.
    public var version: EntryVersion {
        EntryVersion(
            id: id,
            path: path,
            localTouched: localTouched,
            baseETag: base?.remote.etag,
            remoteTouched: remoteTouched
        )
    }
}
