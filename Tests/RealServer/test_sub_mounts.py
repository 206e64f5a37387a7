"""Something is mounted inside the root, and then is not: its empty mount point is no evidence that its files are gone."""

import os

from harness import trees
from harness.case import RealServerCase
from harness.daemon import DaemonCase
from harness.mounts import Mounts

HERE = "another file system is mounted here"
LOST = "another file system was mounted here and is not now"


class SubMounts:
    """Files beside and below `sub`, where `disk` is mounted."""

    def prepare(self, machine):
        self.mounts = Mounts()
        self.addCleanup(self.mounts.close)
        self.here = machine
        self.sub = machine.root / "sub"
        self.disk = machine.place / "disk"
        self.disk.mkdir()
        trees.write_many(machine.root, 12)

    def fill(self, place):
        for name in ("one", "two", "deep/three"):
            trees.write(place, name, f"content of {name}")

    def assert_told(self, run, words):
        self.assertEqual(self.problems(run), {b"sub": "unreadable"}, run)
        self.assertIn(words, run.folder["problems"][0]["message"])


class SubMountTests(RealServerCase, SubMounts):
    def setUp(self):
        super().setUp()
        self.prepare(self.machine(delete=True))

    def assert_unknown(self, words):
        """Run after run; people are told, and nothing is done."""
        before = self.listing()
        for _ in range(2):
            run = self.here.once(expect=3)
            self.assert_counts(run)
            self.assert_told(run, words)
        text = self.here.run("--once", "--quiet", expect=3).err
        self.assertIn("syncd: files: sub: ", text)
        self.assertIn(words, text)
        self.assertEqual(self.listing(), before)

    def bound(self):
        """A part of the same file system is mounted, and in sync."""
        self.fill(self.disk)
        self.mounts.bind(self.disk, self.sub)
        self.assertEqual(os.stat(self.sub).st_dev, os.stat(self.here.root).st_dev)
        self.assert_counts(self.here.once(), uploaded=15)

    def replaced(self):
        """What lay in the directory was moved to another disk, which is mounted there now."""
        self.fill(self.sub)
        self.here.once()
        self.mounts.tmpfs(self.disk)
        self.fill(self.disk)
        trees.remove(self.sub, "")
        self.mounts.bind(self.disk, self.sub)
        self.assertNotEqual(os.stat(self.sub).st_dev, os.stat(self.here.root).st_dev)
        self.assert_unknown(HERE)

    def test_a_bind_mount_that_is_gone_and_comes_back(self):
        self.bound()
        self.mounts.unmount(self.sub)
        self.assertEqual(os.listdir(self.sub), [])
        self.assert_unknown(LOST)
        self.mounts.bind(self.disk, self.sub)
        self.assert_counts(self.here.once())
        trees.remove(self.disk, "one")
        self.assert_counts(self.here.once(), deletedRemote=1)
        self.assert_bucket_equals(self.here.root)

    def test_another_disk_that_is_gone_and_comes_back(self):
        self.replaced()
        self.mounts.unmount(self.sub)
        self.assert_unknown(LOST)
        self.mounts.bind(self.disk, self.sub)
        self.assert_unknown(HERE)

    def test_a_note_in_the_mount_point_is_no_evidence(self):
        trees.write(self.sub, "NOT MOUNTED", "only seen while it is not")
        self.bound()
        self.mounts.unmount(self.sub)
        self.assert_unknown(LOST)
        self.assertNotIn(b"sub/NOT MOUNTED", self.keys())

    def test_files_that_are_back_on_the_root_s_own_disk(self):
        self.replaced()
        self.mounts.unmount(self.sub)
        self.assert_unknown(LOST)
        self.fill(self.sub)
        self.here.once()
        trees.remove(self.sub, "one")
        self.assert_counts(self.here.once(), deletedRemote=1)
        self.assert_bucket_equals(self.here.root)

    def test_a_mount_point_that_is_removed_was_meant_to_go(self):
        self.bound()
        self.mounts.unmount(self.sub)
        self.assert_unknown(LOST)
        self.sub.rmdir()
        self.assert_counts(self.here.once(), deletedRemote=3)
        self.assert_bucket_equals(self.here.root)
        self.sub.mkdir()
        self.assert_idle(self.here)

    def test_a_mount_that_comes_between_two_runs_hides_what_was_there(self):
        self.fill(self.sub)
        self.here.once()
        self.mounts.tmpfs(self.sub)
        self.assert_unknown(HERE)
        self.mounts.unmount(self.sub)
        self.assert_counts(self.here.once())
        self.assert_idle(self.here)


class SubMountDownTests(RealServerCase, SubMounts):
    def test_nothing_is_fetched_to_where_the_mount_would_hide_it(self):
        self.prepare(self.machine(direction="down", delete=True))
        trees.remove(self.here.root, "")
        self.here.root.mkdir()
        for name in (b"file", b"sub/one", b"sub/two"):
            self.s3.put(self.bucket, name, b"content")
        self.mounts.tmpfs(self.disk)
        self.mounts.bind(self.disk, self.sub)
        self.assertIn(HERE, str(self.here.once(expect=3)))
        self.mounts.unmount(self.sub)
        for _ in range(2):
            run = self.here.once(expect=3)
            self.assert_counts(run)
            self.assertIn(LOST, str(run))
        self.assertEqual(os.listdir(self.sub), [])
        self.sub.rmdir()
        self.assert_counts(self.here.once(), downloaded=2)


class SubMountDaemonTests(DaemonCase, SubMounts):
    def setUp(self):
        super().setUp()
        self.prepare(self.up(scanInterval="2s", deleteDelay="1s"))
        self.fill(self.disk)

    def assert_nothing_lost(self):
        """A whole cycle later at the latest all is as it was, and the rest of the folder goes on."""
        trees.write(self.here.root, "lively", "lively", mtime_ns=None)
        self.wait_for_object("lively", "lively", seconds=20)
        self.look_again(self.daemon)
        folder = self.daemon.folder()
        self.assertEqual([problem["path"] for problem in folder["problems"]], ["sub"])
        self.assertIn(LOST, folder["problems"][0]["message"])
        self.assertEqual(folder["pending"]["deletes"], 0)
        self.assertEqual(self.keys(), sorted([*self.before, b"lively"]))

    def test_a_bind_mount_that_is_gone_and_comes_back(self):
        self.mounts.bind(self.disk, self.sub)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        self.before = self.keys()
        self.assertIn(b"sub/one", self.before)
        self.mounts.unmount(self.sub)
        # Its directories are watched still: what happens there says nothing of what is seen below the root.
        trees.write(self.disk, "one", "changed out of sight", mtime_ns=None)
        trees.remove(self.disk, "two")
        self.assert_nothing_lost()
        self.mounts.bind(self.disk, self.sub)
        self.wait_until_in_sync(self.daemon)
        self.wait_for_object("sub/one", "changed out of sight")
        self.wait_until_gone("sub/two")
        self.assert_bucket_equals(self.here.root)

    def test_a_disk_that_goes_when_the_daemon_runs(self):
        self.fill(self.sub)
        self.here.once()
        trees.remove(self.sub, "")
        self.mounts.tmpfs(self.sub)
        self.fill(self.sub)
        self.before = self.keys()
        self.daemon = self.start_daemon(self.here)
        self.assertIn(HERE, self.daemon.folder()["problems"][0]["message"])
        self.mounts.unmount(self.sub)
        self.assert_nothing_lost()
