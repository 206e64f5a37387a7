"""A conflict whose cycle ends at any place between two effects: both versions are somewhere at any time, and in the end each
once, under its name."""

from harness import trees
from harness.crashes import CRASH_AT
from harness.twoway import TwoWayCase, conflict_name

LATER = trees.OLD + 100 * trees.SECOND


class ConflictCrashTests(TwoWayCase):
    files = 5

    def somewhere(self, here):
        """All contents that the folder, its trash and the bucket hold."""
        found = {trees.read(here.root, name) for name in trees.snapshot(here.root)}
        found |= {data for versions in trees.trash(here.root).values() for data in versions}
        return found | {self.s3.get(self.bucket, key) for key in self.keys()}

    def crash_everywhere(self, winner, mine, theirs, parts=None, step=1):
        """`mine` is here and `theirs` there; `winner` is the side that keeps the name. Every `step`th place is tried."""
        here = self.settled(endpoint=self.server.endpoint, conflict=winner)
        here.top = {"concurrency": 1}
        place = 1 - step
        while True:
            place += step
            name = f"notes {place}.txt"
            trees.write(here.root, name, mine, LATER)
            if parts:
                self.s3.put_in_parts(self.bucket, name.encode(), theirs, parts)
                modified = None
            else:
                self.put(name, theirs, trees.OLD)
                modified = trees.OLD
            running = here.start_once(environment={CRASH_AT: str(place)})
            running.process.communicate()
            ended = running.process.returncode == 0
            self.assertLessEqual({mine, theirs} - self.somewhere(here), set(), f"lost at place {place}")
            runs = [here.once() for _ in range(2)]
            self.assertEqual(set(runs[-1].requests), {"LIST"}, f"no rest after place {place}\n{runs[-1]}")
            copies = [copy for copy in self.conflicts(here) if copy.startswith(f"notes {place} ")]
            loser, time = (theirs, modified) if winner == "local" else (mine, LATER)
            if time is not None:
                self.assertEqual(copies, [conflict_name(name, loser, time)], f"after place {place}")
            self.assertEqual(len(copies), 1, f"after place {place}")
            self.assertEqual(trees.read(here.root, copies[0]), loser)
            self.assertEqual(trees.read(here.root, name), mine if winner == "local" else theirs)
            self.assert_same(here)
            self.clear(here, name, copies[0])
            if ended:
                break
        self.tell(f"the last of the places is at most {place - 1}; tried is one in {step}")
        self.assertGreater(place, 5)

    def clear(self, here, *names):
        """Both sides without these, so that the next place begins from the same; what goes on both is no gate's business."""
        for name in names:
            trees.remove(here.root, name)
            self.s3.delete(self.bucket, name.encode())
        self.assert_counts(here.once())

    def test_the_file_keeps_the_name(self):
        self.crash_everywhere("local", b"edited here", b"edited there")

    def test_the_object_keeps_the_name(self):
        self.crash_everywhere("remote", b"edited here", b"edited there")

    def test_large_versions(self):
        mine, theirs = trees.large_content(17 << 20, 1), trees.large_content(16 << 20, 2)
        self.crash_everywhere("remote", mine, theirs, parts=8 << 20, step=5)
