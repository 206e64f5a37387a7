"""Files and objects that change between being looked at and being acted on: whatever was there last is never lost."""

import os

from harness import trees
from harness.case import RealServerCase


class UpRaceTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.up = self.machine("up", delete=True)
        trees.write_many(self.up.root, 8)
        self.up.once()

    def while_uploading(self, action, expect):
        """Runs a cycle with an upload, and does `action` while that upload is under way."""
        trees.write(self.up.root, "new", "new")
        fault = self.proxy.fault("PUT", key=b"new", times=1, hold=True)
        running = self.up.start_once()
        fault.wait_until_reached()
        action()
        fault.release()
        return running.wait(expect)

    def test_a_file_that_comes_back_before_its_object_is_deleted_keeps_it(self):
        trees.remove(self.up.root, "file000.txt")
        content = trees.content(100, "file0")
        self.while_uploading(lambda: trees.write(self.up.root, "file000.txt", content), expect=0)
        self.assertIn(b"file000.txt", self.keys())
        self.up.once()
        self.assert_bucket_equals(self.up.root)

    def test_a_root_that_is_moved_away_during_a_cycle_takes_no_object_with_it(self):
        trees.remove(self.up.root, "file000.txt")
        away = self.up.place / "away"
        self.while_uploading(lambda: self.up.root.rename(away), expect=None)
        files = set(trees.snapshot(away))
        self.assertEqual(files - set(self.keys()), set(), "objects of files that were only moved away were deleted")
        away.rename(self.up.root)
        self.up.once()
        self.assert_bucket_equals(self.up.root)

    def test_a_file_that_is_swapped_for_a_link_is_not_followed(self):
        outside = self.up.place / "outside"
        outside.write_text("nobody may send this")
        self.up.top = {"concurrency": 1}
        trees.write(self.up.root, "zz", "harmless")

        def swap():
            trees.remove(self.up.root, "zz")
            os.symlink(outside, trees.path_of(self.up.root, "zz"))

        self.while_uploading(swap, expect=None)
        for key in self.keys():
            self.assertNotEqual(self.s3.get(self.bucket, key), outside.read_bytes(), key)

    def test_a_directory_that_is_swapped_for_a_link_is_not_followed(self):
        outside = self.up.place / "outside"
        trees.write(outside, "file", "nobody may send this")
        self.up.top = {"concurrency": 1}
        trees.write(self.up.root, "zz/file", "harmless")

        def swap():
            trees.remove(self.up.root, "zz")
            os.symlink(outside, trees.path_of(self.up.root, "zz"))

        self.while_uploading(swap, expect=None)
        self.assertNotEqual(self.listing().get(b"zz/file", (0, ""))[0], 20, "the file behind the link was sent")

    def test_a_file_that_never_stops_changing_is_busy_and_stops_nothing_else(self):
        path = trees.write(self.up.root, "log", b"x" * 4_096)

        def grow(body):
            with open(path, "ab") as file:
                file.write(b"more")
            return body

        self.proxy.fault("PUT", key=b"log", alter_request=grow)
        trees.write(self.up.root, "quiet", "quiet")
        run = self.up.once(expect=3)
        self.assertEqual(self.problems(run), {b"log": "busy"})
        self.assertIn(b"quiet", self.keys())
        self.proxy.heal()
        self.up.once()
        self.assert_bucket_equals(self.up.root)


class DownRaceTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.down = self.machine("down", direction="down", delete=True)
        for index in range(8):
            self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.s3.put(self.bucket, b"sub/inside", b"inside")
        self.down.once()

    def while_downloading(self, key, action, expect=None):
        """Runs a cycle that fetches `key`, and does `action` while that download is under way."""
        fault = self.proxy.fault("GET", key=key, times=1, hold=True)
        running = self.down.start_once()
        fault.wait_until_reached()
        action()
        fault.release()
        return running.wait(expect)

    def kept(self, name):
        """All content that is or was at a name: in the tree, and in the trash."""
        here = [trees.read(self.down.root, name)] if trees.exists(self.down.root, name) else []
        return here + trees.trash(self.down.root).get(name.encode(), [])

    def assert_settles(self):
        self.down.once()
        self.down.once()
        self.assert_bucket_equals(self.down.root)
        self.assertEqual(trees.leftovers(self.down.root), [])

    def test_an_object_that_comes_back_keeps_its_file(self):
        self.s3.delete(self.bucket, b"file000.txt")
        self.s3.put(self.bucket, b"new", b"new")
        self.while_downloading(
            b"new", lambda: self.s3.put(self.bucket, b"file000.txt", trees.content(100, 0)), expect=0
        )
        self.assertTrue(trees.exists(self.down.root, "file000.txt"), "deleted although the object was there")
        self.assert_settles()

    def test_an_edit_of_a_file_that_is_about_to_be_deleted_is_kept(self):
        self.s3.delete(self.bucket, b"file000.txt")
        self.s3.put(self.bucket, b"new", b"new")
        self.while_downloading(b"new", lambda: trees.write(self.down.root, "file000.txt", "precious", None))
        self.assertIn(b"precious", self.kept("file000.txt"))

    def test_an_edit_of_a_file_that_is_about_to_be_replaced_is_kept(self):
        self.s3.put(self.bucket, b"file000.txt", b"the new version")
        self.while_downloading(b"file000.txt", lambda: trees.write(self.down.root, "file000.txt", "precious", None))
        self.assertIn(b"precious", self.kept("file000.txt"))
        self.assert_settles()
        self.assertIn(b"precious", self.kept("file000.txt"))

    def test_a_file_that_appears_where_one_is_about_to_be_placed_is_kept(self):
        self.s3.put(self.bucket, b"new", b"from the bucket")
        self.while_downloading(b"new", lambda: trees.write(self.down.root, "new", "precious", None))
        self.assertIn(b"precious", self.kept("new"))
        self.assert_settles()
        self.assertIn(b"precious", self.kept("new"))

    def test_an_object_that_is_replaced_while_it_is_fetched_arrives_whole(self):
        versions = [trees.content(3 << 20, "old"), trees.content(2 << 20, "new")]
        self.s3.put(self.bucket, b"big", versions[0])
        self.while_downloading(b"big", lambda: self.s3.put(self.bucket, b"big", versions[1]))
        if trees.exists(self.down.root, "big"):
            self.assertIn(trees.read(self.down.root, "big"), versions)
        self.assert_settles()

    def test_an_object_that_goes_while_it_is_fetched_leaves_nothing(self):
        self.s3.put(self.bucket, b"new", b"new")
        self.while_downloading(b"new", lambda: self.s3.delete(self.bucket, b"new"))
        self.assert_settles()

    def test_a_directory_that_becomes_a_link_is_not_written_through(self):
        outside = self.down.place / "outside"
        outside.mkdir()
        sub = trees.path_of(self.down.root, "sub")

        def swap():
            os.rename(sub, sub + b".away")
            os.symlink(outside, sub)

        self.s3.put(self.bucket, b"sub/inside", b"a new version")
        self.s3.put(self.bucket, b"sub/more", b"more")
        self.while_downloading(b"sub/inside", swap)
        self.down.once(expect=None)
        self.assertEqual(list(outside.iterdir()), [], "something was written outside the root")

    def test_a_link_in_the_place_of_a_file_is_not_written_through(self):
        outside = self.down.place / "outside"
        outside.write_text("untouched")
        target = trees.path_of(self.down.root, "file000.txt")

        def swap():
            os.remove(target)
            os.symlink(outside, target)

        self.s3.put(self.bucket, b"file000.txt", b"a new version")
        self.while_downloading(b"file000.txt", swap)
        self.down.once(expect=None)
        self.assertEqual(outside.read_text(), "untouched")
