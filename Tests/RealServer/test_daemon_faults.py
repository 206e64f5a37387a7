"""`syncd run` when things go wrong: the endpoint goes away, credentials are refused, the process is stopped or killed."""

import signal
import time

from harness import trees
from harness.case import RealServerCase, Setting
from harness.daemon import DaemonCase
from harness.seaweed import SeaweedServer

LARGE = 64 << 20
# The longest that a daemon waits between two tries of an endpoint that it cannot reach, its own retries, and some more.
RECOVERY_SECONDS = 30


class EndpointTests(DaemonCase):
    """A server of its own, to be stopped and started again on the same port with the same data."""

    @classmethod
    def setUpClass(cls):
        base = RealServerCase.setting
        server = SeaweedServer(base.tools / "weed")
        cls.addClassCleanup(server.stop)
        server.start()
        cls.setting = Setting(base.binary, base.tools, server)

    def direct(self, **folder):
        here = self.up(**folder)
        here.connection["endpoint"] = self.server.endpoint
        return here

    def restart(self):
        self.s3.close()
        self.server.start()

    def complaints(self, daemon):
        return daemon.lines("error:", "warning:")

    def test_an_endpoint_that_goes_away_and_comes_back(self):
        here = self.direct(listInterval="3s")
        trees.write_many(here.root, 10)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        self.server.halt()
        trees.write(here.root, "meanwhile", "1", mtime_ns=None)
        self.wait_for_state(daemon, "failing", seconds=20)
        trees.write(here.root, "sub/meanwhile", "2", mtime_ns=None)
        trees.remove(here.root, "file000.txt")
        failures = daemon.metrics()['syncd_failures_total{folder="files"}']
        self.wait_for(
            lambda: daemon.metrics()['syncd_failures_total{folder="files"}'] >= failures + 3, "more failures", 60
        )
        self.assertEqual(len(self.complaints(daemon)), 1, daemon.log)
        begun = time.monotonic()
        self.restart()
        back = time.monotonic()
        self.wait_for_object("meanwhile", "1", seconds=RECOVERY_SECONDS)
        self.wait_for_object("sub/meanwhile", "2", seconds=RECOVERY_SECONDS)
        self.tell(f"changes arrive {time.monotonic() - back:.1f} s after the endpoint is back ({back - begun:.1f} s)")
        self.wait_until_gone("file000.txt", 20)
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)
        self.assertEqual(len(self.complaints(daemon)), 1, daemon.log)
        self.assertEqual(len(daemon.lines("in sync")), 2, daemon.log)

    def test_an_endpoint_that_is_down_at_the_start(self):
        here = self.direct()
        trees.write_many(here.root, 10)
        self.server.halt()
        daemon = self.start_daemon(here, ready=False)
        self.wait_for_state(daemon, "failing", seconds=20)
        trees.write(here.root, "later", "later", mtime_ns=None)
        self.wait_for(lambda: daemon.metrics()['syncd_failures_total{folder="files"}'] >= 3, "failures", 60)
        self.assertEqual(len(self.complaints(daemon)), 1, daemon.log)
        self.restart()
        back = time.monotonic()
        self.wait_for_object("later", "later", seconds=RECOVERY_SECONDS)
        self.tell(f"a first cycle's file arrives {time.monotonic() - back:.1f} s after the endpoint is there")
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)

    def test_a_large_upload_goes_on_when_the_endpoint_is_back(self):
        here = self.direct()
        trees.write(here.root, "small", "small")
        daemon = self.start_daemon(here)
        trees.write_large(here.root, "large", 256 << 20)
        self.wait_for(lambda: self.s3.uploads(self.bucket), "an upload under way", 30)
        self.server.halt()
        self.wait_for_state(daemon, "failing", seconds=30)
        self.restart()
        self.wait_for_object("large", seconds=60)
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)

    def test_credentials_that_are_refused(self):
        here = self.direct(listInterval="2s", scanInterval="2s")
        here.connection["secretAccessKey"] = "wrong" * 8
        trees.write_many(here.root, 3)
        daemon = self.start_daemon(here, ready=False)
        self.wait_for_state(daemon, "failing", seconds=20)
        self.wait_for(lambda: daemon.metrics()['syncd_failures_total{folder="files"}'] >= 3, "failures", 60)
        self.assertEqual(len(self.complaints(daemon)), 1, daemon.log)
        self.assertEqual(daemon.folder()["problems"][0]["kind"], "credentialsRefused")
        here.connection["secretAccessKey"] = self.server.credentials.secret_key
        here.run("reload", expect=0)
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)


