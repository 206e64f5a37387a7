"""`syncd verify`: what it finds on either side, what it leaves alone, and how it answers."""

import os
import sqlite3

from harness import trees
from harness.case import RealServerCase
from harness.disk import NoDisk, RottingDisk

VERIFY_KEYS = [
    "name", "path", "bucket", "prefix", "direction", "startedAt", "finishedAt", "entries", "verified", "differing",
    "notSynced", "unverifiable", "bytesRead", "bytesFetched", "findings", "furtherFindings", "halt", "failure",
    "requests",
]  # fmt: skip


def flip(body):
    return bytes([body[0] ^ 1]) + body[1:]


class VerifyCase(RealServerCase):
    def verify(self, machine, *arguments, expect=0):
        run = machine.run("verify", "--json", *arguments, expect=expect)
        self.assertEqual(list(run.document), ["version", "folders"], run)
        for folder in run.document["folders"]:
            self.assertEqual(list(folder), VERIFY_KEYS, run)
            self.assertEqual(list(folder["requests"]), ["LIST", "GET", "HEAD"], run)
        return run

    def findings(self, run):
        return [(found["kind"], found["path"], found["side"]) for found in run.folder["findings"]]

    def synced(self, direction="up", count=6, **folder):
        """A machine with so many files that are the same on both sides, and old enough to be no longer racy."""
        machine = self.machine(direction=direction, **folder)
        if direction == "up":
            trees.write_many(machine.root, count)
        else:
            for index in range(count):
                self.s3.put(self.bucket, f"file{index:03}.txt", trees.content(100, index))
        machine.once()
        if direction == "down":
            # Files that were fetched a moment ago are read once more.
            machine.once()
        return machine


class VerifyHereTests(VerifyCase):
    def test_all_is_well(self):
        machine = self.synced()
        self.proxy.forget()
        run = self.verify(machine)
        self.assertEqual(self.proxy.counts, {"LIST": 1})
        folder = run.folder
        self.assertEqual((folder["entries"], folder["verified"], folder["bytesRead"]), (6, 6, 600))
        self.assertEqual((folder["findings"], folder["halt"], folder["failure"]), ([], None, None))
        run = self.verify(machine, "files", "--read")
        self.assertEqual((run.folder["bytesFetched"], run.folder["requests"]["GET"]), (600, 6))

    def rot(self, machine, name, rotten):
        """Lets a file rot on a disk of its own; where none can be mounted, changes what the index knows of it, which
        looks the same to syncd."""
        content = trees.read(machine.root, name)
        if self.disk:
            self.disk.rot(content, rotten)
            self.assertEqual(trees.read(machine.root, name), rotten)
            return
        database = sqlite3.connect(machine.state / "index.db")
        changed = database.execute("UPDATE entry SET digest = ? WHERE path = ?", (os.urandom(16), name.encode()))
        self.assertEqual(changed.rowcount, 1)
        database.commit()
        database.close()

    def test_bit_rot(self):
        machine = self.machine()
        try:
            self.disk = RottingDisk(self.place / "disk.img", machine.root)
            self.addCleanup(self.disk.close)
        except NoDisk:
            self.disk = None
        trees.write_many(machine.root, 5, size=5_000)
        machine.once()
        before = os.stat(trees.path_of(machine.root, "file002.txt"))
        self.rot(machine, "file002.txt", flip(trees.read(machine.root, "file002.txt")))
        after = os.stat(trees.path_of(machine.root, "file002.txt"))
        for fact in ("st_ino", "st_size", "st_mtime_ns", "st_ctime_ns", "st_mode"):
            self.assertEqual(getattr(before, fact), getattr(after, fact), fact)
        run = self.verify(machine, expect=3)
        self.assertEqual(self.findings(run), [("rotten", "file002.txt", "local")])
        self.assertEqual((run.folder["verified"], run.folder["differing"]), (4, 1))
        # No cycle can see it, and none uploads it.
        self.assert_idle(machine)
        self.assertEqual(self.verify(machine, expect=3).folder["differing"], 1)

    def test_an_edit_waits_for_the_next_cycle(self):
        machine = self.synced()
        trees.write(machine.root, "file001.txt", "edited", mtime_ns=None)
        run = self.verify(machine)
        self.assertEqual(self.findings(run), [("notSynced", "file001.txt", "local")])
        self.assertEqual((run.folder["verified"], run.folder["notSynced"]), (5, 1))
        self.assertIn("1 not synced yet · all well", machine.run("verify", expect=0).out)
        self.assert_counts(machine.once(), uploaded=1)
        self.assertEqual(self.verify(machine).folder["verified"], 6)

    def test_an_edit_of_a_mirror_is_a_fault(self):
        machine = self.synced("down")
        trees.write(machine.root, "file001.txt", "edited", mtime_ns=None)
        run = self.verify(machine, expect=3)
        self.assertEqual(self.findings(run), [("differing", "file001.txt", "local")])

    def test_a_file_that_is_gone(self):
        machine = self.synced(delete=True)
        trees.remove(machine.root, "file003.txt")
        run = self.verify(machine, expect=3)
        self.assertEqual(self.findings(run), [("missing", "file003.txt", "local")])
        self.assertIn(b"file003.txt", self.keys())

    def test_files_that_may_not_be_read(self):
        machine = self.machine(as_nobody=True)
        trees.write_many(machine.root, 3)
        trees.write(machine.root, "dir/inner", "inner")
        machine.give_root_away()
        machine.once()
        os.chmod(trees.path_of(machine.root, "file001.txt"), 0)
        os.chmod(trees.path_of(machine.root, "dir"), 0)
        run = self.verify(machine, expect=3)
        self.assertEqual(
            self.findings(run), [("unreadable", "dir/inner", "local"), ("unreadable", "file001.txt", "local")]
        )

    def test_names_cannot_steer_the_terminal(self):
        machine = self.synced()
        name = "tab\there \u202e".encode()
        trees.write(machine.root, name, "x")
        machine.once()
        self.s3.delete(self.bucket, name)
        run = machine.run("verify", expect=3)
        self.assertIn(r"tab\there \u{202e}", run.out)
        self.assertEqual(self.findings(self.verify(machine, expect=3)), [("missing", name.decode(), "remote")])


