"""`syncd run`: what is changed in a watched folder is in the bucket soon, and nothing else is sent."""

import os
import time

from harness import trees
from harness.daemon import DaemonCase


class ReactionTests(DaemonCase):
    """One folder going up, watched. No interval comes due: what arrives does so by the watcher."""

    def setUp(self):
        super().setUp()
        self.here = self.up()
        trees.write(self.here.root, "old.txt", "old")
        trees.write(self.here.root, "sub/old.txt", "old, too")
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)
        self.proxy.forget()

    def write(self, name, data):
        return trees.write(self.here.root, name, data, mtime_ns=None)

    def path(self, name):
        return trees.path_of(self.here.root, name)

    def settle(self):
        """Until all that was seen is dealt with, a second look at what was written just now included."""
        self.wait_until_in_sync(self.daemon)

    def test_a_saved_file(self):
        self.write("new.txt", "new")
        took = self.wait_for_object("new.txt", "new")
        self.tell(f"a new file is in the bucket after {took:.2f} s")
        self.write("old.txt", "changed")
        took = self.wait_for_object("old.txt", "changed")
        self.tell(f"a changed file is in the bucket after {took:.2f} s")
        self.settle()
        self.assertNotIn("LIST", self.proxy.counts)

    def test_an_atomic_rename_into_place(self):
        self.write("old.txt.tmp~", "whole")
        os.rename(self.path("old.txt.tmp~"), self.path("old.txt"))
        took = self.wait_for_object("old.txt", "whole")
        self.tell(f"a file renamed into place is in the bucket after {took:.2f} s")
        self.settle()
        self.assert_bucket_equals(self.here.root)

    def test_a_nested_directory_made_and_filled_in_one_go(self):
        for index in range(20):
            self.write(f"a{index}/b/c/d/file", f"deep {index}")
        for index in range(20):
            self.wait_for_object(f"a{index}/b/c/d/file", f"deep {index}")
        self.write("a7/b/c/d/later", "later")
        self.wait_for_object("a7/b/c/d/later", "later")
        self.assertEqual(self.daemon.folder()["watching"]["unwatched"], 0)

    def test_a_directory_moved_into_the_tree(self):
        outside = self.here.place / "outside"
        trees.write(outside, "x/y/one", "one")
        trees.write(outside, "two", "two")
        os.rename(outside, self.path("moved"))
        self.wait_for_object("moved/x/y/one", "one")
        self.wait_for_object("moved/two", "two")
        self.write("moved/x/y/one", "one, changed")
        self.wait_for_object("moved/x/y/one", "one, changed")

    def test_a_directory_moved_within_the_tree_is_watched_in_its_new_place(self):
        self.write("from/x/y/one", "one")
        self.wait_for_object("from/x/y/one", "one")
        os.rename(self.path("from"), self.path("to"))
        self.write("to/x/y/two", "two")
        self.wait_for_object("to/x/y/one", "one")
        self.wait_for_object("to/x/y/two", "two")
        self.wait_until_gone("from/x/y/one")
        self.write("to/x/y/one", "one, changed")
        self.write("to/x/y/new/three", "three")
        self.wait_for_object("to/x/y/one", "one, changed")
        self.wait_for_object("to/x/y/new/three", "three")
        self.settle()
        self.assert_bucket_equals(self.here.root)

    def test_a_directory_moved_back_and_forth(self):
        self.write("from/x/one", "one")
        self.wait_for_object("from/x/one", "one")
        for _ in range(30):
            os.rename(self.path("from"), self.path("to"))
            os.rename(self.path("to"), self.path("from"))
        os.rename(self.path("from"), self.path("sub/from"))
        self.wait_for_object("sub/from/x/one", "one")
        self.write("sub/from/x/one", "one, changed")
        self.write("sub/from/x/two", "two")
        self.wait_for_object("sub/from/x/one", "one, changed")
        self.wait_for_object("sub/from/x/two", "two")
        self.wait_until_gone("from/x/one")

    def test_directories_that_change_places(self):
        self.write("a/x/one", "in a")
        self.write("b/x/one", "in b")
        self.wait_for_object("a/x/one", "in a")
        self.wait_for_object("b/x/one", "in b")
        os.rename(self.path("a"), self.path("c"))
        os.rename(self.path("b"), self.path("a"))
        os.rename(self.path("c"), self.path("b"))
        self.wait_for_object("a/x/one", "in b")
        self.wait_for_object("b/x/one", "in a")
        self.write("a/x/one", "changed in a")
        self.write("b/x/two", "new in b")
        self.wait_for_object("a/x/one", "changed in a")
        self.wait_for_object("b/x/two", "new in b")
        self.settle()
        self.assert_bucket_equals(self.here.root)

    def test_a_directory_moved_out(self):
        self.write("going/one", "one")
        self.wait_for_object("going/one", "one")
        self.settle()
        os.rename(self.path("going"), self.here.place / "gone")
        took = self.wait_until_gone("going/one")
        self.tell(f"what was moved out is gone from the bucket after {took:.2f} s, with a deleteDelay of 2 s")
        self.assertGreater(took, 1.5)
        (self.here.place / "gone" / "one").write_text("nobody's business")
        self.settle()
        self.assert_bucket_equals(self.here.root)

    def test_touch_and_chmod_send_no_content(self):
        self.settle()
        self.proxy.forget()
        reactions = self.daemon.metrics()['syncd_reactions_total{folder="files"}']
        os.utime(self.path("old.txt"))
        os.chmod(self.path("sub/old.txt"), 0o600)
        self.wait_for(
            lambda: self.daemon.metrics()['syncd_reactions_total{folder="files"}'] > reactions, "a look at them"
        )
        self.settle()
        self.assert_nothing_changed()

    def test_a_hard_link(self):
        os.link(self.path("old.txt"), self.path("sub/linked"))
        self.wait_for_object("sub/linked", "old")
        self.settle()
        self.assertEqual(self.proxy.counts.get("PUT"), 1, "the other name of the same file was sent again")

    def test_a_file_that_is_appended_to(self):
        begun = time.monotonic()
        lines = 0
        with open(self.path("growing.log"), "ab", buffering=0) as file:
            while time.monotonic() - begun < 10:
                file.write(b"line %d\n" % lines)
                lines += 1
                time.sleep(0.05)
            puts = self.proxy.counts.get("PUT", 0)
        self.wait_for_object("growing.log", trees.read(self.here.root, "growing.log"))
        self.settle()
        self.tell(f"appended to for 10 s: {puts} uploads meanwhile, {self.proxy.counts.get('PUT', 0)} in all")
        self.assertLessEqual(puts, 6)
        self.assertEqual(self.daemon.folder()["problems"], [])

    def test_a_name_that_is_not_utf8(self):
        self.write(b"bad-\xff", "bad")
        self.write("good", "good")
        self.wait_for_object("good", "good")
        self.wait_for(lambda: self.daemon.folder()["problems"], "the problem")
        self.assertEqual(self.daemon.folder()["problems"][0]["kind"], "name")
        os.rename(self.path(b"bad-\xff"), self.path("better"))
        self.wait_for_object("better", "bad")
        self.wait_for(lambda: not self.daemon.folder()["problems"], "no problem any more")

    def test_awkward_names(self):
        for name in trees.AWKWARD_NAMES:
            self.write(name, b"content of " + name)
        for name in trees.AWKWARD_NAMES:
            self.wait_for_object(name, b"content of " + name)
        self.settle()
        self.assert_bucket_equals(self.here.root)

    def test_a_link_is_left_alone_and_what_it_replaced_stays(self):
        os.symlink("old.txt", self.path("link"))
        os.remove(self.path("sub/old.txt"))
        os.symlink("../old.txt", self.path("sub/old.txt"))
        os.symlink("/", self.path("everything"))
        self.write("witness", "witness")
        self.wait_for_object("witness")
        self.settle()
        self.assertEqual(self.keys(), [b"old.txt", b"sub/old.txt", b"witness"])
        os.remove(self.path("link"))
        self.write("link", "a file now")
        self.wait_for_object("link", "a file now")

    def test_a_file_becomes_a_directory_and_a_directory_a_file(self):
        os.remove(self.path("old.txt"))
        self.write("old.txt/inner", "inner")
        self.wait_for_object("old.txt/inner", "inner", seconds=20)
        self.wait_until_gone("old.txt")
        trees.remove(self.here.root, "sub")
        self.write("sub", "a file")
        self.wait_for_object("sub", "a file", seconds=20)
        self.wait_until_gone("sub/old.txt")
        self.settle()
        self.assert_bucket_equals(self.here.root)

    def test_a_large_file_keeps_no_small_one_waiting(self):
        held = self.proxy.fault("PUT", hold=True, where=lambda request: bool(request.part))
        trees.write_large(self.here.root, "large", 48 << 20)
        held.wait_until_reached()
        self.wait_for(lambda: held.matched >= 4, "several parts at once")
        self.assertFalse(self.daemon.folder()["inSync"])
        self.write("small", "small")
        took = self.wait_for_object("small", "small")
        self.tell(f"beside a large file a small one is in the bucket after {took:.2f} s")
        self.write("small", "small, changed")
        self.wait_for_object("small", "small, changed")
        self.proxy.heal()
        self.wait_for_object("large", seconds=20)
        self.settle()
        self.assert_bucket_equals(self.here.root)

    def test_two_hundred_files_at_once(self):
        trees.write_many(self.here.root / "many", 200)
        begun = time.monotonic()
        self.wait_for(lambda: len(self.keys()) == 202, "all of them", 30)
        self.tell(f"200 files are in the bucket after {time.monotonic() - begun:.2f} s")
        self.settle()
        self.assert_bucket_equals(self.here.root)


