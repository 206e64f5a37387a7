"""`kill -9` at random moments of a mirror with many small files and a large one: all is whole at any time, the next run
sends again at most what was under way, and both sides end up equal."""

import random
import shutil
import time

from harness import trees
from harness.case import RealServerCase

CONCURRENCY = 32
# Parts and ranges under way at once, of all large objects together, at that concurrency.
PARTS_AT_ONCE = 8
# Small downloads are installed together in batches of this many: those that a kill finds waiting are fetched again.
BATCH = 256
SMALL = 1_000


class Carried:
    """What went through the proxy in the runs of one round, and how much of it had gone through before."""

    def __init__(self, kind, small_at_once):
        self.kind = kind
        self.small_at_once = small_at_once
        self.parts = 0
        self.small = 0
        self._seen = set()
        # Kills whose work may be carried again in the run that is looked at next.
        self._kills = 0

    def check(self, case, is_quiet):
        """Looks at what was carried since the last time, which was until a kill, or until an end. `is_quiet` says that
        nothing is still arriving. A run carries again at most what was under way at a kill."""
        parts = small = 0
        for request in case.proxy.take_done():
            if request.kind != self.kind or (request.key, request.piece) not in self._seen:
                self._seen.add((request.key, request.piece))
            elif request.piece:
                parts += 1
            else:
                small += 1
        case.assertLessEqual(parts, self._kills * PARTS_AT_ONCE, "parts that were carried again")
        case.assertLessEqual(small, self._kills * self.small_at_once, "small files that were carried again")
        self.parts += parts
        self.small += small
        self._kills = 1 if is_quiet else self._kills + 1

    def __str__(self):
        size = self.parts * trees.PART_SIZE + self.small * SMALL
        return f"carried again: {self.parts} parts and {self.small} small files, {size >> 20} MiB"


class RandomKillTests(RealServerCase):
    """The size of this is for every day; a subclass makes it larger."""

    files = 300
    large = 96 << 20
    kills = 8
    kills_in_round = 4

    def setUp(self):
        super().setUp()
        self.seed = random.SystemRandom().randrange(1 << 32)
        self.random = random.Random(self.seed)
        self.source = self.place / "source"
        self.source.mkdir()
        for index in range(self.files):
            trees.write(self.source, f"{index % 50:02}/file {index}", trees.content(SMALL, index))
        trees.write_large(self.source, "large", self.large, self.seed)
        self.expected = self.facts(self.source)

    def facts(self, root):
        return {name: (facts.size, facts.md5) for name, facts in trees.snapshot(root, False, False).items()}

    # The two directions: how a round begins, what holds at any time, what holds at its end, how it is cleared away.

    def test_up(self):
        objects = self.expected | {b"large": (self.large, trees.etag(self.source, b"large"))}

        def begin(number):
            bucket = f"{self.bucket}-{number}"
            self.s3.create_bucket(bucket)
            return self.machine(f"up-{number}", path=str(self.source), bucket=bucket)

        def stored(machine):
            found = self.s3.list(machine.folder["bucket"])
            return {key: (listed.size, listed.etag) for key, listed in found.items()}

        def at_rest(machine):
            self.assert_equal_trees(objects, stored(machine), "the bucket")
            self.assertEqual(self.s3.uploads(machine.folder["bucket"]), [], "unfinished uploads")
            self.assertEqual(trees.leftovers(self.source), [])
            self.s3.delete_bucket(machine.folder["bucket"])

        self.kill_at_random("up", "PUT", begin, lambda machine: (objects, stored(machine)), at_rest, CONCURRENCY)

    def test_down(self):
        self.machine("filler", endpoint=self.server.endpoint, path=str(self.source)).once()

        def at_rest(machine):
            self.assert_equal_trees(self.expected, self.facts(machine.root), "the root")
            self.assertEqual(trees.leftovers(machine.root), [])
            shutil.rmtree(machine.place)

        self.kill_at_random(
            "down",
            "GET",
            lambda number: self.machine(f"down-{number}", direction="down"),
            lambda machine: (self.expected, self.facts(machine.root)),
            at_rest,
            BATCH + CONCURRENCY,
        )

    # The kills.

    def kill_at_random(self, title, kind, begin, look, at_rest, small_at_once):
        """Rounds of a mirror from nothing, each killed at moments spread over the time that an undisturbed one takes.
        `look` says what may be on the receiving side, and what is there."""
        print(f"        random kills: {title}: seed {self.seed}", flush=True)
        undisturbed = begin(0)
        began = time.monotonic()
        undisturbed.once()
        span = time.monotonic() - began
        at_rest(undisturbed)
        total = Carried(kind, small_at_once)
        killed = rounds = 0
        while killed < self.kills:
            rounds += 1
            machine = begin(rounds)
            self.proxy.take_done()
            carried = Carried(kind, small_at_once)
            for _ in range(min(self.kills_in_round, self.kills - killed)):
                running = machine.start_once()
                time.sleep(self.random.uniform(0, 2 * span / self.kills_in_round))
                if running.process.poll() is not None:
                    running.wait(expect=0)
                    break
                running.kill()
                killed += 1
                # Half of the next runs begin while what the dead one had sent is still arriving.
                is_quiet = self.random.random() < 0.5
                if is_quiet:
                    self.proxy.wait_until_quiet()
                carried.check(self, is_quiet)
                allowed, found = look(machine)
                self.assertEqual(trees.differences(allowed | found, allowed), [], "something is there in part")
            machine.once()
            self.proxy.wait_until_quiet()
            carried.check(self, is_quiet=True)
            self.assert_idle(machine)
            at_rest(machine)
            total.parts += carried.parts
            total.small += carried.small
        print(f"        random kills: {title}: {killed} kills in {rounds} rounds of {span:.1f} s; {total}", flush=True)