class VerifyBucketTests(VerifyCase):
    def test_objects_that_are_gone_or_replaced(self):
        machine = self.synced()
        self.s3.delete(self.bucket, "file001.txt")
        self.s3.put(self.bucket, "file002.txt", b"from another tool")
        self.s3.put(self.bucket, "file003.txt", trees.read(machine.root, "file003.txt"), {"another": "writer"})
        before = self.s3.list(self.bucket)
        self.proxy.forget()
        run = self.verify(machine, expect=3)
        found = [("missing", "file001.txt", "remote"), ("differing", "file002.txt", "remote")]
        self.assertEqual(self.findings(run), found)
        self.assertEqual(self.proxy.counts, {"LIST": 1, "HEAD": 1})
        run = machine.run("verify", expect=3)
        self.assertRegex(run.out, r"(?m)^- missing +file001.txt +\(bucket\) +it is gone from the bucket; ")
        self.assertRegex(run.out, r"(?m)^~ differs +file002.txt +\(bucket\) +the bucket holds another version .*17 bytes, ETag [0-9a-f]{8}…")
        self.assertRegex(run.out, r"(?m)^files +4 files verified, 600 bytes read here · .* · 2 differ$")
        self.assert_nothing_changed()
        self.assertEqual(self.s3.list(self.bucket), before)
        self.assert_counts(machine.once(), uploaded=2)

    def test_a_new_version_waits_where_the_bucket_leads(self):
        machine = self.synced("down")
        self.s3.put(self.bucket, "file002.txt", b"a new version")
        run = self.verify(machine)
        self.assertEqual(self.findings(run), [("notSynced", "file002.txt", "remote")])
        self.assert_counts(machine.once(), downloaded=1)

    def test_rot_in_the_bucket_is_found_by_reading(self):
        machine = self.machine()
        trees.write_many(machine.root, 3)
        trees.write(machine.root, "large", trees.content(20 << 20))
        machine.once()
        run = self.verify(machine, "--read")
        self.assertEqual((run.folder["verified"], run.folder["bytesFetched"]), (4, 300 + (20 << 20)))
        self.assertEqual(run.folder["requests"]["GET"], 6, "the large one comes in the three parts that it went up in")
        for key in (b"large", b"file001.txt"):
            self.proxy.fault("GET", key=key, alter=flip)
        self.assertEqual(self.verify(machine).folder["verified"], 4)
        run = self.verify(machine, "--read", expect=3)
        self.assertEqual(self.findings(run), [("rotten", "file001.txt", "remote"), ("rotten", "large", "remote")])
        self.assertTrue(run.folder["findings"][0]["message"].endswith("the file here is whole"), run)

    def test_damage_on_the_way_is_no_rot(self):
        machine = self.synced()
        self.proxy.fault("GET", key=b"file001.txt", times=1, alter=flip)
        self.proxy.fault("GET", key=b"file002.txt", times=1, cut_after=10)
        self.assertEqual(self.verify(machine, "--read").folder["verified"], 6)

    def test_a_listing_that_breaks_off_says_nothing(self):
        machine = self.synced()
        self.proxy.page_size = 2
        self.proxy.fault("LIST", first=2, status=500)
        run = self.verify(machine, expect=1)
        self.assertEqual((run.folder["failure"]["kind"], run.folder["findings"]), ("incompleteListing", []))
        self.proxy.heal()
        self.assertEqual(self.verify(machine).folder["requests"]["LIST"], 3)


