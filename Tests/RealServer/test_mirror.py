"""Up and down: a tree of awkward names and sizes arrives equal, and then there is nothing left to do."""

import os

from harness import trees
from harness.case import RealServerCase


class MirrorTests(RealServerCase):
    def mirror(self, prefix=""):
        """An awkward tree taken up from one machine and down to another."""
        up = self.machine("up", prefix=prefix)
        trees.write_awkward_tree(up.root)
        run = up.once()
        expected = len(trees.snapshot(up.root))
        self.assert_counts(run, uploaded=expected)
        down = self.machine("down", direction="down", prefix=prefix)
        self.assert_counts(down.once(), downloaded=expected)
        return up, down

    def test_an_awkward_tree_goes_up_and_comes_down_equal(self):
        up, down = self.mirror("some/where")
        self.assert_bucket_equals(up.root, b"some/where/")
        self.assert_same_tree(up.root, down.root)
        self.assertEqual(trees.leftovers(down.root), [])
        self.rclone_check(up.root, "some/where")

    def test_the_second_cycle_sends_listings_and_nothing_else(self):
        up, down = self.mirror()
        self.assert_idle(up)
        # What was installed a moment ago is read once more; that costs no request either.
        self.assert_idle(down)
        self.assert_idle(down)

    def test_a_bucket_that_rclone_filled_is_adopted_without_a_transfer(self):
        up = self.machine("up")
        trees.write_awkward_tree(up.root)
        for name in ("sizes/016777217.bin", "sizes/067108864.bin"):
            trees.write(up.root, name, trees.read(up.root, name)[: 6 << 20])
        trees.remove(up.root, b"n" * 255)
        options = ["--no-unicode-normalization", "--s3-upload-cutoff=5M", "--s3-chunk-size=5M"]
        self.tool("rclone", "copy", *options, up.root, f"s:{self.bucket}")
        self.proxy.forget()
        run = up.once()
        sent = [seen.key for seen in self.proxy.requests if seen.kind in ("PUT", "GET")]
        self.assertEqual(sent, [], run)
        self.assert_idle(up)

    def test_status_tells_what_the_cycle_told(self):
        up = self.machine("up")
        self.assertEqual(up.status().folder["lastCycle"], None)
        trees.write_many(up.root, 3)
        run = up.once()
        status = up.status()
        self.assertEqual(status.document, run.document)
        self.assertEqual((status.folder["entries"], status.folder["bytes"]), (3, 300))
        text = up.run("status", expect=0).out
        self.assertIn("in sync", text)
        self.assertIn("3 files", text)

    def test_a_plan_says_what_the_next_cycle_does_and_does_none_of_it(self):
        up = self.machine("up", delete=True)
        trees.write_many(up.root, 6)
        up.plan(expect=2)
        self.assertEqual(self.keys(), [])
        up.once()
        up.plan(expect=0)
        trees.write(up.root, "new", "new")
        trees.remove(up.root, "file000.txt")
        before = self.keys()
        changes = up.plan(expect=2).document["folders"][0]["changes"]
        self.assertEqual(
            [(change["action"], change["path"]) for change in changes],
            [("deleteRemote", "file000.txt"), ("upload", "new")],
        )
        self.assertEqual(self.keys(), before)
        self.assert_counts(up.once(), uploaded=1, deletedRemote=1)

    def test_times_before_1970_and_far_ahead_travel(self):
        up = self.machine("up")
        for name, seconds in (("past", -86_400), ("future", 4_102_444_800)):
            trees.write(up.root, name, name, seconds * trees.SECOND + 1)
        up.once()
        down = self.machine("down", direction="down")
        down.once()
        self.assert_same_tree(up.root, down.root)

    def test_folders_of_one_configuration_do_not_mix(self):
        up = self.machine("up")
        roots = [up.place / name for name in ("one", "two")]
        for root in roots:
            root.mkdir()
            trees.write_many(root, 3, prefix=root.name)
        up.folders = [
            {"name": root.name, "path": str(root), "bucket": self.bucket, "prefix": root.name} for root in roots
        ]
        up.once()
        for root in roots:
            self.assert_bucket_equals(root, os.fsencode(root.name) + b"/")
