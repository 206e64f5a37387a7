"""A disk that is full: what is there stays, it is said in clear words, and with room everything goes on by itself."""

from harness import trees
from harness.case import RealServerCase
from harness.smalldisk import SmallDisk

MEBIBYTE = 1 << 20


class FullRootTests(RealServerCase):
    """Downwards, the root on a disk of 8 MiB."""

    def setUp(self):
        super().setUp()
        self.down = self.machine("down", direction="down", delete=True, exclude=["/ballast"])
        self.disk = SmallDisk(self.down.root)
        self.addCleanup(self.disk.close)
        self.old = trees.content(MEBIBYTE)
        self.s3.put(self.bucket, b"big", self.old)
        self.s3.put(self.bucket, b"small", b"the old version")
        self.down.once()

    def assert_told(self, run, *names):
        self.assertEqual(self.problems(run), {name: "unwritable" for name in names}, run)
        for problem in run.folder["problems"]:
            self.assertIn("No space left on device", problem["message"])
            self.assertIn("make room", problem["message"])
        self.assertEqual(trees.leftovers(self.down.root), [])

    def test_a_file_that_does_not_fit_leaves_the_old_one_and_stops_no_other(self):
        new = trees.content(10 * MEBIBYTE, seed=1)
        self.s3.put(self.bucket, b"big", new)
        self.s3.put(self.bucket, b"small", b"the new version")
        run = self.down.once(expect=3)
        self.assert_told(run, b"big")
        self.assertEqual(trees.read(self.down.root, "big"), self.old)
        self.assertEqual(trees.read(self.down.root, "small"), b"the new version")
        text = self.down.run("--once", expect=3).err
        self.assertIn("syncd: files: big: ", text)
        self.disk.grow(32)
        self.assert_counts(self.down.once(), downloaded=1)
        self.assertEqual(trees.read(self.down.root, "big"), new)
        self.assertEqual(trees.leftovers(self.down.root), [])
        self.assert_idle(self.down)

    def test_a_large_object_that_cannot_fit_is_not_even_begun(self):
        large = trees.content(20 * MEBIBYTE)
        self.s3.put(self.bucket, b"big", large)
        self.proxy.forget()
        run = self.down.once(expect=3)
        self.assertEqual(self.problems(run), {b"big": "unwritable"})
        self.assertIn("make room", run.folder["problems"][0]["message"])
        self.assertNotIn("GET", self.proxy.counts)
        self.assertEqual(trees.read(self.down.root, "big"), self.old)
        self.assertEqual(trees.leftovers(self.down.root), [])
        self.disk.grow(64)
        self.assert_counts(self.down.once(), downloaded=1)
        self.assertEqual(trees.read(self.down.root, "big"), large)

    def test_a_disk_that_others_filled(self):
        ballast = self.disk.fill()
        for name in (b"big", b"small", b"deep/er/new"):
            self.s3.put(self.bucket, name, b"the new version of " + name)
        run = self.down.once(expect=3)
        self.assert_told(run, b"big", b"small", b"deep/er/new")
        self.assertEqual(trees.read(self.down.root, "big"), self.old)
        self.assertEqual(trees.read(self.down.root, "small"), b"the old version")
        ballast.unlink()
        self.assert_counts(self.down.once(), downloaded=3)
        self.assert_bucket_equals(self.down.root)
        self.assert_idle(self.down)

    def test_as_many_as_there_is_room_for(self):
        for index in range(150):
            self.s3.put(self.bucket, b"many/%03d" % index, trees.content(100_000, index))
        run = self.down.once(expect=3)
        done = run.cycle["downloaded"]
        self.assertTrue(0 < done < 150, run)
        self.assertEqual(len(self.problems(run)), 150 - done)
        self.assertEqual(set(self.problems(run).values()), {"unwritable"})
        self.assertEqual(trees.leftovers(self.down.root), [])
        tree = trees.snapshot(self.down.root, mtimes=False, modes=False)
        self.assertEqual(len(tree), 2 + done)
        self.assert_equal_trees({name: self.listing()[name] for name in tree}, self.facts(tree), "what was installed")
        self.disk.grow(32)
        self.assert_counts(self.down.once(), downloaded=150 - done)
        self.assert_bucket_equals(self.down.root)

    def test_deletes_need_no_room(self):
        self.disk.fill()
        self.s3.delete(self.bucket, b"small")
        self.assert_counts(self.down.once(), deletedLocal=1)
        self.assertEqual(trees.trash(self.down.root), {b"small": [b"the old version"]})

    @staticmethod
    def facts(tree):
        return {name: (facts.size, facts.md5) for name, facts in tree.items()}


class FullStateTests(RealServerCase):
    """The state directory on a disk of 8 MiB."""

    def setUp(self):
        super().setUp()
        self.up = self.machine("up", delete=True)
        trees.write_many(self.up.root, 40)
        self.disk = SmallDisk(self.up.state)
        self.addCleanup(self.disk.close)

    def assert_words(self, run):
        self.assertEqual(run.code, 1, run)
        self.assertIn("o space left", run.err)
        self.assertIn("make room", run.err)
        self.assertNotIn("damaged", run.err)

    def test_full_before_the_first_run(self):
        ballast = self.disk.fill()
        self.assert_words(self.up.run("--once"))
        self.assertEqual(self.keys(), [])
        ballast.unlink()
        self.assert_counts(self.up.once(), uploaded=40)
        self.assert_idle(self.up)

    def test_room_for_the_status_and_none_for_the_index(self):
        ballast = self.disk.fill(leave=40_000)
        self.assert_words(self.up.run("--once"))
        self.assertEqual(self.keys(), [])
        ballast.unlink()
        self.assert_counts(self.up.once(), uploaded=40)
        self.assert_idle(self.up)

    def test_full_in_the_middle_of_a_run(self):
        fault = self.proxy.fault("PUT", first=3, hold=True)
        self.up.write_config()
        running = self.up.start("--once")
        fault.wait_until_reached()
        ballast = self.disk.fill()
        fault.release()
        self.assert_words(running.wait())
        self.proxy.heal()
        stored = len(self.keys())
        self.assertGreater(stored, 0)
        # Without room it fails in the same words, and harms nothing.
        self.assert_words(self.up.run("--once"))
        self.assertEqual(len(self.keys()), stored)
        ballast.unlink()
        run = self.up.once()
        # What went up before is found by its content.
        self.assert_counts(run, uploaded=40 - stored)
        self.assertEqual(run.folder["warnings"], [], "the index was none the worse")
        self.assert_bucket_equals(self.up.root)
        self.assert_idle(self.up)

    def test_full_while_deletes_are_recorded(self):
        self.up.once()
        for index in range(5):
            trees.remove(self.up.root, f"file{index:03}.txt")
        fault = self.proxy.fault("POST", hold=True)
        self.up.write_config()
        running = self.up.start("--once")
        fault.wait_until_reached()
        ballast = self.disk.fill()
        fault.release()
        self.assert_words(running.wait())
        self.proxy.heal()
        ballast.unlink()
        self.up.once()
        self.assert_bucket_equals(self.up.root)
        self.assert_idle(self.up)
