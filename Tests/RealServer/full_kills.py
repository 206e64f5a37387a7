"""What takes too long for every day: a hundred kills of a mirror of 2,000 files and 1 GiB, and a file of 10 GiB."""

import os
import time

import test_random_kills
from harness import trees
from harness.case import RealServerCase


class FullRandomKillTests(test_random_kills.RandomKillTests):
    files = 2_000
    large = 1 << 30
    kills = 50
    kills_in_round = 10


class SparseFileTests(RealServerCase):
    size = 10 << 30
    killed_at = 0.9

    def test_a_sparse_file_that_is_killed_near_its_end(self):
        up = self.machine("up")
        up.timeout = 3_600
        path = trees.write(up.root, "sparse", b"")
        os.truncate(path, self.size)
        parts = self.size // trees.PART_SIZE
        began = time.monotonic()
        running = up.start_once()
        self.wait_for(lambda: len(self.proxy.done) >= self.killed_at * parts, "most of the parts", 3_600)
        running.kill()
        self.proxy.wait_until_quiet()
        first = time.monotonic() - began
        before = {request.part for request in self.proxy.take_done() if request.part}
        run = up.once()
        sent = [request.part for request in self.proxy.take_done() if request.part]
        again = [number for number in sent if number in before]
        print(
            f"        sparse file: {parts} parts, killed after {len(before)} in {first:.0f} s; then sent {len(sent)},"
            f" {len(again)} of them again; bytesUp {run.cycle['bytesUp']} of {self.size}",
            flush=True,
        )
        self.assertEqual(before | set(sent), set(range(1, parts + 1)))
        self.assertEqual(len(sent), len(set(sent)), "a part was sent twice in one run")
        self.assertLessEqual(len(again), test_random_kills.PARTS_AT_ONCE)
        self.assertEqual(run.cycle["bytesUp"], len(sent) * trees.PART_SIZE)
        self.assertEqual(self.s3.uploads(self.bucket), [])
        self.assert_bucket_equals(up.root)
        self.assert_idle(up)
