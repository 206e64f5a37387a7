"""The checks of folders that sync both ways: two machines with one prefix, one after the other."""

import random
import time

import checks
from harness import trees
from harness.twoway import conflict_name

LATER = trees.OLD + 100 * trees.SECOND


class Checks(checks.Checks):
    """One method for each row that is about both ways, beside all others."""

    def guard(self, kind):
        """What a folder's writes go by once its first cycle has tried the service."""
        machine = self.machine("one", "both")
        trees.write(machine.root, "f", "x")
        machine.once()
        guards = machine.status().folder["guards"]
        return {"condition": "guarded", "head": "unguarded"}[guards[kind]]

    def test_overwrites_both_ways(self):
        self.cell = self.guard("overwrites")

    def test_parts_both_ways(self):
        self.cell = self.guard("parts")

    def test_deletes_both_ways(self):
        self.cell = self.guard("deletes")

    # Two machines.

    def pair(self):
        """Two with one prefix, a tree at the first, and the other as empty as the bucket."""
        return self.tree(self.machine("one", "both")), self.machine("two", "both")

    def rest_both(self, one, two):
        """Cycles at both until neither finds anything to do, twice in a row."""
        idle = 0
        for _ in range(8):
            runs = [machine.once() for machine in (one, two)]
            idle = idle + 1 if all(set(run.requests) == {"LIST"} for run in runs) else 0
            if idle == 2:
                break
        else:
            self.fail("no rest\n" + "\n".join(map(str, runs)))
        self.assert_same_tree(one.root, two.root)
        self.assert_mirrored(one)

    def edit(self, one, two):
        """Something of everything. - Returns: the contents that must be there in the end, by their names."""
        trees.write(one.root, "d0/new", "new at the first")
        trees.write(two.root, "d1/new", "new at the second")
        trees.remove(one.root, "d0/f 0")
        trees.remove(two.root, "d1/f 1")
        trees.write(one.root, "d2/f 2", "edited and deleted")
        trees.remove(two.root, "d2/f 2")
        trees.write(one.root, "empty", "edited at the first", trees.OLD)
        trees.write(two.root, "empty", "edited at the second", LATER)
        trees.write(two.root, "large", trees.large_content(checks.LARGE, 2))
        return {
            "d0/new": "new at the first",
            "d1/new": "new at the second",
            "d2/f 2": "edited and deleted",
            "empty": "edited at the second",
            conflict_name("empty", "edited at the first", trees.OLD): "edited at the first",
            "large": trees.large_content(checks.LARGE, 2),
        }

    def assert_edited(self, machine, expected):
        for name, content in expected.items():
            self.assertEqual(trees.read(machine.root, name), trees.name_bytes(content), name)
        for name in ("d0/f 0", "d1/f 1"):
            self.assertFalse(trees.exists(machine.root, name), name)
        self.assertEqual(len(trees.snapshot(machine.root)), 33, "names")

    def between(self, one, two, disturb):
        """A tree comes from one to the other, is edited at both, and comes to rest; `disturb` is done to each machine
        before its first cycles."""
        for machine in (one, two):
            disturb(machine)
        self.rest_both(one, two)
        expected = self.edit(one, two)
        for machine in (one, two):
            disturb(machine)
        self.rest_both(one, two)
        self.assert_edited(one, expected)
        self.assert_no_uploads()
        self.cell = "works"

    def test_both_ways(self):
        self.between(*self.pair(), lambda machine: None)

    def test_both_ways_with_crashes(self):
        self.between(*self.pair(), self.crash)

    def test_both_ways_with_kills(self):
        seed = random.randrange(1 << 32)
        print(f"        seed {seed}", flush=True)
        chance = random.Random(seed)

        def kill(machine):
            for _ in range(3):
                running = machine.start_once()
                time.sleep(chance.uniform(0.02, 0.8))
                running.kill()
                # What a dead one had sent arrives before the other begins: nothing guards it everywhere.
                self.proxy.wait_until_quiet()

        self.between(*self.pair(), kill)
