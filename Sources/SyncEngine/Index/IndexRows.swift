internal import Foundation
internal import GRDB

/// How values stand in rows. Columns are read by position: by name it costs several times as much.
enum IndexRows {
    /// The columns that ``entry(_:)`` reads, in its order.
    static let entryColumns = """
        id, path, base_inode, base_size, base_modified, base_changed, base_mode, base_etag, base_remote_size, digest, \
        local_inode, local_size, local_modified, local_changed, local_mode, remote_etag, remote_size, racy, differs, \
        digest_part_size
        """

    static func entry(_ row: Row) throws -> Entry {
        Entry(
            id: row[0],
            path: RelativePath(trusted: try bytes(row, 1)),
            base: try base(row),
            local: local(row, from: 10),
            remote: remote(row, etag: 15),
            isRacy: row[17],
            isKnownDifferent: row[18]
        )
    }

    private static func base(_ row: Row) throws -> BaseState? {
        guard let local = local(row, from: 2), let remote = remote(row, etag: 7) else { return nil }
        let digest = row.hasNull(atIndex: 9) ? nil : ContentDigest(try bytes(row, 9), partSize: row[19])
        return BaseState(local: local, remote: remote, digest: digest)
    }

    /// Inode, size, mtime, ctime and mode in five columns from `first`; nil where there is none.
    static func local(_ row: Row, from first: Int) -> LocalState? {
        guard let inode = row[first] as Int64? else { return nil }
        return LocalState(
            inode: UInt64(bitPattern: inode),
            size: row[first + 1],
            modified: UnixTime(nanoseconds: row[first + 2]),
            changed: UnixTime(nanoseconds: row[first + 3]),
            mode: UInt16(truncatingIfNeeded: row[first + 4] as Int64)
        )
    }

    /// ETag and size in two columns.
    static func remote(_ row: Row, etag first: Int) -> RemoteState? {
        guard let etag = row[first] as String? else { return nil }
        return RemoteState(etag: ETag(etag), size: row[first + 1])
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
            side: Side(rawValue: row[1]) ?? .local,
            kind: Problem.Kind(rawValue: row[2]) ?? .refused,
            message: row[3]
        )
        return KnownProblem(problem: problem, since: UnixTime(nanoseconds: row[4]))
    }
}

/// The rows that an observation saw, by id: one bit each.
struct BitSet {
    private var words: [UInt64] = []

    /// - Precondition: `id` is zero or more.
    mutating func insert(_ id: Int64) {
        let word = Int(id >> 6)
        if word >= words.count { words.append(contentsOf: repeatElement(0, count: max(word + 1 - words.count, 1_024))) }
        words[word] |= 1 << UInt64(id & 63)
    }

    func contains(_ id: Int64) -> Bool {
        let word = Int(id >> 6)
        return word < words.count && words[word] & 1 << UInt64(id & 63) != 0
    }
}
