"""Edits, renames, deletes and swaps follow in the next cycle, both ways."""

import os

from harness import trees
from harness.case import RealServerCase


class UpTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.up = self.machine("up", delete=True)
        trees.write_many(self.up.root, 8)
        trees.write(self.up.root, "sub/dir/deep.txt", "deep")
        trees.write(self.up.root, "swap", "a file")
        self.up.once()

    def test_edits_deletes_and_renames_follow(self):
        root = self.up.root
        trees.write(root, "file000.txt", "longer than it was before, and other content")
        trees.remove(root, "file001.txt")
        os.rename(trees.path_of(root, "file002.txt"), trees.path_of(root, "renamed"))
        self.assert_counts(self.up.once(), uploaded=2, deletedRemote=2)
        self.assert_bucket_equals(root)
        self.assert_idle(self.up)

    def test_the_same_size_with_the_old_time_restored_is_seen(self):
        trees.write(self.up.root, "file003.txt", trees.content(100, "other"), trees.OLD)
        self.assert_counts(self.up.once(), uploaded=1)
        self.assert_bucket_equals(self.up.root)

    def test_a_touched_file_is_not_sent(self):
        os.utime(trees.path_of(self.up.root, "file003.txt"))
        self.proxy.forget()
        self.assert_counts(self.up.once())
        self.assert_nothing_changed()

    def test_a_file_for_a_directory_and_the_reverse(self):
        root = self.up.root
        trees.remove(root, "swap")
        trees.write(root, "swap/inside", "inside")
        trees.remove(root, "sub")
        trees.write(root, "sub", "a file now")
        self.up.once()
        self.up.once()
        self.assert_bucket_equals(root)
        self.assert_idle(self.up)

    def test_without_delete_nothing_goes(self):
        self.up.folder["delete"] = False
        trees.remove(self.up.root, "file004.txt")
        self.assert_counts(self.up.once())
        self.assertIn(b"file004.txt", self.keys())

    def test_excluded_names_stay_on_their_sides(self):
        self.up.folder["exclude"] = ["*.tmp", "cache/"]
        trees.write(self.up.root, "a.tmp", "a")
        trees.write(self.up.root, "cache/x/y", "y")
        self.s3.put(self.bucket, b"theirs.tmp", b"theirs")
        self.assert_counts(self.up.once())
        self.assertEqual([key for key in self.keys() if b"cache" in key], [])
        self.assertIn(b"theirs.tmp", self.keys())


class DownTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.down = self.machine("down", direction="down", delete=True)
        for index in range(8):
            self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.s3.put(self.bucket, b"sub/dir/deep.txt", b"deep")
        self.s3.put(self.bucket, b"swap", b"a file")
        self.down.once()
        # What was installed a moment ago might still change unseen: this cycle makes sure of it.
        self.down.once()

    def assert_root_equals_bucket(self):
        self.assert_bucket_equals(self.down.root)
        self.assertEqual(trees.leftovers(self.down.root), [])

    def test_edits_deletes_and_renames_follow(self):
        self.s3.put(self.bucket, b"file000.txt", b"longer than it was before")
        self.s3.put(self.bucket, b"file005.txt", trees.content(100, "same size"))
        self.s3.delete(self.bucket, b"file001.txt")
        self.s3.put(self.bucket, b"renamed", trees.content(100, 2))
        self.s3.delete(self.bucket, b"file002.txt")
        self.assert_counts(self.down.once(), downloaded=3, deletedLocal=2)
        self.assert_root_equals_bucket()
        self.assert_idle(self.down)

    def test_what_is_deleted_lies_in_the_trash(self):
        self.s3.delete(self.bucket, b"file001.txt")
        self.s3.delete(self.bucket, b"sub/dir/deep.txt")
        self.down.once()
        self.assertEqual(
            trees.trash(self.down.root),
            {b"file001.txt": [trees.content(100, 1)], b"sub/dir/deep.txt": [b"deep"]},
        )
        self.assertFalse(trees.exists(self.down.root, "sub"), "emptied directories go")

    def test_a_local_edit_is_overwritten_and_kept_in_the_trash(self):
        trees.write(self.down.root, "file003.txt", "a local edit", mtime_ns=None)
        self.assert_counts(self.down.once(), downloaded=1)
        self.assert_root_equals_bucket()
        self.assertEqual(trees.trash(self.down.root), {b"file003.txt": [b"a local edit"]})

    def test_a_file_deleted_here_comes_back(self):
        trees.remove(self.down.root, "file003.txt")
        self.assert_counts(self.down.once(), downloaded=1)
        self.assert_root_equals_bucket()

    def test_a_file_for_a_directory_and_the_reverse(self):
        self.s3.delete(self.bucket, b"swap")
        self.s3.put(self.bucket, b"swap/inside", b"inside")
        self.s3.delete(self.bucket, b"sub/dir/deep.txt")
        self.s3.put(self.bucket, b"sub", b"a file now")
        self.down.once()
        self.down.once()
        self.assert_root_equals_bucket()
        self.assert_idle(self.down)

    def test_nothing_is_written_behind_a_link(self):
        elsewhere = self.down.place / "elsewhere"
        elsewhere.mkdir()
        os.symlink(elsewhere, trees.path_of(self.down.root, "link"))
        self.s3.put(self.bucket, b"link/file", b"must not leave the root")
        run = self.down.once(expect=3)
        self.assertEqual(list(elsewhere.iterdir()), [])
        self.assertIn(b"link/file", self.problems(run))