class ExcludedTests(DaemonCase):
    def test_excluded_names_cost_no_request(self):
        here = self.up(exclude=["*.tmp", "cache/", "/only-here"])
        trees.write(here.root, "kept", "kept")
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        self.proxy.forget()
        trees.write(here.root, "a.tmp", "no", mtime_ns=None)
        trees.write(here.root, "cache/deep/file", "no", mtime_ns=None)
        trees.write(here.root, "only-here", "no", mtime_ns=None)
        os.rename(trees.path_of(here.root, "a.tmp"), trees.path_of(here.root, "b.tmp"))
        trees.write(here.root, "cache/deep/file", "no, again", mtime_ns=None)
        trees.write(here.root, ".syncd.0123456789abcdef.tmp", "no", mtime_ns=None)
        trees.write(here.root, "witness", "seen", mtime_ns=None)
        self.wait_for_object("witness", "seen")
        self.wait_until_in_sync(daemon)
        self.assertEqual({request.key for request in self.proxy.requests}, {b"witness"})
        # Out of what is excluded, and back into it.
        os.rename(trees.path_of(here.root, "b.tmp"), trees.path_of(here.root, "b.txt"))
        os.rename(trees.path_of(here.root, "cache"), trees.path_of(here.root, "store"))
        self.wait_for_object("b.txt", "no")
        self.wait_for_object("store/deep/file", "no, again")
        trees.write(here.root, "store/deep/file", "changed", mtime_ns=None)
        self.wait_for_object("store/deep/file", "changed")
        os.rename(trees.path_of(here.root, "store"), trees.path_of(here.root, "cache"))
        self.wait_until_gone("store/deep/file", 20)
        self.assertEqual(self.keys(), [b"b.txt", b"kept", b"witness"])


