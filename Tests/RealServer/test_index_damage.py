"""A damaged index: it is kept aside, told of loudly, and built anew in the same run; both sides are none the worse."""

import random

from harness import trees
from harness.indexcase import FILES, IndexCase

MARKER = "index.open"


class IndexDamageCase(IndexCase):
    def blot(self, machine, text=b"file0"):
        """Garbage in every page of the database that holds the names of files."""
        index = machine.state / "index.db"
        data = bytearray(index.read_bytes())
        for start in range(0, len(data), 4_096):
            if text in data[start : start + 4_096]:
                data[start : start + 4_096] = trees.content(4_096, start)
        index.write_bytes(data)

    def assert_healed(self, machine, run, kept=1):
        self.assert_counts(run)
        self.assertEqual(run.folder["entries"], FILES)
        self.assertIn("1 entry that syncd never wrote", run.folder["halt"]["reason"])
        self.assertEqual(len(run.folder["warnings"]), kept, run)
        self.assertEqual(len(self.kept(machine)), kept)
        self.assert_equal_but_for(machine, b"stranger")
        after = machine.once(expect=4)
        self.assertEqual(set(after.requests), {"LIST"}, after)
        self.assertEqual(after.folder["warnings"], [])
        self.assertEqual(after.err.count("damaged"), 0, after)

    def go_on(self, machine):
        run = machine.once(expect=4)
        if "another directory" in run.folder["halt"]["reason"]:
            machine.approve()
            machine.once(expect=4)
        self.assert_equal_but_for(machine, b"stranger")
        after = machine.once(expect=4)
        self.assertEqual(set(after.requests), {"LIST"}, after)


class IndexDamageTests(IndexDamageCase):
    def test_a_file_that_is_no_database(self):
        machine = self.settled()
        content = b"a text file\n" * 1_000
        (machine.state / "index.db").write_bytes(content)
        run = machine.once(expect=4)
        self.assertEqual((machine.state / self.kept(machine)[0]).read_bytes(), content)
        self.assert_healed(machine, run)

    def test_an_empty_file_is_as_good_as_none(self):
        machine = self.settled()
        (machine.state / "index.db").write_bytes(b"")
        self.assert_healed(machine, machine.once(expect=4), kept=0)

    def test_damage_that_shows_in_use(self):
        machine = self.settled()
        self.blot(machine)
        self.assert_healed(machine, machine.once(expect=4))

    def test_damage_that_a_crash_left_is_found_before_the_run(self):
        machine = self.settled()
        self.blot(machine)
        (machine.state / MARKER).touch()
        run = machine.once(expect=4)
        self.assertEqual(run.requests["LIST"], 1, run)
        self.assert_healed(machine, run)

    def test_bytes_flipped_at_random(self):
        machine = self.settled()
        for seed in range(8):
            generator = random.Random(seed)
            index = machine.state / "index.db"
            data = bytearray(index.read_bytes())
            place = generator.randrange(len(data))
            data[place] ^= generator.randrange(1, 256)
            index.write_bytes(data)
            if seed % 2:
                (machine.state / MARKER).touch()
            self.edit(machine, f"file0{seed:02}.txt", f"edit {seed}")
            with self.subTest(self.direction, seed=seed, place=place):
                self.go_on(machine)

    def test_a_file_cut_short(self):
        machine = self.settled()
        for part in (1, 3, 5, 7):
            index = machine.state / "index.db"
            data = index.read_bytes()
            index.write_bytes(data[: len(data) * part // 8 // 512 * 512])
            with self.subTest(self.direction, part=part):
                self.go_on(machine)

    def test_the_log_of_another_time(self):
        machine = self.settled()
        self.killed(machine)
        log = (machine.state / "index.db-wal").read_bytes()
        machine.once(expect=4)
        for cycle in range(3):
            self.edit(machine, f"file00{cycle}.txt", f"edit {cycle}")
            machine.once(expect=4)
        (machine.state / "index.db-wal").write_bytes(log)
        self.go_on(machine)


class DownIndexDamageTests(IndexDamageTests):
    direction = "down"


class IndexDamageWordsTests(IndexDamageCase):
    def test_people_are_told_what_happened(self):
        machine = self.settled()
        self.blot(machine)
        run = machine.run("--once", "--quiet", expect=4)
        self.assertIn(f"syncd: files: the index {machine.state}/index.db was damaged (", run.err)
        self.assertIn(f"It is kept as {machine.state}/{self.kept(machine)[0]}", run.err)
        self.assertIn("was damaged", machine.run("status", expect=0).out)
        # The journal has it too, with the folder's name.
        self.blot(machine)
        log = machine.once(4, "--verbose").err
        self.assertRegex(log, r"(?m)^notice: the index .* was damaged .* folder=files$")

    def test_a_plan_and_an_approval_say_so_too(self):
        machine = self.settled()
        (machine.state / "index.db").write_bytes(b"damaged")
        run = machine.run("plan", expect=4)
        self.assertIn("was damaged", run.err)
        self.assertIn("stranger", run.out)
        (machine.state / "index.db").write_bytes(b"damaged")
        run = machine.run("approve", "files", expect=1)
        self.assertIn("was damaged", run.err)
        self.assertIn("Nothing was approved", run.err)
        self.assertEqual(len(self.kept(machine)), 2)
        self.assert_counts(machine.once(expect=4))
        self.assertEqual(machine.approve().document["approved"], 1)
        self.assert_counts(machine.once(), deletedRemote=1)

    def test_there_is_nothing_to_verify_against_a_damaged_index(self):
        machine = self.settled()
        self.blot(machine)
        run = machine.run("verify", expect=1)
        self.assertIn("was damaged", run.err)
        self.assertIn("There is nothing to verify against", run.err)
        self.assert_counts(machine.once(expect=4))
        machine.run("verify", expect=0)

    def test_at_most_three_are_kept(self):
        machine = self.settled()
        for _ in range(5):
            (machine.state / "index.db").write_bytes(b"damaged")
            machine.once(expect=4)
        self.assertEqual(len(self.kept(machine)), 3)
