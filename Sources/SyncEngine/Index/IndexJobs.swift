internal import Foundation
internal import GRDB

/// Transfers of many steps: uploads in parts, downloads in ranges.
extension SQLiteIndex {
    private static let uploadColumns =
        "id, path, part_size, started_at, stamp, upload_id, inode, size, modified, changed, mode"
    private static let downloadColumns = "id, path, etag, size, part_size, temporary"

    // MARK: Uploads

    public func upload(_ folder: Int64, of path: RelativePath) throws -> (job: UploadJob, parts: [UploadedPart])? {
        try read { database in
            let sql = "SELECT \(Self.uploadColumns) FROM upload_job WHERE folder = ? AND path = ?"
            let arguments: StatementArguments = [folder, IndexRows.blob(path.bytes)]
            guard let row = try Row.fetchOne(database, sql: sql, arguments: arguments) else { return nil }
            let job = try Self.uploadJob(row)
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT number, etag, digest FROM upload_part WHERE job = ? ORDER BY number",
                arguments: [job.id]
            )
            var parts: [UploadedPart] = []
            while let row = try rows.next() {
                let digest = ContentDigest(try IndexRows.bytes(row, 2))
                parts.append(UploadedPart(number: row[0], etag: ETag(row[1] as String), digest: digest))
            }
            return (job, parts)
        }
    }

    public func begin(_ folder: Int64, _ job: UploadJob) throws -> UploadJob {
        try write { database in
            let values: [(any DatabaseValueConvertible)?] = [
                folder, IndexRows.blob(job.path.bytes), job.partSize, job.startedAt.nanoseconds, job.stamp.nanoseconds,
                job.uploadID,
            ]
            try database.execute(
                sql: """
                    INSERT INTO upload_job (folder, path, part_size, started_at, stamp, upload_id, inode, size, modified,
                    changed, mode) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: StatementArguments(values + IndexRows.values(job.local))
            )
            var job = job
            job.id = database.lastInsertedRowID
            return job
        }
    }

    public func setUploadID(_ uploadID: String, of job: UploadJob) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE upload_job SET upload_id = ? WHERE id = ?",
                arguments: [uploadID, job.id]
            )
        }
    }

    public func add(_ part: UploadedPart, to job: UploadJob) throws {
        try write { database in
            let sql = "INSERT OR REPLACE INTO upload_part (job, number, etag, digest) VALUES (?, ?, ?, ?)"
            let digest = IndexRows.blob(part.digest.bytes)
            let arguments: StatementArguments = [job.id, part.number, part.etag.value, digest]
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
        }
    }

    public func end(_ job: UploadJob) throws {
        try write { try $0.execute(sql: "DELETE FROM upload_job WHERE id = ?", arguments: [job.id]) }
    }

    public func uploads(_ folder: Int64, after id: Int64, limit: Int) throws -> [UploadJob] {
        try read { database in
            let sql = "SELECT \(Self.uploadColumns) FROM upload_job WHERE folder = ? AND id > ? ORDER BY id LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [folder, id, limit]).map(Self.uploadJob)
        }
    }

    private static func uploadJob(_ row: Row) throws -> UploadJob {
        guard let local = IndexRows.local(row, from: 6) else { throw IndexError(message: "an upload of no file") }
        return UploadJob(
            id: row[0],
            path: RelativePath(trusted: try IndexRows.bytes(row, 1)),
            local: local,
            partSize: row[2],
            startedAt: UnixTime(nanoseconds: row[3]),
            stamp: UnixTime(nanoseconds: row[4]),
            uploadID: row[5]
        )
    }

    // MARK: Downloads

    public func download(
        _ folder: Int64,
        of path: RelativePath
    ) throws -> (job: DownloadJob, parts: [DownloadedPart])? {
        try read { database in
            let sql = "SELECT \(Self.downloadColumns) FROM download_job WHERE folder = ? AND path = ?"
            let arguments: StatementArguments = [folder, IndexRows.blob(path.bytes)]
            guard let row = try Row.fetchOne(database, sql: sql, arguments: arguments) else { return nil }
            let job = try Self.downloadJob(row)
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT number, digest FROM download_part WHERE job = ? ORDER BY number",
                arguments: [job.id]
            )
            var parts: [DownloadedPart] = []
            while let row = try rows.next() {
                parts.append(DownloadedPart(number: row[0], digest: ContentDigest(try IndexRows.bytes(row, 1))))
            }
            return (job, parts)
        }
    }

    public func begin(_ folder: Int64, _ job: DownloadJob) throws -> DownloadJob {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO download_job (folder, path, etag, size, part_size, temporary) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    folder, IndexRows.blob(job.path.bytes), job.remote.etag.value, job.remote.size, job.partSize,
                    IndexRows.blob(job.temporary.bytes),
                ]
            )
            var job = job
            job.id = database.lastInsertedRowID
            return job
        }
    }

    public func add(_ part: DownloadedPart, to job: DownloadJob) throws {
        try write { database in
            let sql = "INSERT OR REPLACE INTO download_part (job, number, digest) VALUES (?, ?, ?)"
            let arguments: StatementArguments = [job.id, part.number, IndexRows.blob(part.digest.bytes)]
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
        }
    }

    public func end(_ job: DownloadJob) throws {
        try write { try $0.execute(sql: "DELETE FROM download_job WHERE id = ?", arguments: [job.id]) }
    }

    public func downloads(_ folder: Int64, after id: Int64, limit: Int) throws -> [DownloadJob] {
        try read { database in
            let sql = "SELECT \(Self.downloadColumns) FROM download_job WHERE folder = ? AND id > ? ORDER BY id LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [folder, id, limit]).map(Self.downloadJob)
        }
    }

    private static func downloadJob(_ row: Row) throws -> DownloadJob {
        DownloadJob(
            id: row[0],
            path: RelativePath(trusted: try IndexRows.bytes(row, 1)),
            remote: RemoteState(etag: ETag(row[2] as String), size: row[3]),
            partSize: row[4],
            temporary: RelativePath(trusted: try IndexRows.bytes(row, 5))
        )
    }
}
