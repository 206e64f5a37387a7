"""SIGTERM and SIGINT: nothing new begins, what is under way ends and is saved, and the end comes within ten seconds."""

import os
import signal
import time

from harness import trees
from harness.case import RealServerCase

PARTS = 8
LARGE = PARTS * trees.PART_SIZE
# Two parts at once.
CONCURRENCY = 8
STOPPING = "stopping orderly; a second signal stops at once"
GRACE_SECONDS = 8
END_SECONDS = 10


class StoppingTests(RealServerCase):
    def held(self, machine, kind, **options):
        """Starts a cycle whose requests of a kind are held from some number on. - Returns: it, and the fault."""
        machine.top = {"concurrency": CONCURRENCY}
        self.proxy.forget()
        fault = self.proxy.fault(kind, hold=True, **options)
        running = machine.start_once()
        fault.wait_until_reached()
        return running, fault

    def stop(self, running, number=signal.SIGTERM):
        """Gives the signal, and waits until it was understood."""
        self._stopped = time.monotonic()
        running.terminate(number)
        running.wait_for_complaint(STOPPING)

    def end(self, running, after=0.0, expect=1):
        """The end of a run that was told to stop: in time, and with its message. - Returns: what it left."""
        run = running.wait(expect)
        took = time.monotonic() - self._stopped
        self.assertLess(took, END_SECONDS, run)
        self.assertGreaterEqual(took, after, run)
        self.assertIn("interrupted; the next cycle goes on from here", run.err)
        self.assertEqual(run.cycle["result"], "interrupted", run)
        return run

    def pieces(self, kind):
        """The parts or ranges that were asked for since the last `forget()`."""
        return [request.piece for request in self.proxy.requests if request.kind == kind and request.piece]


class LargeStoppingTests(StoppingTests):
    """One large file, two of whose parts were sent or fetched, and two are under way."""

    def up(self):
        machine = self.machine("up")
        trees.write_large(machine.root, "large", LARGE)
        return machine

    def down(self):
        machine = self.machine("down", direction="down")
        self.s3.put_in_parts(self.bucket, b"large", trees.large_content(LARGE), trees.PART_SIZE)
        return machine

    def two_under_way(self, machine, kind):
        running, fault = self.held(machine, kind, first=3, where=lambda request: bool(request.piece))
        self.wait_for(lambda: fault.matched == 4, "two parts under way")
        return running, fault

    def check_rest(self, machine, kind, missing):
        """The next cycle carries what is missing, and no more."""
        self.proxy.heal()
        self.proxy.wait_until_quiet()
        self.proxy.forget()
        machine.once()
        self.assertEqual(len(self.pieces(kind)), missing)
        self.assert_bucket_equals(machine.root)
        self.assertEqual(self.s3.uploads(self.bucket), [])
        self.assertEqual(trees.leftovers(machine.root), [])
        self.assert_idle(machine)

    def under_way_end(self, machine, kind, number):
        running, fault = self.two_under_way(machine, kind)
        self.stop(running, number)
        fault.release()
        self.end(running)
        self.assertEqual(len(self.pieces(kind)), 4, "a part began after the signal")
        self.check_rest(machine, kind, missing=PARTS - 4)

    def test_parts_under_way_end_and_are_saved(self):
        self.under_way_end(self.up(), "PUT", signal.SIGTERM)

    def test_ranges_under_way_end_and_are_saved(self):
        self.under_way_end(self.down(), "GET", signal.SIGINT)

    def never_end(self, machine, kind, number):
        running, fault = self.two_under_way(machine, kind)
        self.stop(running, number)
        self.end(running, after=GRACE_SECONDS - 0.5)
        self.assertEqual(len(self.pieces(kind)), 4, "a part began after the signal")
        fault.drop()
        self.check_rest(machine, kind, missing=PARTS - 2)

    def test_parts_that_never_end_are_broken_off(self):
        self.never_end(self.up(), "PUT", signal.SIGINT)

    def test_ranges_that_never_end_are_broken_off(self):
        self.never_end(self.down(), "GET", signal.SIGTERM)

    def test_a_second_signal_ends_at_once(self):
        machine = self.up()
        for second, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            running, fault = self.two_under_way(machine, "PUT")
            self.stop(running)
            running.terminate(second)
            self.assertEqual(running.wait().code, code)
            self.assertLess(time.monotonic() - self._stopped, GRACE_SECONDS / 2)
            fault.drop()
            self.proxy.heal()
            self.proxy.wait_until_quiet()
        self.check_rest(machine, "PUT", missing=PARTS - 4)


