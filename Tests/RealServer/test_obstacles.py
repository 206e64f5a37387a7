"""What stands in a folder's way: links, special files, foreign directories, permissions, patterns, old trash."""

import os

from harness import trees
from harness.case import RealServerCase


class DownObstacleTests(RealServerCase):
    def test_a_foreign_directory_where_a_file_must_be(self):
        down = self.machine("down", direction="down")
        trees.write(down.root, "name/mine", "precious")
        self.s3.put(self.bucket, b"name", b"from the bucket")
        self.s3.put(self.bucket, b"other", b"other")
        run = down.once(expect=3)
        self.assertEqual(self.problems(run), {b"name": "collision"})
        self.assertEqual(trees.read(down.root, "name/mine"), b"precious")
        self.assertEqual(trees.read(down.root, "other"), b"other")

    def test_a_foreign_file_where_a_directory_must_be(self):
        down = self.machine("down", direction="down")
        trees.write(down.root, "name", "precious")
        self.s3.put(self.bucket, b"name/inner", b"from the bucket")
        self.s3.put(self.bucket, b"other", b"other")
        run = down.once(expect=3)
        self.assertEqual(self.problems(run), {b"name/inner": "collision"})
        self.assertEqual(trees.read(down.root, "name"), b"precious")

    def test_special_files_and_links_in_the_way_stay(self):
        down = self.machine("down", direction="down", delete=True)
        os.mkfifo(trees.path_of(down.root, "fifo"))
        os.symlink("nowhere", trees.path_of(down.root, "link"))
        for key in (b"fifo", b"link", b"other"):
            self.s3.put(self.bucket, key, key)
        run = down.once(expect=3)
        self.assertEqual(set(self.problems(run)), {b"fifo", b"link"})
        self.assertTrue(os.path.islink(trees.path_of(down.root, "link")))
        self.assertEqual(trees.read(down.root, "other"), b"other")

    def test_a_directory_that_may_not_be_written(self):
        down = self.machine("down", as_nobody=True, direction="down")
        trees.write(down.root, "locked/file", "old")
        down.give_root_away()
        os.chmod(trees.path_of(down.root, "locked"), 0o555)
        for key in (b"locked/new", b"other"):
            self.s3.put(self.bucket, key, key)
        run = down.once(expect=3)
        self.assertEqual(set(self.problems(run)), {b"locked/new"})
        self.assertEqual(trees.read(down.root, "other"), b"other")
        os.chmod(trees.path_of(down.root, "locked"), 0o755)
        self.assert_counts(down.once(), downloaded=1)

    def test_another_name_of_a_replaced_file_keeps_its_content(self):
        down = self.machine("down", direction="down")
        self.s3.put(self.bucket, b"file", b"old")
        down.once()
        other = self.place / "other name"
        os.link(trees.path_of(down.root, "file"), other)
        self.s3.put(self.bucket, b"file", b"the new version")
        down.once()
        self.assertEqual(trees.read(down.root, "file"), b"the new version")
        self.assertEqual(other.read_bytes(), b"old")

    def test_the_trash_keeps_every_version_and_goes_with_age(self):
        down = self.machine("down", direction="down", delete=True)
        ancient = trees.write(down.root, ".syncd-trash/20200101T000000Z/gone", "gone")
        unknown = trees.write(down.root, ".syncd-trash/mine/kept", "kept")
        for index in range(4):
            self.s3.put(self.bucket, b"stays%d" % index, b"stays")
        for version in range(3):
            self.s3.put(self.bucket, b"file", b"version %d" % version)
            down.once()
            self.s3.delete(self.bucket, b"file")
            down.once()
        contents = {content for versions in trees.trash(down.root).values() for content in versions}
        self.assertLessEqual({b"version 0", b"version 1", b"version 2"}, contents)
        self.assertFalse(os.path.exists(ancient))
        self.assertTrue(os.path.exists(unknown))

    def test_reserved_names_stay_on_their_side(self):
        up = self.machine("up", delete=True)
        trees.write(up.root, ".syncd-notes", "local")
        trees.write(up.root, "sub/.syncd.0123456789abcdef.tmp", "a leftover")
        trees.write(up.root, "file", "file")
        self.s3.put(self.bucket, b".syncd/probe", b"remote")
        up.once()
        self.assertEqual(self.keys(), [b".syncd/probe", b"file"])
        self.assertTrue(trees.exists(up.root, ".syncd-notes"))
        down = self.machine("down", direction="down", delete=True)
        down.once()
        self.assertFalse(trees.exists(down.root, ".syncd/probe"))


class UpObstacleTests(RealServerCase):
    def test_excluded_directories_are_not_even_opened(self):
        up = self.machine("up", as_nobody=True, exclude=["/locked/", "*.log", "!keep.log", "**/cache/"])
        for name in ("locked/file", "a.log", "keep.log", "sub/cache/x", "sub/x", "sub/locked/y"):
            trees.write(up.root, name, name)
        up.give_root_away()
        os.chmod(trees.path_of(up.root, "locked"), 0)
        run = up.once()
        self.assertEqual(self.keys(), [b"keep.log", b"sub/locked/y", b"sub/x"])
        self.assertEqual(run.folder["skipped"], 3)

    def test_what_is_excluded_later_stays_in_the_bucket(self):
        up = self.machine("up", delete=True)
        trees.write_many(up.root, 8)
        trees.write(up.root, "cache/x", "x")
        up.once()
        up.folder["exclude"] = ["cache/"]
        trees.remove(up.root, "cache")
        self.assert_counts(up.once())
        self.assertIn(b"cache/x", self.keys())

    def test_a_file_that_becomes_a_link_deletes_nothing(self):
        up = self.machine("up", delete=True)
        trees.write_many(up.root, 6)
        up.once()
        trees.remove(up.root, "file000.txt")
        os.symlink("file001.txt", trees.path_of(up.root, "file000.txt"))
        self.assert_counts(up.once())
        self.assertIn(b"file000.txt", self.keys())

    def test_a_root_with_a_difficult_name_or_behind_a_link(self):
        up = self.machine("up")
        real = up.place / "my földer 🦄 & 'quotes' %20 $HOME"
        up.root.rename(real)
        up.folder["path"] = str(real)
        trees.write_many(real, 3)
        self.assert_counts(up.once(), uploaded=3)
        os.symlink(real, up.place / "link")
        up.folder["path"] = str(up.place / "link")
        self.assert_counts(up.once())
        self.assertIn("in sync", up.run("--once", expect=0).out)

    def test_sparse_and_linked_files_go_up_whole(self):
        up = self.machine("up")
        path = trees.write(up.root, "sparse", "")
        os.truncate(path, 10 << 20)
        trees.write(up.root, "one", "content")
        os.link(trees.path_of(up.root, "one"), trees.path_of(up.root, "two"))
        self.assert_counts(up.once(), uploaded=3)
        self.assert_bucket_equals(up.root)
