"""`syncd run` and the gates: a root that is unmounted, a bucket that is emptied, deletes in many small steps, as its log,
`status` and both sides show it."""

import os

from harness import trees
from harness.daemon import DaemonCase
from harness.mounts import Mounts

# A folder that a gate stops as a whole is looked at again after that long.
GATE_SECONDS = 30


class DaemonGateCase(DaemonCase):
    def wait_until_halted(self, *words, command="syncd approve files"):
        """Told in one line of the log, however often it is looked at, and by `status`."""
        self.wait_for_state(self.daemon, "halted", seconds=GATE_SECONDS)
        screen = " ".join(self.here.run("status", expect=0).out.split())
        halted = [line for line in self.daemon.log.splitlines() if "halted" in line]
        self.assertEqual(len(halted), 1, self.daemon.log)
        for text in (screen, self.daemon.log):
            for word in [*words, command]:
                self.assertIn(word, text)

    def wait_until_it_goes_on(self):
        took = self.wait_until_in_sync(self.daemon, seconds=GATE_SECONDS + 15)
        self.tell(f"goes on by itself after {took:.1f} s")
        self.assertIsNone(self.daemon.folder()["halt"])

    def fill_bucket(self, count):
        for index in range(count):
            self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))

    def empty_bucket(self):
        for key in self.keys():
            self.s3.delete(self.bucket, key)


class UnmountedRootTests(DaemonGateCase):
    def setUp(self):
        super().setUp()
        self.mounts = Mounts()
        self.addCleanup(self.mounts.close)

    def mounted(self, machine):
        self.here = machine
        self.disk = machine.place / "disk"
        self.disk.mkdir()
        self.mounts.bind(self.disk, machine.root)

    def test_upwards_nothing_is_deleted_and_a_change_is_seen_when_it_is_back(self):
        self.mounted(self.up(scanInterval="2s"))
        trees.write_many(self.here.root, 12)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        before = self.listing()
        # The daemon holds it open, so an ordinary umount is refused.
        with self.assertRaisesRegex(AssertionError, "busy"):
            self.mounts.unmount(self.here.root)
        self.mounts.unmount(self.here.root, lazily=True)
        self.wait_until_halted("it has no id, had ", "Is the disk mounted?")
        trees.write(self.here.root, "astray", "written beneath the missing mount", mtime_ns=None)
        self.look_again(self.daemon)
        self.assertEqual(self.listing(), before)
        (self.here.root / "astray").unlink()
        self.assertEqual(os.listdir(self.here.root), [])
        self.mounts.bind(self.disk, self.here.root)
        trees.write(self.here.root, "later", "later", mtime_ns=None)
        self.wait_until_it_goes_on()
        self.wait_for_object("later", "later")
        trees.write(self.here.root, "watched", "watched", mtime_ns=None)
        self.wait_for_object("watched", "watched")
        self.assert_bucket_equals(self.here.root)

    def test_a_mount_that_is_back_before_anybody_looked(self):
        self.mounted(self.up())
        trees.write_many(self.here.root, 12)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        self.mounts.unmount(self.here.root, lazily=True)
        self.mounts.bind(self.disk, self.here.root)
        trees.write(self.here.root, "new", "new", mtime_ns=None)
        self.wait_for_object("new", "new")
        trees.remove(self.here.root, "file000.txt")
        self.wait_until_gone("file000.txt", seconds=20)
        self.assert_bucket_equals(self.here.root)

    def test_downwards_nothing_is_fetched_into_the_mount_point(self):
        self.mounted(self.machine("down", "down", delete=True, scanInterval="2s", listInterval="2s"))
        self.fill_bucket(12)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        before = trees.snapshot(self.disk)
        self.mounts.unmount(self.here.root, lazily=True)
        self.wait_until_halted("it has no id, had ", "Is the disk mounted?")
        self.s3.put(self.bucket, b"later", b"later")
        self.look_again(self.daemon)
        self.assertEqual(os.listdir(self.here.root), [])
        self.assert_equal_trees(before, trees.snapshot(self.disk), "the disk")
        self.mounts.bind(self.disk, self.here.root)
        self.wait_until_it_goes_on()
        self.wait_for(lambda: trees.exists(self.here.root, "later"), "the object that came meanwhile")
        self.assert_bucket_equals(self.here.root)


