"""How many deletes are too many, and how a halted folder goes on: by approval, or because its cause is gone."""

from harness import trees
from harness.case import RealServerCase


class UpQuantityTests(RealServerCase):
    def filled(self, count, **folder):
        up = self.machine("up", delete=True, **folder)
        trees.write_many(up.root, count)
        up.once()
        return up

    def remove(self, up, numbers):
        for index in numbers:
            trees.remove(up.root, f"file{index:03}.txt")

    def test_half_is_not_too_many_and_one_more_is(self):
        up = self.filled(20)
        self.remove(up, range(10))
        self.assert_counts(up.once(), deletedRemote=10)
        up = self.machine("other", delete=True, prefix="other")
        trees.write_many(up.root, 20)
        up.once()
        self.remove(up, range(11))
        self.assert_counts(up.once(expect=4))

    def test_deletes_of_one_hour_count_together(self):
        up = self.filled(30)
        self.remove(up, range(8))
        self.assert_counts(up.once(), deletedRemote=8)
        self.remove(up, range(8, 16))
        run = up.once(expect=4)
        self.assert_counts(run)
        words = "8 of 30 entries would be deleted or overwritten, after 8 in the last hour (53 %"
        self.assertIn(words, run.folder["halt"]["reason"])

    def test_fewer_than_ten_never_halt_by_their_share(self):
        up = self.filled(14)
        self.remove(up, range(9))
        self.assert_counts(up.once(), deletedRemote=9)

    def test_of_five_or_more_at_least_two_are_left(self):
        up = self.filled(5)
        self.remove(up, range(4))
        self.assert_counts(up.once(expect=4))
        self.assertEqual(len(self.keys()), 5)

    def test_a_share_of_its_own(self):
        up = self.filled(40, maxDeletePercent=10)
        self.remove(up, range(10))
        self.assert_counts(up.once(expect=4))
        up.folder["maxDeletePercent"] = 100
        self.assert_counts(up.once(), deletedRemote=10)

    def test_overwriting_many_foreign_versions_waits_for_approval(self):
        up = self.machine("up")
        trees.write_many(up.root, 12)
        trees.write(up.root, "new", "new")
        for index in range(12):
            self.s3.put(self.bucket, f"file{index:03}.txt", b"precious")
        run = up.once(expect=4)
        self.assert_counts(run, uploaded=1)
        self.assertEqual(self.s3.get(self.bucket, b"file000.txt"), b"precious")
        self.assertEqual(up.approve().document["approved"], 12)
        self.assert_counts(up.once(), uploaded=12)
        self.assert_bucket_equals(up.root)

    def test_without_delete_foreign_objects_are_nobody_s_business(self):
        self.s3.put(self.bucket, b"stranger", b"precious")
        up = self.machine("up")
        trees.write_many(up.root, 2)
        self.assert_counts(up.once(), uploaded=2)
        self.assertIn(b"stranger", self.keys())
        self.assert_idle(up)

    def test_an_emptied_bucket_is_filled_again_only_when_approved(self):
        up = self.filled(6)
        for key in self.keys():
            self.s3.delete(self.bucket, key)
        run = up.once(expect=4)
        self.assertIn("bucket", run.folder["halt"]["reason"])
        self.assertEqual(self.keys(), [])
        up.approve()
        self.assert_counts(up.once(), uploaded=6)
        self.assert_idle(up)

    def test_an_emptied_root_takes_two_approvals(self):
        up = self.filled(12)
        self.remove(up, range(12))
        up.once(expect=4)
        up.approve()
        # The emptiness is believed now; what is to be deleted because of it is another question.
        run = up.once(expect=4)
        self.assertEqual(run.folder["pending"]["deletes"], 12, run)
        self.assertEqual(len(self.keys()), 12)
        self.assertEqual(up.approve().document["approved"], 12)
        self.assert_counts(up.once(), deletedRemote=12)
        self.assertEqual(self.keys(), [])
        self.assert_idle(up)

    def test_an_emptied_root_that_fills_again_goes_on_by_itself(self):
        up = self.filled(6)
        self.remove(up, range(6))
        up.once(expect=4)
        trees.write_many(up.root, 6)
        self.assert_counts(up.once())
        self.assertEqual(up.status().folder["halt"], None)

    def test_an_approval_where_nothing_waits(self):
        up = self.filled(3)
        self.assertEqual(up.approve().document["approved"], 0)
        self.remove(up, range(1))
        self.assert_counts(up.once(), deletedRemote=1)

    def test_people_are_told_what_halted_and_how_to_go_on(self):
        up = self.filled(20)
        self.remove(up, range(15))
        run = up.run("--once", expect=4)
        self.assertIn("15 of 20", run.err)
        self.assertIn("file000.txt", run.err)
        self.assertIn("syncd approve files", run.err)
        status = up.run("status", expect=0)
        self.assertIn("halted", status.out)
        self.assertIn("syncd approve files", status.out)
        plan = up.run("plan", expect=4)
        self.assertIn("file014.txt", plan.out)
        self.assertEqual(len(self.keys()), 20)


class DownQuantityTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.down = self.machine("down", direction="down", delete=True)
        for index in range(12):
            self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.down.once()
        self.before = trees.snapshot(self.down.root)

    def assert_untouched(self):
        self.assert_equal_trees(self.before, trees.snapshot(self.down.root), "the root")

    def test_an_emptied_bucket_takes_two_approvals_and_leaves_all_in_the_trash(self):
        for key in self.keys():
            self.s3.delete(self.bucket, key)
        self.down.once(expect=4)
        self.down.approve()
        self.down.once(expect=4)
        self.assert_untouched()
        self.down.approve()
        self.assert_counts(self.down.once(), deletedLocal=12)
        kept = {name: [trees.content(100, index)] for index, name in enumerate(sorted(self.before))}
        self.assertEqual(trees.trash(self.down.root), kept)

    def test_a_bucket_that_fills_again_goes_on_by_itself(self):
        for key in self.keys():
            self.s3.delete(self.bucket, key)
        self.down.once(expect=4)
        for index in range(12):
            self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.assert_counts(self.down.once())
        self.assert_untouched()

    def test_a_missing_root_is_not_created(self):
        self.down.root.rename(self.down.place / "away")
        run = self.down.once(expect=4)
        self.assertEqual(run.folder["halt"]["command"], None)
        self.assertFalse(self.down.root.exists())

    def test_an_emptied_root_is_not_filled_unasked(self):
        for name in self.before:
            trees.remove(self.down.root, name)
        self.down.once(expect=4)
        self.assertEqual(trees.snapshot(self.down.root), {})
        self.down.approve()
        self.assert_counts(self.down.once(), downloaded=12)

    def test_overwriting_many_edits_waits_for_approval(self):
        for name in self.before:
            trees.write(self.down.root, name, b"edited " + name, None)
        self.down.once(expect=4)
        self.assertEqual(trees.read(self.down.root, "file000.txt"), b"edited file000.txt")
        self.down.approve()
        self.assert_counts(self.down.once(), downloaded=12)
        self.assertEqual(trees.trash(self.down.root), {name: [b"edited " + name] for name in self.before})

    def test_without_delete_nothing_goes(self):
        self.down.folder["delete"] = False
        self.s3.delete(self.bucket, b"file000.txt")
        trees.write(self.down.root, "mine", "mine")
        self.assert_counts(self.down.once())
        self.assertTrue(trees.exists(self.down.root, "file000.txt"))
        self.assertTrue(trees.exists(self.down.root, "mine"))
