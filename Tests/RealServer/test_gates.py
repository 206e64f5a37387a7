"""What must never delete, does not: each gate, as an operator meets it."""

import shutil

from harness import trees
from harness.case import RealServerCase


class UpGateTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.up = self.machine("up", delete=True)
        trees.write_many(self.up.root, 30)
        self.up.once()
        self.before = self.keys()

    def assert_halted(self, run, words, command=True):
        self.assertEqual(run.folder["state"], "halted", run)
        self.assertIn(words, run.folder["halt"]["reason"])
        self.assertEqual(run.folder["halt"]["command"] is not None, command, run)
        self.assertEqual(self.keys(), self.before, "objects were deleted")

    def test_an_emptied_root(self):
        trees.remove(self.up.root, "")
        self.up.root.mkdir()
        self.assert_halted(self.up.once(expect=4), "")

    def test_an_emptied_root_that_is_still_the_same_directory(self):
        for index in range(30):
            trees.remove(self.up.root, f"file{index:03}.txt")
        self.assert_halted(self.up.once(expect=4), "no file that is to be synced")
        self.assertEqual(self.up.status().folder["state"], "halted")

    def test_a_missing_root_is_not_created(self):
        self.up.root.rename(self.up.place / "away")
        self.assert_halted(self.up.once(expect=4), "not there", command=False)
        self.assertFalse(self.up.root.exists())
        (self.up.place / "away").rename(self.up.root)
        self.assert_counts(self.up.once())

    def test_another_root_in_its_place(self):
        self.up.root.rename(self.up.place / "away")
        self.up.root.mkdir()
        for index in range(1, 30):
            shutil.copy(self.up.place / "away" / f"file{index:03}.txt", self.up.root)
        self.assert_halted(self.up.once(expect=4), "another directory")
        self.up.approve()
        self.assert_counts(self.up.once(), deletedRemote=1)

    def test_a_mass_delete_waits_for_approval_and_the_rest_goes_on(self):
        for index in range(20):
            trees.remove(self.up.root, f"file{index:03}.txt")
        trees.write(self.up.root, "new", "new")
        run = self.up.once(expect=4)
        self.assert_counts(run, uploaded=1)
        self.assertEqual(run.folder["pending"]["deletes"], 20)
        self.assertIn("20 of 30", run.folder["halt"]["reason"])
        self.assertEqual(self.keys(), sorted([*self.before, b"new"]))
        plan = self.up.plan(expect=4).document["folders"][0]
        self.assertEqual([change["gated"] for change in plan["changes"]], [True] * 20)
        self.assertEqual(self.up.approve().document["approved"], 20)
        self.assert_counts(self.up.once(), deletedRemote=20)
        self.assert_bucket_equals(self.up.root)

    def test_an_approval_is_for_what_was_shown(self):
        for index in range(20):
            trees.remove(self.up.root, f"file{index:03}.txt")
        self.up.once(expect=4)
        self.up.approve()
        self.s3.put(self.bucket, b"file000.txt", b"another version than the one that was shown")
        run = self.up.once(expect=4)
        self.assertEqual(run.cycle["deletedRemote"], 19, run)
        self.assertIn(b"file000.txt", self.keys())

    def test_a_halt_clears_when_its_cause_is_gone(self):
        for index in range(20):
            trees.remove(self.up.root, f"file{index:03}.txt")
        self.up.once(expect=4)
        trees.write_many(self.up.root, 30)
        self.assert_counts(self.up.once())

    def test_foreign_objects_stay_until_they_are_approved(self):
        self.s3.put(self.bucket, b"stranger", b"precious")
        run = self.up.once(expect=4)
        self.assertIn("never wrote", run.folder["halt"]["reason"])
        self.assertIn("stranger", run.folder["halt"]["reason"])
        self.assertIn(b"stranger", self.keys())
        self.up.approve()
        self.assert_counts(self.up.once(), deletedRemote=1)

    def test_a_listing_that_fails_on_its_second_page_deletes_nothing(self):
        self.proxy.page_size = 10
        trees.remove(self.up.root, "file000.txt")
        for options in ({"status": 500}, {"cut_after": 200}, {"close": True}, {"status": 403, "code": "AccessDenied"}):
            with self.subTest(**options):
                self.proxy.fault("LIST", first=2, **options)
                self.addCleanup(self.proxy.heal)
                run = self.up.once(expect=69 if "close" in options else 1)
                self.proxy.heal()
                self.assert_counts(run)
                self.assertEqual(self.keys(), self.before)
        self.assert_counts(self.up.once(), deletedRemote=1)


class DownGateTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.down = self.machine("down", direction="down", delete=True)
        for index in range(12):
            self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.down.once()
        self.before = trees.snapshot(self.down.root)

    def assert_untouched(self):
        self.assert_equal_trees(self.before, trees.snapshot(self.down.root), "the root")

    def test_an_emptied_bucket(self):
        for key in self.keys():
            self.s3.delete(self.bucket, key)
        run = self.down.once(expect=4)
        self.assertEqual(run.folder["state"], "halted")
        self.assert_untouched()

    def test_a_listing_that_fails_on_its_second_page(self):
        self.proxy.page_size = 5
        self.s3.delete(self.bucket, b"file000.txt")
        self.proxy.fault("LIST", first=2, status=500)
        self.down.once(expect=1)
        self.assert_untouched()

    def test_a_mass_delete(self):
        for key in self.keys()[:10]:
            self.s3.delete(self.bucket, key)
        self.down.once(expect=4)
        self.assert_untouched()

    def test_files_that_were_never_in_the_bucket(self):
        trees.write(self.down.root, "mine", "precious")
        self.down.once(expect=4)
        self.assertEqual(trees.read(self.down.root, "mine"), b"precious")
        self.down.approve()
        self.assert_counts(self.down.once(), deletedLocal=1)
        self.assertEqual(trees.trash(self.down.root), {b"mine": [b"precious"]})