class EmptiedBucketTests(DaemonGateCase):
    words = ("The bucket's prefix is empty, and 12 objects were in it", "Is it the right bucket?")

    def test_downwards_nothing_is_deleted(self):
        self.here = self.machine("down", "down", delete=True, scanInterval="1h", listInterval="2s")
        self.fill_bucket(12)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        before = trees.snapshot(self.here.root)
        self.empty_bucket()
        self.wait_until_halted(*self.words)
        self.assert_equal_trees(before, trees.snapshot(self.here.root), "the root")
        self.fill_bucket(12)
        self.wait_until_it_goes_on()
        self.assert_equal_trees(before, trees.snapshot(self.here.root), "the root")

    def test_upwards_nothing_is_sent_again_unasked(self):
        self.here = self.up(listInterval="2s")
        trees.write_many(self.here.root, 12)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        kept = {key: self.s3.get(self.bucket, key) for key in self.keys()}
        self.empty_bucket()
        self.wait_until_halted(*self.words)
        trees.write(self.here.root, "new", "new", mtime_ns=None)
        self.look_again(self.daemon)
        self.assertEqual(self.keys(), [])
        for key, data in kept.items():
            self.s3.put(self.bucket, key, data)
        self.wait_until_it_goes_on()
        self.wait_for_object("new", "new")
        self.assert_bucket_equals(self.here.root)


class SmallStepsTests(DaemonGateCase):
    """Five at a time, each far below the limit: the hour's sum is what counts."""

    words = (
        "5 of 40 entries would be deleted or overwritten, after 20 in the last hour (62 % of 40, and more than 50 %",
        "file020.txt, file021.txt, file022.txt, file023.txt, file024.txt",
    )

    def names(self):
        """Files here, which may be on their way to the trash."""
        return [name for name in os.listdir(self.here.root) if not name.startswith(".syncd")]

    def step(self, number):
        return [f"file{index:03}.txt" for index in range(number * 5, number * 5 + 5)]

    def test_upwards(self):
        self.here = self.up(deleteDelay="1s")
        trees.write_many(self.here.root, 40)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        for number in range(4):
            for name in self.step(number):
                trees.remove(self.here.root, name)
            self.wait_for(lambda number=number: len(self.keys()) == 35 - 5 * number, f"step {number}")
            self.wait_until_in_sync(self.daemon)
        # All five are to be seen at once.
        self.here.run("pause", "files", expect=0)
        for name in self.step(4):
            os.rename(trees.path_of(self.here.root, name), self.here.place / name)
        self.here.run("resume", "files", expect=0)
        self.wait_until_halted(*self.words)
        self.assertEqual(len(self.keys()), 20)
        for name in self.step(4):
            os.rename(self.here.place / name, trees.path_of(self.here.root, name))
        self.wait_until_it_goes_on()
        self.assert_bucket_equals(self.here.root)

    def test_downwards(self):
        self.here = self.machine("down", "down", delete=True, scanInterval="1h", listInterval="1s", deleteDelay="1s")
        self.fill_bucket(40)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        for number in range(4):
            for name in self.step(number):
                self.s3.delete(self.bucket, name.encode())
            left = 35 - 5 * number
            self.wait_for(lambda left=left: len(self.names()) == left, f"step {number}")
            self.wait_until_in_sync(self.daemon)
        self.here.run("pause", "files", expect=0)
        for name in self.step(4):
            self.s3.delete(self.bucket, name.encode())
        self.here.run("resume", "files", expect=0)
        self.wait_until_halted(*self.words)
        self.assertEqual(len(self.names()), 20)
        self.here.run("approve", "files", expect=0)
        self.wait_until_it_goes_on()
        self.assert_bucket_equals(self.here.root)
