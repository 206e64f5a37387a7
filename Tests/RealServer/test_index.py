"""The index lost, of another time or of another version: nothing is sent again, and nothing goes unasked."""

import shutil
import sqlite3

from harness import trees
from harness.indexcase import FILES, IndexCase


class LossTests(IndexCase):
    def test_a_deleted_index_is_built_anew_without_a_transfer(self):
        machine = self.settled()
        (machine.state / "index.db").unlink()
        run = machine.once(expect=4)
        self.assert_counts(run)
        self.assertEqual(run.folder["entries"], FILES)
        self.assertLessEqual(set(run.requests), {"LIST", "HEAD"}, run)
        self.assertIn("1 entry that syncd never wrote", run.folder["halt"]["reason"])
        self.assert_equal_but_for(machine, b"stranger")

    def test_a_state_directory_that_is_gone(self):
        machine = self.settled()
        shutil.rmtree(machine.state)
        self.assert_counts(machine.once(expect=4))
        self.assert_equal_but_for(machine, b"stranger")

    def test_an_index_that_is_deleted_while_a_run_has_it_open(self):
        machine = self.settled()
        self.edit(machine, "new", "new")
        moved = ("PUT", "uploaded") if self.direction == "up" else ("GET", "downloaded")
        fault = self.proxy.fault(moved[0], hold=True)
        running = machine.start_once()
        fault.wait_until_reached()
        for path in machine.state.glob("index*"):
            path.unlink()
        fault.release()
        self.assert_counts(running.wait(expect=4), **{moved[1]: 1})
        self.assert_counts(machine.once(expect=4))
        self.assert_equal_but_for(machine, b"stranger")

    def test_what_was_deleted_meanwhile_waits_for_an_approval(self):
        machine = self.settled()
        self.remove(machine, "file000.txt")
        self.edit(machine, "file001.txt", "edited")
        (machine.state / "index.db").unlink()
        run = machine.once(expect=4)
        moved = "uploaded" if self.direction == "up" else "downloaded"
        self.assert_counts(run, **{moved: 1})
        self.assertIn("2 entries that syncd never wrote", run.folder["halt"]["reason"])
        self.assert_equal_but_for(machine, b"file000.txt", b"stranger")

    def test_a_log_without_its_database_is_kept_and_told(self):
        machine = self.settled()
        self.killed(machine)
        (machine.state / "index.db").unlink()
        run = machine.once(expect=4)
        self.assertEqual(len(run.folder["warnings"]), 1, run)
        self.assertIn("-wal", run.folder["warnings"][0])
        self.assertEqual([name[-7:] for name in self.kept(machine)], [".db-wal"])
        self.assert_equal_but_for(machine, b"stranger")

    def test_a_database_without_its_log(self):
        machine = self.settled()
        self.killed(machine)
        (machine.state / "index.db-wal").unlink()
        machine.once(expect=4)
        self.assert_equal_but_for(machine, b"stranger")
        self.assert_counts(machine.once(expect=4))


class DownLossTests(LossTests):
    direction = "down"


class OldCopyTests(IndexCase):
    def test_a_copy_of_three_cycles_ago_heals_without_a_transfer(self):
        machine = self.settled()
        copy = (machine.state / "index.db").read_bytes()
        for cycle in range(3):
            self.edit(machine, f"file00{cycle}.txt", f"edit {cycle}")
            self.edit(machine, f"new {cycle}", "new")
            self.remove(machine, f"file01{cycle}.txt")
            machine.once(expect=4)
        (machine.state / "index.db").write_bytes(copy)
        run = machine.once(expect=4)
        self.assert_counts(run)
        self.assert_equal_but_for(machine, b"stranger")
        self.assertEqual(set(machine.once(expect=4).requests), {"LIST"})

    def test_deletes_that_it_asks_for_pass_the_gates(self):
        machine = self.settled()
        copy = (machine.state / "index.db").read_bytes()
        for cycle in range(3):
            self.edit(machine, f"new {cycle}", "new")
            machine.once(expect=4)
        for index in range(20):
            self.remove(machine, f"file0{index:02}.txt")
        self.remove(machine, "new 0")
        (machine.state / "index.db").write_bytes(copy)
        run = machine.once(expect=4)
        self.assert_counts(run)
        self.assertIn(f"20 of {FILES} entries", run.folder["halt"]["reason"])
        # What waits is all that was shown: the stranger, too, and what the copy does not know.
        self.assertEqual(machine.approve().document["approved"], 22)


