"""Limits of bandwidth: what is moved takes as long as it must, and a reload changes it for what is under way."""

import signal
import time

from harness import trees
from harness.daemon import DaemonCase

MEBIBYTE = 1 << 20
RATE = 8 * MEBIBYTE
SMALL, SMALL_FILES = 512 << 10, 8
LARGE = 20 * MEBIBYTE
# How much longer than it must a run may take: the machine may be busy with other tests.
PATIENCE_SECONDS = 30


class BandwidthTests(DaemonCase):
    def assert_took(self, seconds, size):
        least = 0.95 * size / RATE
        self.tell(f"{size >> 20} MiB at {RATE >> 20} MiB/s in {seconds:.2f} s, at least {least:.2f}")
        self.assertGreaterEqual(seconds, least)
        self.assertLess(seconds, least + PATIENCE_SECONDS)

    def timed_once(self, machine):
        began = time.monotonic()
        run = machine.once()
        return run, time.monotonic() - began

    def fill(self, root):
        """Small files beside a large one. - Returns: the bytes of all."""
        for index in range(SMALL_FILES):
            trees.write(root, f"small{index}", trees.content(SMALL, f"small{index}"))
        trees.write_large(root, "large", LARGE)
        return SMALL_FILES * SMALL + LARGE

    def test_uploads_and_downloads_keep_to_their_limits(self):
        up = self.up()
        size = self.fill(up.root)
        up.top = {"uploadBytesPerSecond": "8MiB"}
        run, seconds = self.timed_once(up)
        self.assert_counts(run, uploaded=SMALL_FILES + 1)
        self.assertEqual(sum(request.size for request in self.proxy.requests if request.kind == "PUT"), size)
        self.assert_took(seconds, size)
        self.assert_bucket_equals(up.root)
        down = self.machine("down", direction="down")
        down.top = {"downloadBytesPerSecond": RATE}
        run, seconds = self.timed_once(down)
        self.assert_counts(run, downloaded=SMALL_FILES + 1)
        self.assert_took(seconds, size)
        self.assert_same_tree(up.root, down.root)

    def lift(self, ask):
        """An upload that would take minutes, until its limit is lifted as `ask` asks for it."""
        here = self.up()
        here.top = {"uploadBytesPerSecond": "64KiB"}
        trees.write_large(here.root, "large", LARGE)
        daemon = self.start_daemon(here, ready=False)
        self.wait_until_answering(daemon)
        self.wait_for(lambda: self.s3.uploads(self.bucket), "an upload under way")
        time.sleep(1)
        self.assertEqual(self.parts_sent(), [])
        here.top = {}
        here.write_config()
        ask(here, daemon)
        self.wait_for_object("large", seconds=PATIENCE_SECONDS)
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)
        # What was under way went on; nothing was sent twice.
        self.assertEqual(self.parts_sent(), [1, 2, 3])
        self.assertEqual(daemon.lines("uploadBytesPerSecond"), daemon.lines("is unlimited, was 65536"))
        self.assertEqual(len(daemon.lines("is unlimited, was 65536")), 1, daemon.log)

    def parts_sent(self):
        return sorted(request.part for request in self.proxy.requests if request.part and request.kind == "PUT")

    def test_a_reload_lifts_a_limit_of_what_is_under_way(self):
        def ask(here, _):
            run = here.run("reload", expect=0)
            self.assertIn("uploadBytesPerSecond is unlimited, was 65536", run.out)

        self.lift(ask)

    def test_so_does_the_signal(self):
        self.lift(lambda _, daemon: daemon.process.send_signal(signal.SIGHUP))