class SmallStoppingTests(StoppingTests):
    FILES = 200
    DONE = 20

    def test_many_small_uploads(self):
        up = self.machine("up")
        trees.write_many(up.root, self.FILES)
        running, fault = self.held(up, "PUT", first=self.DONE + 1)
        self.wait_for(lambda: fault.matched == self.DONE + CONCURRENCY, "as many as may be under way")
        self.stop(running)
        fault.release()
        self.assert_counts(self.end(running), uploaded=self.DONE + CONCURRENCY)
        self.proxy.heal()
        run = up.once()
        self.assert_counts(run, uploaded=self.FILES - self.DONE - CONCURRENCY)
        self.assertNotIn("HEAD", run.requests, "what was sent was recorded, and need not be asked for")
        self.assert_bucket_equals(up.root)

    def test_many_small_downloads(self):
        for index in range(self.FILES):
            self.s3.put(self.bucket, b"file%03d" % index, b"%d" % index)
        down = self.machine("down", direction="down")
        running, fault = self.held(down, "GET", first=self.DONE + 1)
        self.wait_for(lambda: fault.matched == self.DONE + CONCURRENCY, "as many as may be under way")
        self.stop(running, signal.SIGINT)
        fault.release()
        self.assert_counts(self.end(running), downloaded=self.DONE + CONCURRENCY)
        self.assertEqual(len(trees.snapshot(down.root)), self.DONE + CONCURRENCY)
        self.assertEqual(trees.leftovers(down.root), [])
        self.proxy.heal()
        self.assert_counts(down.once(), downloaded=self.FILES - self.DONE - CONCURRENCY)
        self.assert_bucket_equals(down.root)

    def test_small_transfers_that_never_end_are_broken_off(self):
        up = self.machine("up")
        trees.write_many(up.root, self.FILES)
        running, fault = self.held(up, "PUT", first=self.DONE + 1)
        self.wait_for(lambda: fault.matched == self.DONE + CONCURRENCY, "as many as may be under way")
        self.stop(running)
        self.assert_counts(self.end(running, after=GRACE_SECONDS - 0.5), uploaded=self.DONE)
        fault.drop()
        self.proxy.heal()
        self.assert_counts(up.once(), uploaded=self.FILES - self.DONE)
        self.assert_bucket_equals(up.root)

    def test_deletes(self):
        up = self.machine("up", delete=True)
        trees.write_many(up.root, 4)
        up.once()
        trees.remove(up.root, "file000.txt")
        running, fault = self.held(up, "DELETE")
        self.stop(running)
        fault.release()
        self.assert_counts(self.end(running), deletedRemote=1)
        self.proxy.heal()
        self.assert_idle(up)


class LookingStoppingTests(StoppingTests):
    def test_a_listing(self):
        up = self.machine("up", delete=True)
        trees.write_many(up.root, 50)
        up.once()
        trees.remove(up.root, "file000.txt")
        self.proxy.page_size = 20
        for releases in (True, False):
            running, fault = self.held(up, "LIST", first=2)
            self.stop(running)
            if releases:
                fault.release()
            run = self.end(running)
            self.assert_counts(run)
            self.assertEqual(self.proxy.counts, {"LIST": 2}, run)
            fault.drop()
            self.proxy.heal()
        self.proxy.page_size = None
        self.assert_counts(up.once(), deletedRemote=1)

    def test_a_comparison_of_a_large_file(self):
        """The listing says that the object is as large as a file which takes minutes to read; no request is under way."""
        size = 256 << 30
        up = self.machine("up")
        self.s3.put(self.bucket, b"large", b"x")
        os.truncate(trees.write(up.root, "large", b""), size)
        self.proxy.fault("LIST", alter=lambda body: body.replace(b"<Size>1<", b"<Size>%d<" % size))
        running = up.start_once()
        self.wait_for(lambda: bytes_read(running.process.pid) > 64 << 20, "reading")
        self.stop(running)
        self.end(running)
        self.assertLess(time.monotonic() - self._stopped, GRACE_SECONDS / 2, "it was broken off, and did not stop")


def bytes_read(process):
    with open(f"/proc/{process}/io", encoding="ascii") as file:
        return int(file.readline().partition(":")[2])
