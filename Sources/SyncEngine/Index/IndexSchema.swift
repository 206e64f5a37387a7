internal import GRDB

/// The tables. A migration that was released is never edited: a change is a new one.
enum IndexSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            for statement in [folders, entries, problems, approvals, history] { try database.execute(sql: statement) }
        }
        migrator.registerMigration("2") { database in
            for statement in [partDigests, jobs] { try database.execute(sql: statement) }
        }
        migrator.registerMigration("3") { database in
            try database.execute(sql: attempts)
        }
        migrator.registerMigration("4") { database in
            try database.execute(sql: capabilities)
        }
        migrator.registerMigration("5") { database in
            try database.execute(sql: mountPoints)
        }
        return migrator
    }

    private static let folders = """
        CREATE TABLE counter (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            sequence INTEGER NOT NULL -- the largest number that any row bears
        ) STRICT;
        INSERT INTO counter VALUES (1, 0);

        CREATE TABLE folder (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            pair BLOB NOT NULL, -- what makes it this pair and no other
            policy TEXT NOT NULL, -- what decisions depend on
            root_id TEXT,
            root_file_system INTEGER,
            root_inode INTEGER,
            gate_base_count INTEGER,
            gate_since INTEGER,
            gate_halted INTEGER CHECK (gate_halted IN (0, 1)),
            base_count INTEGER NOT NULL DEFAULT 0,
            base_bytes INTEGER NOT NULL DEFAULT 0,
            CHECK ((root_inode IS NULL) = (root_file_system IS NULL)),
            CHECK ((gate_base_count IS NULL) = (gate_since IS NULL) AND (gate_since IS NULL) = (gate_halted IS NULL))
        ) STRICT;
        """

    /// Times are nanoseconds since 1970, inodes the 64 bits as a signed number.
    private static let entries = """
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY,
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            path BLOB NOT NULL CHECK (length(path) > 0),
            base_inode INTEGER,
            base_size INTEGER,
            base_modified INTEGER,
            base_changed INTEGER,
            base_mode INTEGER,
            base_etag TEXT,
            base_remote_size INTEGER,
            digest BLOB CHECK (length(digest) = 16),
            local_inode INTEGER,
            local_size INTEGER,
            local_modified INTEGER,
            local_changed INTEGER,
            local_mode INTEGER,
            remote_etag TEXT,
            remote_size INTEGER,
            racy INTEGER NOT NULL DEFAULT 0 CHECK (racy IN (0, 1)),
            differs INTEGER NOT NULL DEFAULT 0 CHECK (differs IN (0, 1)),
            attention INTEGER NOT NULL CHECK (attention IN (0, 1)),
            local_touched INTEGER NOT NULL DEFAULT 0,
            remote_touched INTEGER NOT NULL DEFAULT 0,
            UNIQUE (folder, path),
            CHECK ((base_inode IS NULL) = (base_etag IS NULL)),
            CHECK ((base_inode IS NULL) = (base_size IS NULL)),
            CHECK ((local_inode IS NULL) = (local_size IS NULL)),
            CHECK ((remote_etag IS NULL) = (remote_size IS NULL))
        ) STRICT;
        CREATE INDEX entry_attention ON entry (folder, path) WHERE attention = 1;
        """

    private static let partDigests = """
        ALTER TABLE entry ADD COLUMN digest_part_size INTEGER CHECK (digest_part_size > 0); -- NULL: of the whole
        """

    /// Of an entry that failed: how often in a row, and when it is tried again. Of a folder: whether it is to rest.
    private static let attempts = """
        ALTER TABLE folder ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));
        ALTER TABLE entry ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0);
        ALTER TABLE entry ADD COLUMN next_attempt INTEGER;
        """

    /// What the store of a folder was seen to do: a row for each feature that was found out.
    private static let capabilities = """
        ALTER TABLE folder ADD COLUMN capabilities_at INTEGER; -- when it was tried; NULL: never
        CREATE TABLE capability (
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            feature TEXT NOT NULL,
            verdict TEXT NOT NULL,
            PRIMARY KEY (folder, feature)
        ) STRICT, WITHOUT ROWID;
        """

    /// Directories at which something was mounted when they were last seen to hold what they ought to.
    private static let mountPoints = """
        CREATE TABLE mount_point (
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            path BLOB NOT NULL CHECK (length(path) > 0),
            PRIMARY KEY (folder, path)
        ) STRICT, WITHOUT ROWID;
        """

    /// Transfers of many steps. Their rows hang on no entry: when a file has gone, its upload must still be aborted.
    private static let jobs = """
        CREATE TABLE upload_job (
            id INTEGER PRIMARY KEY,
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            path BLOB NOT NULL CHECK (length(path) > 0),
            inode INTEGER NOT NULL,
            size INTEGER NOT NULL CHECK (size > 0),
            modified INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            mode INTEGER NOT NULL,
            part_size INTEGER NOT NULL CHECK (part_size > 0),
            started_at INTEGER NOT NULL, -- by our clock
            stamp INTEGER NOT NULL, -- by the store's
            upload_id TEXT, -- NULL: the store's answer was not saved
            UNIQUE (folder, path)
        ) STRICT;
        CREATE TABLE upload_part (
            job INTEGER NOT NULL REFERENCES upload_job (id) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number >= 1),
            etag TEXT NOT NULL,
            digest BLOB NOT NULL CHECK (length(digest) = 16),
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE download_job (
            id INTEGER PRIMARY KEY,
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            path BLOB NOT NULL CHECK (length(path) > 0),
            etag TEXT NOT NULL,
            size INTEGER NOT NULL CHECK (size > 0),
            part_size INTEGER NOT NULL CHECK (part_size > 0),
            temporary BLOB NOT NULL CHECK (length(temporary) > 0),
            UNIQUE (folder, path)
        ) STRICT;
        CREATE TABLE download_part (
            job INTEGER NOT NULL REFERENCES download_job (id) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number >= 1),
            digest BLOB NOT NULL CHECK (length(digest) = 16),
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;
        """

    private static let problems = """
        CREATE TABLE problem (
            id INTEGER PRIMARY KEY,
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            entry INTEGER UNIQUE REFERENCES entry (id) ON DELETE CASCADE, -- NULL: of a walk or a listing
            path BLOB NOT NULL,
            side TEXT NOT NULL,
            kind TEXT NOT NULL,
            message TEXT NOT NULL,
            since INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX problem_path ON problem (folder, path);
        """

    private static let approvals = """
        CREATE TABLE waiting (
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            path BLOB NOT NULL,
            action TEXT NOT NULL,
            identity TEXT NOT NULL,
            PRIMARY KEY (folder, path, action)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE approval (
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            path BLOB NOT NULL,
            action TEXT NOT NULL,
            identity TEXT NOT NULL,
            expiry INTEGER NOT NULL,
            PRIMARY KEY (folder, path, action)
        ) STRICT, WITHOUT ROWID;
        """

    private static let history = """
        CREATE TABLE deleted (
            id INTEGER PRIMARY KEY,
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            time INTEGER NOT NULL,
            count INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX deleted_time ON deleted (folder, time);

        CREATE TABLE cycle (
            id INTEGER PRIMARY KEY,
            folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
            started_at INTEGER NOT NULL,
            finished_at INTEGER NOT NULL,
            result TEXT NOT NULL,
            uploaded INTEGER NOT NULL,
            downloaded INTEGER NOT NULL,
            deleted_local INTEGER NOT NULL,
            deleted_remote INTEGER NOT NULL,
            bytes_up INTEGER NOT NULL,
            bytes_down INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX cycle_folder ON cycle (folder, id);
        CREATE TABLE cycle_request (
            cycle INTEGER NOT NULL REFERENCES cycle (id) ON DELETE CASCADE,
            class TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (cycle, class)
        ) STRICT, WITHOUT ROWID;
        """
}
