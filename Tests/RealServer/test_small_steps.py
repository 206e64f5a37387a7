"""The quantity gate's hour: many small deletes are one large one, until an hour has passed; an approval holds for a day."""

import sqlite3

from harness import trees
from harness.case import RealServerCase

HOUR = 3_600 * 1_000_000_000


class SmallStepsCase(RealServerCase):
    """Five of 40 at a time, each far below the limit."""

    direction = "up"

    def setUp(self):
        super().setUp()
        self.here = self.machine(direction=self.direction, delete=True)
        if self.direction == "up":
            trees.write_many(self.here.root, 40)
        else:
            for index in range(40):
                self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.here.once()

    def step(self, number):
        for index in range(number * 5, number * 5 + 5):
            if self.direction == "up":
                trees.remove(self.here.root, f"file{index:03}.txt")
            else:
                self.s3.delete(self.bucket, b"file%03d.txt" % index)

    def left(self):
        """Entries of the side that follows."""
        return len(self.keys()) if self.direction == "up" else len(trees.snapshot(self.here.root))

    def assert_deleted(self, count):
        side = "deletedRemote" if self.direction == "up" else "deletedLocal"
        self.assert_counts(self.here.once(), **{side: count})

    def halt(self):
        for number in range(4):
            self.step(number)
            self.assert_deleted(5)
        self.step(4)
        self.assert_halted()

    def assert_halted(self):
        run = self.here.run("--once", expect=4)
        status = " ".join(self.here.run("status", expect=0).out.split())
        for words in (
            "5 of 40 entries would be deleted or overwritten, after 20 in the last hour (62 % of 40, and more than 50 %",
            "None of that has been done",
            "file020.txt, file021.txt, file022.txt, file023.txt, file024.txt",
            "syncd approve files",
        ):
            self.assertIn(words, run.err)
            self.assertIn(words, status)
        self.assertIn("halted", run.out)
        self.assertEqual(self.left(), 20)

    def change_index(self, sql, *arguments):
        """Time passes. - Returns: the rows that it passed for."""
        with sqlite3.connect(self.here.state / "index.db") as index:
            count = index.execute(sql, arguments).rowcount
        index.close()
        return count


class SmallStepsTests(SmallStepsCase):
    def test_the_fifth_step_halts(self):
        self.halt()
        self.assert_halted()

    def test_what_comes_back_goes_on_without_approval(self):
        self.halt()
        for index in range(20, 25):
            if self.direction == "up":
                trees.write(self.here.root, f"file{index:03}.txt", trees.content(100, f"file{index}"))
            else:
                self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.assert_counts(self.here.once())
        self.assertIsNone(self.here.status().folder["halt"])
        self.assertEqual(self.left(), 20)

    def test_an_hour_later_the_next_step_is_a_small_one(self):
        self.halt()
        self.assertEqual(self.change_index("UPDATE deleted SET time = time - ?", HOUR), 4)
        self.assert_deleted(5)

    def test_a_step_more_than_was_approved_is_weighed_by_itself(self):
        self.halt()
        self.here.approve()
        self.step(5)
        run = self.here.run("--once", expect=4)
        self.assertIn("5 of ", run.err)
        self.assertIn("file025.txt", run.err)
        self.assertNotIn("file024.txt", run.err)
        self.assertEqual(self.left(), 15, "those that were approved have gone")

    def test_an_approval_holds_for_a_day(self):
        self.halt()
        self.here.approve()
        # Half a minute may have passed by itself.
        self.assertEqual(self.change_index("UPDATE approval SET expiry = expiry - ?", 24 * HOUR), 5)
        self.assert_halted()
        self.here.approve()
        self.assertEqual(self.change_index("UPDATE approval SET expiry = expiry - ?", 23 * HOUR), 5)
        self.assert_deleted(5)
        self.assertEqual(self.left(), 15)


class SmallStepsDownTests(SmallStepsTests):
    direction = "down"