class DownOldCopyTests(OldCopyTests):
    direction = "down"


class VersionTests(IndexCase):
    def test_an_index_of_a_newer_version_is_refused_and_left_alone(self):
        machine = self.settled()
        index = machine.state / "index.db"
        database = sqlite3.connect(index)
        database.execute("INSERT INTO grdb_migrations VALUES ('of a later version')")
        database.commit()
        database.close()
        before = index.read_bytes()
        trees.write(machine.root, "new", "new")
        for command in (["--once"], ["plan"], ["approve", "files"]):
            run = machine.run(*command, expect=1)
            self.assertIn(
                f"syncd: files: {index}: it was written by a newer version of syncd: use that version, or move the file "
                "away" if command != ["plan"] else f"syncd: {index}: it was written by a newer version of syncd",
                run.err,
            )
            self.assertEqual(index.read_bytes(), before)
        self.assertEqual(sorted(path.name for path in machine.state.glob("index*")), ["index.db"])
        self.assertNotIn(b"new", self.keys())
        # As the message says.
        index.rename(machine.place / "moved away")
        self.assert_counts(machine.once(expect=4), uploaded=1)

    def make_older(self, machine):
        """Takes back what the later versions of the schema brought."""
        database = sqlite3.connect(machine.state / "index.db")
        tables = ["upload_part", "upload_job", "download_part", "download_job", "capability", "mount_point"]
        columns = ["entry.digest_part_size", "entry.attempts", "entry.next_attempt", "folder.paused", "folder.capabilities_at"]
        database.executescript(
            "".join(f"DROP TABLE {table};" for table in tables)
            + "".join("ALTER TABLE {} DROP COLUMN {};".format(*column.split(".")) for column in columns)
            + "DELETE FROM grdb_migrations WHERE identifier <> '1';"
        )
        database.close()
        return (machine.state / "index.db").read_bytes()

    def versions(self, file):
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            return [row[0] for row in database.execute("SELECT identifier FROM grdb_migrations ORDER BY 1")]
        finally:
            database.close()

    def test_an_older_index_is_brought_up_to_date_whatever_kills_it(self):
        machine = self.settled()
        index = machine.state / "index.db"
        copy = machine.state / "index.before-upgrade.db"
        current = self.versions(index)
        older = self.make_older(machine)
        # Killed just before the schema changes, just after it, and not at all.
        for crash in (1, 2, None):
            with self.subTest(crash=crash):
                copy.unlink(missing_ok=True)
                for suffix in ("-wal", "-shm"):
                    (machine.state / f"index.db{suffix}").unlink(missing_ok=True)
                index.write_bytes(older)
                if crash:
                    run = machine.run("--once", environment={"SYNCD_CRASH_AT": str(crash)})
                    self.assertEqual(run.code, -9, run)
                    self.assertIn("migrate", run.err)
                run = machine.once(expect=4)
                self.assertEqual(set(run.requests), {"LIST"}, run)
                self.assertEqual(run.folder["entries"], FILES)
                self.assertEqual(run.folder["warnings"], [])
                self.assertEqual(self.versions(index), current)
                self.assertEqual(self.versions(copy), ["1"])
        # The copy is good for the version that it was made for, and for this one.
        index.write_bytes(copy.read_bytes())
        self.assertEqual(set(machine.once(expect=4).requests), {"LIST"})


class OrderlyEndTests(IndexCase):
    def test_a_run_that_was_stopped_leaves_nothing_to_look_at(self):
        machine = self.settled()
        self.edit(machine, "new", "new")
        fault = self.proxy.fault("PUT", hold=True)
        running = machine.start_once()
        fault.wait_until_reached()
        running.terminate()
        fault.release()
        running.wait(expect=4)
        self.assertEqual(sorted(path.name for path in machine.state.glob("index*")), ["index.db"])
