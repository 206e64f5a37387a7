"""`syncd run`: roots that go, change and come back; two folders in one daemon; a folder that goes down."""

import os
import time

from harness import trees
from harness.daemon import DaemonCase

# A folder that a gate stops as a whole is looked at again after that long.
GATE_SECONDS = 30


class RootTests(DaemonCase):
    def setUp(self):
        super().setUp()
        self.here = self.up(scanInterval="2s")
        trees.write_many(self.here.root, 30)
        trees.write(self.here.root, "sub/inner", "inner")
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        self.before = self.keys()
        self.away = self.here.place / "away"

    def assert_halted(self, words):
        self.wait_for_state(self.daemon, "halted", seconds=GATE_SECONDS)
        self.assertIn(words, self.daemon.folder()["halt"]["reason"])
        self.assertEqual(self.keys(), self.before)

    def assert_goes_on(self):
        """By itself, soon enough; and what is changed then is seen."""
        took = self.wait_until_in_sync(self.daemon, seconds=GATE_SECONDS + 15)
        self.tell(f"goes on by itself after {took:.1f} s")
        self.assertIsNone(self.daemon.folder()["halt"])
        trees.write(self.here.root, "sub/after", "after", mtime_ns=None)
        self.wait_for_object("sub/after", "after")
        self.assertEqual(self.keys(), sorted([*self.before, b"sub/after"]))

    def test_a_root_that_is_renamed_away_and_back(self):
        self.here.root.rename(self.away)
        self.assert_halted("not there")
        self.assertFalse(self.here.root.exists())
        trees.write(self.away, "while-away", "seen when it is back", mtime_ns=None)
        self.away.rename(self.here.root)
        self.before = sorted([*self.before, b"while-away"])
        self.assert_goes_on()
        self.assert_bucket_equals(self.here.root)

    def test_a_root_that_is_replaced_and_put_back(self):
        self.here.root.rename(self.away)
        self.here.root.mkdir()
        trees.write(self.here.root, "stranger", "of another disk")
        self.assert_halted("another directory")
        self.here.root.rename(self.here.place / "stranger")
        self.away.rename(self.here.root)
        self.assert_goes_on()

    def test_a_root_that_is_emptied_and_filled_again(self):
        for name in [*(f"file{index:03}.txt" for index in range(30)), "sub"]:
            os.rename(trees.path_of(self.here.root, name), self.here.place / name)
        self.assert_halted("holds no file")
        for name in [*(f"file{index:03}.txt" for index in range(30)), "sub"]:
            os.rename(self.here.place / name, trees.path_of(self.here.root, name))
        self.assert_goes_on()

    def test_a_root_that_was_not_there_at_the_start(self):
        self.end(self.daemon)
        self.here.root.rename(self.away)
        self.daemon = self.start_daemon(self.here, ready=False)
        self.assert_halted("not there")
        self.away.rename(self.here.root)
        self.assert_goes_on()


class TwoFolderTests(DaemonCase):
    def two(self, **second):
        here = self.up()
        common = here.folder
        places = {name: here.place / name for name in ("one", "two")}
        for name, path in places.items():
            trees.write_many(path, 20, prefix=name)
        here.folders = [
            common | {"name": "one", "path": str(places["one"]), "prefix": "one"},
            common | {"name": "two", "path": str(places["two"]), "prefix": "two"} | second,
        ]
        return here, places

    def assert_lively(self, daemon, places, name="one"):
        trees.write(places[name], "lively", f"{time.monotonic()}", mtime_ns=None)
        data = trees.read(places[name], "lively")
        took = self.wait_for_object("lively", data, prefix=name.encode() + b"/")
        self.tell(f"the other folder's file is in the bucket after {took:.2f} s")
        self.wait_until_in_sync(daemon, name)

    def test_a_halted_folder_disturbs_no_other(self):
        here, places = self.two()
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon, "two")
        trees.remove(places["two"], "")
        self.wait_for_state(daemon, "halted", "two", seconds=20)
        self.assert_lively(daemon, places)

    def test_a_failing_folder_disturbs_no_other(self):
        here, places = self.two(bucket="no-such-bucket-here")
        daemon = self.start_daemon(here, ready=False)
        self.wait_for_state(daemon, "failing", "two", seconds=20)
        self.assert_lively(daemon, places)
        self.assertEqual(len(daemon.lines("no-such-bucket-here")), 1, daemon.log)
        self.s3.create_bucket("no-such-bucket-here")
        self.addCleanup(self.s3.delete_bucket, "no-such-bucket-here")
        here.run("sync", "two", expect=0)
        self.wait_until_in_sync(daemon, "two")

    def test_a_folder_that_transfers_for_long_disturbs_no_other(self):
        here, places = self.two()
        trees.write_large(places["two"], "large", 32 << 20)
        held = self.proxy.fault("PUT", key=b"two/large", hold=True)
        daemon = self.start_daemon(here, ready=False)
        held.wait_until_reached()
        self.assert_lively(daemon, places)
        # In the folder itself reactions run beside the cycle.
        trees.write(places["two"], "small", "beside", mtime_ns=None)
        self.wait_for_object("small", "beside", prefix=b"two/")
        self.proxy.heal()
        self.wait_until_in_sync(daemon, "two")
        self.assert_bucket_equals(places["two"], b"two/")

    def test_the_requests_of_each_are_its_own(self):
        here, places = self.two()
        held = self.proxy.fault("PUT", key=b"two/two000.txt", hold=True)
        daemon = self.start_daemon(here, ready=False)
        held.wait_until_reached()
        self.wait_until_in_sync(daemon, "one")
        self.proxy.heal()
        self.wait_until_in_sync(daemon, "two")
        counts = sum(self.proxy.counts.values())
        self.assertEqual(daemon.requests("one") + daemon.requests("two"), counts, self.proxy.counts)


class DownTests(DaemonCase):
    def test_an_object_arrives_and_a_local_edit_is_undone(self):
        here = self.machine(
            "down", "down", delete=True, scanInterval="3s", listInterval="2s", deleteDelay="2s"
        )
        for index in range(10):
            self.s3.put(self.bucket, b"file%d" % index, b"content %d" % index)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        begun = time.monotonic()
        self.s3.put(self.bucket, b"new/object", b"new")
        self.wait_for(lambda: trees.exists(here.root, "new/object"), "the object")
        self.tell(f"an object is here after {time.monotonic() - begun:.1f} s, at a listInterval of 2 s")
        trees.write(here.root, "file3", "edited here", mtime_ns=None)
        self.wait_for(lambda: trees.read(here.root, "file3") == b"content 3", "the edit undone")
        self.assertEqual(trees.trash(here.root), {b"file3": [b"edited here"]})
        self.s3.delete(self.bucket, b"file4")
        self.wait_for(lambda: not trees.exists(here.root, "file4"), "the file gone")
        self.assertEqual(trees.trash(here.root)[b"file4"], [b"content 4"])
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)
