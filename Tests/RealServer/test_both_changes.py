"""Changes of the configuration of a folder that syncs both ways: what is no longer known is no reason to delete."""

from harness import trees
from harness.twoway import TwoWayCase


class ConfigurationChangeTests(TwoWayCase):
    files = 20

    def local(self, machine):
        """What is here: {name: content}."""
        return {name: trees.read(machine.root, name) for name in trees.snapshot(machine.root)}

    def remote(self, prefix=b"", bucket=None):
        bucket = bucket or self.bucket
        return {key[len(prefix) :]: self.s3.get(bucket, key) for key in self.s3.list(bucket, prefix)}

    def assert_kept(self, before, after):
        """All that was there is there still."""
        self.assertEqual({name: after.get(name) for name in before}, before)

    def test_what_is_newly_excluded_stays_on_both_sides(self):
        here = self.settled()
        trees.write(here.root, "cache/one", "one")
        trees.write(here.root, "cache/two", "two")
        here.once()
        here.folder["exclude"] = ["cache/"]
        self.assert_counts(here.once())
        self.assert_both_hold(here, "cache/one", "one")
        self.assertEqual(here.status().folder["entries"], self.files)
        # It is nobody's business any more, whichever side loses it.
        trees.remove(here.root, "cache/one")
        self.s3.delete(self.bucket, b"cache/two")
        self.assert_counts(here.once())
        self.assertEqual(self.object("cache/one"), b"one")
        self.assertEqual(trees.read(here.root, "cache/two"), b"two")
        # Included again, both are new on the one side that has them.
        here.folder["exclude"] = []
        self.assert_counts(here.once(), uploaded=1, downloaded=1)
        self.assert_both_hold(here, "cache/one", "one")
        self.assert_both_hold(here, "cache/two", "two")
        self.assert_idle(here)

    def changed(self, here, **folder):
        """The same folder by another configuration, with a delete outstanding on each side."""
        trees.remove(here.root, "file000.txt")
        self.s3.delete(self.bucket, b"file001.txt")
        here.folder |= folder
        return here

    def test_another_root_gets_everything_and_takes_nothing(self):
        here = self.settled()
        before = self.remote()
        other = here.place / "other"
        other.mkdir()
        trees.write(other, "own", "own")
        trees.write(other, "file002.txt", "another content", trees.OLD + trees.SECOND)
        here.folder["path"] = str(other)
        here.once()
        self.assertEqual(self.object("own"), b"own")
        after = self.remote()
        del before[b"file002.txt"]
        self.assert_kept(before, after)
        self.assertEqual(len(after), self.files + 2, "the conflict is kept twice")
        self.assert_bucket_equals(other)

    def test_another_prefix_of_the_bucket(self):
        here = self.changed(self.settled(), prefix="below")
        self.put("own", "own", prefix=b"below/")
        local, remote = self.local(here), self.remote()
        here.once()
        self.assert_kept(local, self.local(here))
        self.assert_kept(remote, self.remote())
        self.assertEqual(self.remote(b"below/"), local | {b"own": b"own"})
        self.assertEqual(self.local(here), local | {b"own": b"own"})

    def test_another_bucket(self):
        bucket = f"{self.bucket}-other"
        self.s3.create_bucket(bucket)
        self.addCleanup(self.s3.delete_bucket, bucket)
        self.s3.put(bucket, b"file005.txt", b"another's")
        here = self.changed(self.settled(), bucket=bucket)
        local, remote = self.local(here), self.remote()
        here.once()
        del local[b"file005.txt"]
        self.assert_kept(local, self.local(here))
        self.assertEqual(self.remote(), remote, "the old bucket is as it was")
        contents = self.remote(bucket=bucket)
        self.assertEqual(contents, self.local(here))
        self.assertIn(trees.content(100, "file5"), contents.values(), "what was here")
        self.assertIn(b"another's", contents.values(), "what was there")

    def test_another_endpoint(self):
        here = self.changed(self.settled())
        local, remote = self.local(here), self.remote()
        here.connection["endpoint"] = self.server.endpoint
        run = here.once()
        self.assert_counts(run, uploaded=1, downloaded=1)
        self.assertEqual(self.local(here), local | remote)
        self.assertEqual(self.remote(), local | remote)

    def one_way(self, direction):
        """What both ways left, with something of its own on either side, synced one way with deletes."""
        here = self.settled()
        trees.write(here.root, "own here", "here")
        self.put("own there", "there")
        # What was agreed on both ways is not known one way: a delete that was outstanding has to be asked for as well.
        if direction == "up":
            trees.remove(here.root, "file000.txt")
        else:
            self.s3.delete(self.bucket, b"file000.txt")
        here.folder |= {"direction": direction, "delete": True}
        run = here.once(expect=4)
        self.assertIn("2 entries that syncd never", run.folder["halt"]["reason"])
        return here

    def test_from_both_ways_to_up(self):
        here = self.one_way("up")
        self.assertEqual(self.object("own there"), b"there", "it was deleted unasked")
        self.assertIsNotNone(self.object("file000.txt"), "it was deleted unasked")
        self.assertEqual(self.object("own here"), b"here")
        self.assertEqual(len(self.remote()), self.files + 2)
        here.approve()
        self.assert_counts(here.once(), deletedRemote=2)

    def test_from_both_ways_to_down(self):
        here = self.one_way("down")
        self.assertEqual(trees.read(here.root, "own here"), b"here", "it was deleted unasked")
        self.assertTrue(trees.exists(here.root, "file000.txt"), "it was deleted unasked")
        self.assertEqual(trees.read(here.root, "own there"), b"there")
        here.approve()
        self.assert_counts(here.once(), deletedLocal=2)
        self.assertEqual(sorted(trees.trash(here.root)), [b"file000.txt", b"own here"])

    def test_from_up_to_both_ways(self):
        here = self.settled()
        here.folder["direction"] = "up"
        here.once()
        self.put("own there", "there")
        trees.remove(here.root, "file000.txt")
        here.folder["direction"] = "both"
        self.assert_counts(here.once(), downloaded=2)
        self.assert_both_hold(here, "own there", "there")
        self.assertEqual(len(self.remote()), self.files + 1)
        self.assert_same(here)
        self.assert_idle(here)

    def test_deletes_that_may_not_travel_are_refused_with_their_key(self):
        here = self.both(delete=False)
        run = here.run("--once", expect=78)
        self.assertIn('folders[0].delete: is false, and with "direction": "both" deletes always travel', run.err)


class ShapeTests(TwoWayCase):
    """Names that change from a directory to a file: SeaweedFS takes a directory, even an empty one, for an object."""

    files = 20

    def test_a_directory_that_becomes_a_file_follows(self):
        here = self.settled()
        trees.write(here.root, "d/inside", "inside")
        here.once()
        trees.remove(here.root, "d/inside")
        (here.root / "d").rmdir()
        trees.write(here.root, "d", "a file now")
        here.once()
        here.once()
        self.assert_both_hold(here, "d", "a file now")
        self.assert_idle(here)