class EndTests(DaemonCase):
    def large(self, first):
        """A daemon with an upload of many parts, the `first` and later of which are held."""
        here = self.up()
        here.top = {"concurrency": 8}
        trees.write(here.root, "small", "small")
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        held = self.proxy.fault("PUT", hold=True, where=lambda request: bool(request.part), first=first)
        trees.write_large(here.root, "large", LARGE)
        held.wait_until_reached()
        self.wait_for(lambda: held.matched >= first + 1, "two parts under way")
        return here, daemon, held

    def goes_on(self, here, missing):
        self.proxy.heal()
        self.proxy.wait_until_quiet()
        self.proxy.take_done()
        daemon = self.start_daemon(here)
        self.wait_for_object("large", seconds=30)
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)
        parts = [request.part for request in self.proxy.take_done() if request.part]
        self.assertLessEqual(len(parts), missing, "parts were sent again")
        self.assertEqual(self.s3.uploads(self.bucket), [])

    def test_sigterm_in_the_middle_of_a_large_upload(self):
        here, daemon, held = self.large(first=4)
        began = time.monotonic()
        daemon.terminate()
        held.release()
        self.assertEqual(daemon.wait(), 0, daemon.log)
        self.tell(f"ended {time.monotonic() - began:.2f} s after SIGTERM")
        self.assertLess(time.monotonic() - began, 10)
        self.goes_on(here, missing=LARGE // trees.PART_SIZE - 5)

    def test_sigterm_while_parts_never_end(self):
        here, daemon, held = self.large(first=4)
        began = time.monotonic()
        daemon.terminate()
        self.assertEqual(daemon.wait(), 0, daemon.log)
        took = time.monotonic() - began
        self.tell(f"ended {took:.2f} s after SIGTERM, parts being held")
        self.assertLess(took, 10)
        held.drop()
        self.goes_on(here, missing=LARGE // trees.PART_SIZE - 3)

    def test_a_second_signal_ends_at_once(self):
        here, daemon, held = self.large(first=4)
        for second, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            daemon.terminate()
            self.wait_for(lambda daemon=daemon: not daemon.answers, "the first signal understood")
            began = time.monotonic()
            daemon.terminate(second)
            self.assertEqual(daemon.wait(), code)
            self.assertLess(time.monotonic() - began, 2)
            if second == signal.SIGTERM:
                daemon = self.start_daemon(here, ready=False)
                self.wait_for(lambda: len(self.proxy.faults) == 1 and held.matched >= 7, "parts under way again")
        held.drop()
        self.goes_on(here, missing=LARGE // trees.PART_SIZE - 3)

    def test_sigterm_at_once_after_the_start(self):
        here = self.up()
        trees.write_many(here.root, 50)
        here.write_config()
        for _ in range(5):
            daemon = self.start_daemon(here, ready=False)
            self.end(daemon)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        self.assert_bucket_equals(here.root)

    def test_kill_and_restart(self):
        here, daemon, held = self.large(first=4)
        trees.write_many(here.root / "many", 50)
        daemon.kill()
        held.drop()
        trees.remove(here.root, "small")
        trees.write(here.root, "changed-while-dead", "seen", mtime_ns=None)
        self.goes_on(here, missing=LARGE // trees.PART_SIZE - 3)

    def test_kills_in_a_busy_tree(self):
        here = self.up(deleteDelay="1s")
        trees.write_many(here.root, 100)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        for round_ in range(6):
            for index in range(40):
                trees.write(here.root, f"r{round_}/{index}", f"{round_} {index}", mtime_ns=None)
                if index % 8 == 0:
                    trees.remove(here.root, f"file{round_ * 5 + index // 8:03}.txt")
                    trees.write(here.root, f"file{99 - round_ * 5 - index // 8:03}.txt", "changed", mtime_ns=None)
            self.wait_for(lambda key=b"r%d/0" % round_: key in self.keys(), "some progress")
            time.sleep(0.2 * round_)
            daemon.kill()
            daemon = self.start_daemon(here, ready=False)
        daemon.kill()
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon, seconds=60)
        self.assert_bucket_equals(here.root)
        self.end(daemon)
        self.assert_idle(here)


class IdleTests(DaemonCase):
    SECONDS = 12

    def test_nothing_is_sent_and_nothing_computed_between_intervals(self):
        here = self.up()
        for index in range(300):
            trees.write(here.root, f"d{index % 30}/f{index}", f"{index}")
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        # What was written just now is looked at once more.
        self.wait_for(lambda: daemon.metrics()['syncd_reactions_total{folder="files"}'] >= 0, "rest")
        self.proxy.forget()
        requests, cpu = daemon.requests(), daemon.cpu_seconds()
        status = (here.state / "status.json").stat().st_mtime_ns
        begun = time.monotonic()
        while time.monotonic() - begun < self.SECONDS:
            time.sleep(1)
        used = daemon.cpu_seconds() - cpu
        self.assertEqual(self.proxy.counts, {})
        self.assertEqual(daemon.requests(), requests)
        self.assertEqual((here.state / "status.json").stat().st_mtime_ns, status, "the status was written for nothing")
        self.tell(
            f"idle for {self.SECONDS} s: {used * 1000:.0f} ms of processor time ({used / self.SECONDS:.2%} of a core),"
            f" {daemon.resident_mebibytes():.0f} MiB resident"
        )
        self.assertLess(used, 0.2)
