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
            guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments) else {
                return nil
            }
            let job = try Self.uploadJob(row)
            let rows = try Row.fetchCursor(
                database.cachedStatement(
                    sql: "SELECT number, etag, digest FROM upload_part WHERE job = ? ORDER BY number"
                ),
                arguments: [job.id]
            )
            var parts: [UploadedPart] = []
            while let row = try rows.next() {
                let (number, etag) = (try Self.partNumber(row, 0), ETag(try row.decode(String.self, atIndex: 1)))
                parts.append(UploadedPart(number: number, etag: etag, digest: try IndexRows.digest(row, 2)))
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
            try database.cachedStatement(
                sql: """
                    INSERT INTO upload_job (folder, path, part_size, started_at, stamp, upload_id, inode, size, modified,
                    changed, mode) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(
                arguments: StatementArguments(values + IndexRows.values(job.local))
            )
            var job = job
            job.id = database.lastInsertedRowID
            return job
        }
    }

    public func setUploadID(_ uploadID: String, of job: UploadJob) throws {
        try write { database in
            try database.cachedStatement(sql: "UPDATE upload_job SET upload_id = ? WHERE id = ?").execute(arguments: [
                uploadID, job.id,
            ]
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
        try write { try $0.cachedStatement(sql: "DELETE FROM upload_job WHERE id = ?").execute(arguments: [job.id]) }
    }

    public func uploads(_ folder: Int64, after id: Int64, limit: Int) throws -> [UploadJob] {
        try read { database in
            let sql = "SELECT \(Self.uploadColumns) FROM upload_job WHERE folder = ? AND id > ? ORDER BY id LIMIT ?"
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [folder, id, limit]).map(
                Self.uploadJob
            )
        }
    }

    private static func uploadJob(_ row: Row) throws -> UploadJob {
        guard let local = try IndexRows.local(row, from: 6), let partSize = try IndexRows.partSize(row, 2) else {
            throw IndexDamage("an upload of no file, or in no parts")
        }
        return UploadJob(
            id: try IndexRows.id(row, 0),
            path: try IndexRows.path(row, 1),
            local: local,
            partSize: partSize,
            startedAt: try IndexRows.time(row, 3),
            stamp: try IndexRows.time(row, 4),
            uploadID: try row.decode(atIndex: 5)
        )
    }

    /// Parts count from 1.
    private static func partNumber(_ row: Row, _ position: Int) throws -> Int {
        let number: Int = try row.decode(atIndex: position)
        guard number > 0 else { throw IndexDamage("a part has an impossible number") }
        return number
    }

    // MARK: Downloads

    public func download(
        _ folder: Int64,
        of path: RelativePath
    ) throws -> (job: DownloadJob, parts: [DownloadedPart])? {
        try read { database in
            let sql = "SELECT \(Self.downloadColumns) FROM download_job WHERE folder = ? AND path = ?"
            let arguments: StatementArguments = [folder, IndexRows.blob(path.bytes)]
            guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments) else {
                return nil
            }
            let job = try Self.downloadJob(row)
            let rows = try Row.fetchCursor(
                database.cachedStatement(sql: "SELECT number, digest FROM download_part WHERE job = ? ORDER BY number"),
                arguments: [job.id]
            )
            var parts: [DownloadedPart] = []
            while let row = try rows.next() {
                let digest = try IndexRows.digest(row, 1)
                parts.append(DownloadedPart(number: try Self.partNumber(row, 0), digest: digest))
            }
            return (job, parts)
        }
    }

    public func begin(_ folder: Int64, _ job: DownloadJob) throws -> DownloadJob {
        try write { database in
            try database.cachedStatement(
                sql: """
                    INSERT INTO download_job (folder, path, etag, size, part_size, temporary) VALUES (?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
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
        try write { try $0.cachedStatement(sql: "DELETE FROM download_job WHERE id = ?").execute(arguments: [job.id]) }
    }

    public func downloads(_ folder: Int64, after id: Int64, limit: Int) throws -> [DownloadJob] {
        try read { database in
            let sql = "SELECT \(Self.downloadColumns) FROM download_job WHERE folder = ? AND id > ? ORDER BY id LIMIT ?"
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [folder, id, limit]).map(
                Self.downloadJob
            )
        }
    }

    private static func downloadJob(_ row: Row) throws -> DownloadJob {
        let path = try IndexRows.path(row, 1)
        guard let remote = try IndexRows.remote(row, etag: 2), let partSize = try IndexRows.partSize(row, 4) else {
            throw IndexDamage("a download of no object, or in no parts")
        }
        return DownloadJob(
            id: try IndexRows.id(row, 0),
            path: path,
            remote: remote,
            partSize: partSize,
            temporary: try temporary(row, 5, beside: path)
        )
    }

    /// A file that is written over, and removed when it is of no use: it must be one that only syncd can have made.
    private static func temporary(_ row: Row, _ position: Int, beside path: RelativePath) throws -> RelativePath {
        let temporary = RelativePath(trusted: try IndexRows.bytes(row, position))
        guard TemporaryName.isOne(Array(temporary.name)), temporary.parent == path.parent else {
            throw IndexDamage("a temporary file that syncd cannot have made")
        }
        return temporary
    }
}
