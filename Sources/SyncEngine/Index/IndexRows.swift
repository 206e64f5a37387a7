internal import Foundation
internal import GRDB

/// How values stand in rows. Columns are read by position: by name it costs several times as much. What a damaged
/// database can hold and syncd never writes is thrown as ``IndexDamage`` or `RowDecodingError`.
enum IndexRows {
    /// The columns that ``entry(_:)`` reads, in its order.
    static let entryColumns = """
        id, path, base_inode, base_size, base_modified, base_changed, base_mode, base_etag, base_remote_size, digest, \
        local_inode, local_size, local_modified, local_changed, local_mode, remote_etag, remote_size, racy, differs, \
        digest_part_size, local_touched, remote_touched
        """

    static func entry(_ row: Row) throws -> Entry {
        Entry(
            id: try id(row, 0),
            path: try path(row, 1),
            base: try base(row),
            local: try local(row, from: 10),
            remote: try remote(row, etag: 15),
            isRacy: try row.decode(atIndex: 17),
            isKnownDifferent: try row.decode(atIndex: 18),
            localTouched: try row.decode(atIndex: 20),
            remoteTouched: try row.decode(atIndex: 21)
        )
    }

    /// A row's id: 1 or more.
    static func id(_ row: Row, _ position: Int) throws -> Int64 {
        let id: Int64 = try row.decode(atIndex: position)
        guard id > 0 else { throw IndexDamage("an entry has an impossible id") }
        return id
    }

    /// A path goes to system calls and into keys, so it must be one.
    static func path(_ row: Row, _ position: Int) throws -> RelativePath {
        do {
            return try RelativePath(try bytes(row, position))
        } catch is InvalidPath {
            throw IndexDamage("an entry has an impossible path")
        }
    }

    private static func base(_ row: Row) throws -> BaseState? {
        guard let local = try local(row, from: 2), let remote = try remote(row, etag: 7) else { return nil }
        guard !row.hasNull(atIndex: 9) else { return BaseState(local: local, remote: remote, digest: nil) }
        let digest = ContentDigest(try digest(row, 9).bytes, partSize: try partSize(row, 19))
        return BaseState(local: local, remote: remote, digest: digest)
    }

    static func digest(_ row: Row, _ position: Int) throws -> ContentDigest {
        let digest = try bytes(row, position)
        guard digest.count == 16 else { throw IndexDamage("a digest has another length than digests have") }
        return ContentDigest(digest)
    }

    /// Bytes of a part: 1 or more; nil where there is none.
    static func partSize(_ row: Row, _ position: Int) throws -> Int64? {
        guard let size: Int64 = try row.decode(atIndex: position) else { return nil }
        guard size > 0 else { throw IndexDamage("a part of no bytes") }
        return size
    }

    /// Inode, size, mtime, ctime and mode in five columns from `first`; nil where there is none.
    static func local(_ row: Row, from first: Int) throws -> LocalState? {
        guard let inode: Int64 = try row.decode(atIndex: first) else { return nil }
        return LocalState(
            inode: UInt64(bitPattern: inode),
            size: try size(row, first + 1),
            modified: UnixTime(nanoseconds: try row.decode(atIndex: first + 2)),
            changed: UnixTime(nanoseconds: try row.decode(atIndex: first + 3)),
            mode: UInt16(truncatingIfNeeded: try row.decode(Int64.self, atIndex: first + 4))
        )
    }

    /// ETag and size in two columns.
    static func remote(_ row: Row, etag first: Int) throws -> RemoteState? {
        guard let etag: String = try row.decode(atIndex: first) else { return nil }
        return RemoteState(etag: ETag(etag), size: try size(row, first + 1))
    }

    private static func size(_ row: Row, _ position: Int) throws -> Int64 {
        let size: Int64 = try row.decode(atIndex: position)
        guard size >= 0 else { throw IndexDamage("a size is below zero") }
        return size
    }

    /// A number of things, as far as anybody can have so many.
    static func count(_ row: Row, _ position: Int) throws -> Int64 {
        let count: Int64 = try row.decode(atIndex: position)
        guard (0...maximumCount).contains(count) else { throw IndexDamage("a count is impossible") }
        return count
    }

    private static let maximumCount: Int64 = 1 << 40

    /// When something was noted by this machine's clock.
    static func time(_ row: Row, _ position: Int) throws -> UnixTime {
        let nanoseconds: Int64 = try row.decode(atIndex: position)
        // Far enough from both ends for the arithmetic of hours and days.
        guard nanoseconds.magnitude < IndexCheck.maximumNumber.magnitude else {
            throw IndexDamage("a time is impossible")
        }
        return UnixTime(nanoseconds: nanoseconds)
    }

    static func bytes(_ row: Row, _ position: Int) throws -> [UInt8] {
        try row.withUnsafeData(atIndex: position) { data in data.map { [UInt8]($0) } ?? [] }
    }

    static func blob(_ bytes: [UInt8]) -> Data { Data(bytes) }

    static func values(_ state: LocalState?) -> [(any DatabaseValueConvertible)?] {
        guard let state else { return [nil, nil, nil, nil, nil] }
        return [
            Int64(bitPattern: state.inode), state.size, state.modified.nanoseconds, state.changed.nanoseconds,
            Int64(state.mode),
        ]
    }

    static func values(_ state: RemoteState?) -> [(any DatabaseValueConvertible)?] {
        [state?.etag.value, state?.size]
    }

    static func problem(_ row: Row) throws -> KnownProblem {
        let problem = Problem(
            path: try bytes(row, 0),
            side: Side(rawValue: try row.decode(atIndex: 1)) ?? .local,
            kind: Problem.Kind(rawValue: try row.decode(atIndex: 2)) ?? .refused,
            message: try row.decode(atIndex: 3)
        )
        return KnownProblem(problem: problem, since: try time(row, 4))
    }
}
