"""Two machines that sync both ways with one prefix, edited at once and killed at random: in the end both hold the same, the
bucket too, and nothing is lost that nobody replaced."""

import random
import time

from harness import trees
from harness.twoway import TwoWayCase
from harness.users import Ledger, User

NAMES = ["a.txt", "b", "dir/c.txt", "e (1).tar.gz", "\u00e9", "deep/er/f"]
LARGE = 17 << 20


class TwoMachineTests(TwoWayCase):
    rounds = 10
    edits = 12
    kills = 6
    maximum_cycles = 12

    def setUp(self):
        super().setUp()
        self.seed = random.SystemRandom().randrange(1 << 32)
        self.random = random.Random(self.seed)
        print(f"        two machines: seed {self.seed}", flush=True)
        self.ledger = Ledger()
        # Users may delete as much as they like, and no gate is to stop them.
        options = {"prefix": "shared", "maxDeletePercent": 100, "listInterval": "1s", "deleteDelay": "0s"}
        self.pair = [self.both(name, endpoint=self.server.endpoint, **options) for name in ("one", "two")]
        self.users = [User(machine, machine.place.name, self.ledger) for machine in self.pair]
        self.count = 0
        for index in range(100):
            self.users[index % 2].write(f"keep {index}", self.content(), trees.OLD)

    # Edits.

    def content(self, size=0):
        """One that nobody has written before."""
        self.count += 1
        filler = trees.large_content(LARGE, self.count)[: size or self.random.randrange(40)]
        return f"{self.seed} {self.count} ".encode() + filler

    def edit(self):
        """One user does something."""
        user = self.random.choice(self.users)
        # Whatever stands there by now, a copy of a conflict too, but for what keeps the folder from being emptied.
        present = [name for name in user.names() if not name.startswith((b"keep", b"large"))]
        dice = self.random.random()
        # Some write at once what others wrote a day ago: by their clocks, and so the winners differ.
        mtime = self.random.choice([None, trees.OLD + self.random.randrange(1_000) * trees.SECOND])
        if dice < 0.55 or not present:
            user.write(self.random.choice(NAMES), self.content(), mtime)
        elif dice < 0.75:
            user.write(self.random.choice(present), self.content(), mtime)
        elif dice < 0.90:
            user.delete(self.random.choice(present))
        elif dice < 0.97:
            user.move(self.random.choice(present), self.random.choice(NAMES))
        else:
            # Of one machine only: what goes up in parts has no condition.
            user.write(f"large {user.name}", self.content(LARGE), mtime)

    # The end.

    def contents(self, root):
        return {name: trees.read(root, name) for name in trees.snapshot(root)}

    def come_to_rest(self):
        """Cycles on both until two in a row of each find nothing to do."""
        idle = 0
        for _ in range(self.maximum_cycles):
            runs = [machine.once() for machine in self.pair]
            idle = idle + 1 if all(set(run.requests) == {"LIST"} for run in runs) else 0
            if idle == 2:
                return
        self.fail("no rest:\n" + "\n".join(map(str, runs)))

    def assert_nothing_lost(self, kills):
        one, two = (self.contents(machine.root) for machine in self.pair)
        self.assertEqual(sorted(one), sorted(two), "the names")
        self.assertEqual([name for name in one if one[name] != two[name]], [], "the contents")
        for machine in self.pair:
            self.assert_bucket_equals(machine.root, b"shared/")
            self.assertEqual(trees.leftovers(machine.root), [])
        found = set(one.values())
        lost = self.ledger.alive - found
        # An edit of the very moment in which another version was installed lies in the trash, where a kill came between.
        trash = {data for machine in self.pair for versions in trees.trash(machine.root).values() for data in versions}
        self.assertEqual([data[:40] for data in lost - trash], [], "lost")
        if not kills:
            self.assertEqual([data[:40] for data in lost], [], "only in the trash")
        copies = sum(b" (conflict " in name for name in one)
        self.tell(
            f"{len(self.ledger.written)} versions, {len(self.ledger.alive)} that nobody replaced, {copies} conflict copies, "
            f"{kills} kills, {len(lost)} versions only in the trash"
        )

    # The tests.

    def play(self, kills):
        """Rounds of edits while both machines run cycles at once, some of which are killed."""
        done = 0
        for _ in range(self.rounds):
            running = [machine.start_once() for machine in self.pair]
            for _ in range(self.random.randrange(2, self.edits)):
                self.edit()
                if self.random.random() < 0.5:
                    time.sleep(self.random.uniform(0, 0.05))
            for process in running:
                if done < kills and self.random.random() < 0.6:
                    time.sleep(self.random.uniform(0, 0.15))
                    done += process.process.poll() is None
                    process.kill()
                else:
                    self.assertIn(process.wait().code, (0, 3))
        self.come_to_rest()
        self.assert_nothing_lost(done)

    def test_edits_on_both_while_both_sync(self):
        self.play(kills=0)

    def test_edits_on_both_while_both_sync_and_are_killed(self):
        self.play(kills=self.kills)

    def test_daemons_that_are_killed(self):
        daemons = [self.start_daemon(machine) for machine in self.pair]
        kills = 0
        for _ in range(self.rounds):
            for _ in range(self.random.randrange(2, self.edits)):
                self.edit()
                time.sleep(self.random.uniform(0, 0.1))
            if kills < self.kills and self.random.random() < 0.6:
                index = self.random.randrange(2)
                daemons[index].kill()
                kills += 1
                self.edit()
                daemons[index] = self.start_daemon(self.pair[index], ready=False)
        for daemon in daemons:
            self.end(daemon)
        self.come_to_rest()
        self.assert_nothing_lost(kills)