class VerifyRunTests(VerifyCase):
    def test_exit_codes(self):
        machine = self.synced()
        machine.connection["secretAccessKey"] += "x"
        self.assertEqual(self.verify(machine, expect=77).folder["failure"]["kind"], "credentialsRefused")
        machine.connection["secretAccessKey"] = machine.credentials.secret_key
        self.proxy.fault("LIST", close=True)
        self.assertEqual(self.verify(machine, expect=69).folder["failure"]["kind"], "unreachable")
        self.proxy.heal()
        machine.root.rename(machine.place / "away")
        run = self.verify(machine, expect=4)
        self.assertEqual((run.folder["entries"], run.folder["halt"]["command"]), (0, None))
        machine.root.mkdir()
        self.assertIn("another directory", self.verify(machine, expect=4).folder["halt"]["reason"])
        machine.root.rmdir()
        (machine.place / "away").rename(machine.root)
        self.verify(machine)
        machine.folder["bucket"] = "no-such-bucket-here"
        self.assertEqual(self.verify(machine, expect=1).folder["failure"]["kind"], "neverSynced")
        machine.folder["bucket"] = self.bucket
        self.assertEqual(self.verify(machine).folder["verified"], 6)
        machine.run("verify", "fiels", expect=64)

    def test_what_was_never_synced_is_not_all_well(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        run = machine.run("verify", expect=1)
        self.assertIn("nothing verified", run.out)
        self.assertIn("never synced", run.err)

    def test_one_at_a_time(self):
        machine = self.synced()
        fault = self.proxy.fault("LIST", hold=True)
        machine.write_config()
        running = machine.start("verify", "--json")
        fault.wait_until_reached()
        self.assertIn("another syncd", machine.run("--once", expect=75).err)
        machine.run("verify", expect=75)
        self.proxy.heal()
        running.wait(expect=0)

    def test_a_stop_tells_what_was_found(self):
        machine = self.synced()
        machine.top = {"concurrency": 1}
        fault = self.proxy.fault("GET", key=b"file003.txt", hold=True)
        machine.write_config()
        running = machine.start("verify", "--read", "--json")
        fault.wait_until_reached()
        running.terminate()
        # The stop is under way once it is told of; until then an object is held.
        self.assertIn(b"stopping orderly", running.process.stderr.readline())
        self.proxy.heal()
        folder = running.wait(expect=1).folder
        self.assertEqual((folder["failure"]["kind"], folder["verified"]), ("interrupted", 3))

    def test_nothing_is_written(self):
        machine = self.synced(delete=True)
        for index in range(3):
            trees.remove(machine.root, f"file00{index}.txt")
        self.s3.delete(self.bucket, "file003.txt")
        self.s3.put(self.bucket, "foreign", b"foreign")
        tree = trees.snapshot(machine.root)
        state = {path.name: path.read_bytes() for path in machine.state.glob("status*")}
        self.proxy.forget()
        self.verify(machine, "--read", expect=3)
        self.assert_nothing_changed()
        self.assertEqual(trees.snapshot(machine.root), tree)
        self.assertEqual({path.name: path.read_bytes() for path in machine.state.glob("status*")}, state)
        plan = machine.plan(expect=4)
        actions = [(change["action"], change["path"]) for change in plan.folder["changes"]]
        deletes = [("deleteRemote", f"file00{index}.txt") for index in range(3)]
        self.assertEqual(actions, [*deletes, ("upload", "file003.txt"), ("deleteRemote", "foreign")])