class DeleteTests(DaemonCase):
    def test_deletes_are_held_and_carried_out_together(self):
        here = self.up(deleteDelay="3s")
        trees.write_many(here.root, 30)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        self.proxy.forget()
        begun = time.monotonic()
        trees.remove(here.root, "file000.txt")
        self.wait_for(lambda: daemon.folder()["pending"]["deletes"] == 1, "a delete that waits")
        self.assertFalse(daemon.folder()["inSync"])
        trees.remove(here.root, "file001.txt")
        trees.remove(here.root, "file002.txt")
        self.wait_until_gone("file000.txt")
        self.tell(f"deletes were carried out {time.monotonic() - begun:.2f} s after the first, at a deleteDelay of 3 s")
        self.assertGreater(time.monotonic() - begun, 2.5)
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)
        deletes = [request for request in self.proxy.requests if request.kind in ("DELETE", "POST")]
        self.assertEqual(len(deletes), 1, "one batch for all of them")
        self.assertEqual(daemon.metrics()['syncd_deletes_total{folder="files",side="remote"}'], 3)

    def test_what_comes_back_in_time_is_not_deleted(self):
        here = self.up(deleteDelay="3s")
        trees.write_many(here.root, 10)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        self.proxy.forget()
        kept = trees.read(here.root, "file000.txt")
        trees.remove(here.root, "file000.txt")
        trees.remove(here.root, "file001.txt")
        self.wait_for(lambda: daemon.folder()["pending"]["deletes"] > 0, "deletes that wait")
        trees.write(here.root, "file000.txt", kept, mtime_ns=None)
        self.wait_until_gone("file001.txt")
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)
        self.assertEqual(self.proxy.counts.get("PUT", 0), 0, "the same content was sent again")
        self.assertEqual(daemon.metrics()['syncd_deletes_total{folder="files",side="remote"}'], 1)

    def test_a_mass_delete_trips_the_gate_and_the_rest_goes_on(self):
        # On a busy machine it takes seconds to remove so many files, and all of them are to be judged together.
        here = self.up(deleteDelay="5s")
        trees.write_many(here.root, 1_000, size=10)
        daemon = self.start_daemon(here, ready=False)
        self.wait_until_in_sync(daemon, seconds=120)
        before = self.keys()
        for index in range(600):
            trees.remove(here.root, f"file{index:03}.txt")
        took = self.wait_for_state(daemon, "halted", seconds=20)
        self.tell(f"600 of 1,000 deleted: halted after {took:.2f} s")
        folder = daemon.folder()
        self.assertIn("600 of 1000", folder["halt"]["reason"])
        self.assertIsNotNone(folder["halt"]["command"])
        self.assertEqual(folder["pending"]["deletes"], 600)
        trees.write(here.root, "new.txt", "goes on", mtime_ns=None)
        self.wait_for_object("new.txt", "goes on")
        self.assertEqual(daemon.folder()["state"], "halted")
        trees.remove(here.root, "file999.txt")
        self.wait_for(lambda: "601 of" in (daemon.folder()["halt"] or {"reason": ""})["reason"], "the larger set", 20)
        self.assertEqual(self.keys(), sorted([*before, b"new.txt"]))
        self.assertEqual(len(daemon.lines("halted:")), 2, daemon.log)
        approved = here.run("approve", "files", "--json", expect=0)
        self.assertEqual(approved.document["approved"], 601, approved)
        self.wait_for(lambda: len(self.keys()) == 400, "the deletes", 30)
        self.wait_until_in_sync(daemon)
        self.assertIsNone(daemon.folder()["halt"])
        self.assert_bucket_equals(here.root)

    def test_a_halt_stays_until_deletes_are_judged_again(self):
        # Listings come due while the delete below is held: cycles that judge no deletes.
        here = self.up(deleteDelay="4s", listInterval="1s")
        trees.write_many(here.root, 40)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        for index in range(30):
            trees.remove(here.root, f"file{index:03}.txt")
        self.wait_for_state(daemon, "halted", seconds=20)
        trees.remove(here.root, "file039.txt")
        self.wait_for(lambda: daemon.folder()["pending"]["deletes"] >= 30, "the delete that waits")
        cycles = daemon.metrics()['syncd_cycles_total{folder="files"}']

        def has_cycled_often():
            folder = daemon.folder()
            self.assertIsNotNone(folder["halt"], f"{folder}\n{daemon.log}")
            self.assertIn(folder["state"], ("halted", "scanning", "transferring"), daemon.log)
            return daemon.metrics()['syncd_cycles_total{folder="files"}'] >= cycles + 6

        self.wait_for(has_cycled_often, "some cycles")
        self.assertEqual(len(self.keys()), 40)
