"""`syncd run` where watching has its limits: more happens than the kernel keeps, or it gives no more watches."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

from harness import trees
from harness.daemon import DaemonCase

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
# A limit of our own: in a user namespace, where nobody else is hit by it.
LIMITED = ["unshare", "--user", "--map-root-user", "sh", "-c"]


class OverflowTests(DaemonCase):
    directories = 20
    files = 1_500
    queue = 16
    seconds = 120

    def start_with_short_queue(self, machine):
        """The kernel takes the queue's length when a watcher is made: it is short for no longer than that takes."""
        before = QUEUE.read_text()
        try:
            QUEUE.write_text(f"{self.queue}\n")
            return self.start_daemon(machine)
        finally:
            QUEUE.write_text(before)

    def churn(self, root):
        """Creates, renames and deletes, as quickly as it can."""
        for index in range(self.files):
            directory = root / f"d{index % self.directories}" / "sub"
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / f"f{index}"
            path.write_text(f"content {index}")
            if index % 3 == 0:
                path.rename(directory / f"renamed{index}")
            if index % 7 == 0 and index % 3:
                path.unlink()
        for index in range(0, self.directories, 4):
            (root / f"d{index}").rename(root / f"moved{index}")

    def churn_past(self, daemon, root):
        """While the daemon is held, so that it cannot but miss something."""
        daemon.terminate(signal.SIGSTOP)
        try:
            self.churn(root)
        finally:
            daemon.terminate(signal.SIGCONT)

    def test_more_happens_than_the_kernel_keeps(self):
        here = self.up(deleteDelay="1s")
        trees.write_many(here.root, 5)
        daemon = self.start_with_short_queue(here)
        self.wait_until_in_sync(daemon)
        begun = time.monotonic()
        self.churn_past(daemon, here.root)
        made = time.monotonic() - begun
        # Comparing costs more than asking: the bucket is looked at when the daemon says that it is done.
        self.wait_until_in_sync(daemon, seconds=self.seconds)
        self.wait_until_equal(daemon, here, self.seconds)
        took = time.monotonic() - begun
        self.wait_until_in_sync(daemon, seconds=self.seconds)
        overflows = daemon.folder()["watching"]["overflows"]
        metrics = daemon.metrics()
        reactions, cycles = (metrics[f'syncd_{what}_total{{folder="files"}}'] for what in ("reactions", "cycles"))
        self.tell(
            f"{self.files} files made and moved in {made:.1f} s: equal after {took:.1f} s, {overflows} overflows,"
            f" {reactions:.0f} reactions, {cycles:.0f} cycles, {daemon.resident_mebibytes():.0f} MiB resident"
        )
        self.assertGreater(overflows, 0)
        self.assertEqual(daemon.metrics()['syncd_watch_overflows_total{folder="files"}'], overflows)
        self.assert_bucket_equals(here.root)
        # All directories are watched where they are now.
        for directory, names, _ in os.walk(here.root):
            if ".syncd-trash" in names:
                names.remove(".syncd-trash")
            trees.write(directory, "witness", f"{directory}", mtime_ns=None)
        self.wait_until_equal(daemon, here, 30)

    def wait_until_equal(self, daemon, here, seconds):
        def differences():
            tree = trees.snapshot(here.root, mtimes=False, modes=False)
            expected = {name: (facts.size, facts.md5) for name, facts in tree.items()}
            return trees.differences(expected, self.listing())

        try:
            self.wait_for(lambda: not differences(), "the bucket as the tree", seconds)
        except AssertionError as error:
            lines = "\n  ".join(differences())
            raise AssertionError(f"{error}\n  {lines}\n{daemon.folder()}\n{daemon.log}") from None

    def test_directories_that_move_while_everything_changes(self):
        """Renames of directories race with walks and reactions that set watches in them."""
        # Every move is a delete of what lay there: beside the files that stay, they are too few for the gate's hour.
        here = self.up(deleteDelay="1s", scanInterval="2s", maxDeletePercent=100)
        for index in range(1_000):
            trees.write(here.root, f"still/f{index}", f"{index}")
        for index in range(12):
            for inner in range(4):
                trees.write(here.root, f"a{index}/b{inner}/c/file", f"{index} {inner}")
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        stop = threading.Event()

        def move(first):
            place, number = here.root / f"a{first}", 0
            while not stop.is_set():
                number += 1
                target = here.root / f"a{first}-{number}" if number % 2 else here.root / f"a{first}"
                place.rename(target)
                place = target
                (place / "b1" / "c" / f"n{number % 5}").write_text(f"{first} {number}")
                time.sleep(0.007 * (first + 1))

        threads = [threading.Thread(target=move, args=(index,)) for index in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(8)
        stop.set()
        for thread in threads:
            thread.join()
        self.wait_until_equal(daemon, here, 60)
        self.wait_until_in_sync(daemon)
        watched = 1 + sum(len(names) for _, names, _ in os.walk(here.root))
        self.assertEqual(daemon.folder()["watching"]["directories"], watched, daemon.folder()["watching"])


class LimitTests(DaemonCase):
    WATCHES = 10
    DIRECTORIES = 30

    def test_directories_without_a_watch_are_seen_by_the_scan(self):
        here = self.up(scanInterval="4s")
        for index in range(self.DIRECTORIES):
            trees.write(here.root, f"d{index:02}/file", f"{index}")
        limit = f'echo {self.WATCHES} > /proc/sys/user/max_inotify_watches && exec "$@"'
        daemon = self.start_daemon(here, wrapper=[*LIMITED, limit, "sh"])
        self.wait_until_in_sync(daemon)
        watching = daemon.folder()["watching"]
        self.assertEqual(watching["directories"], self.WATCHES)
        self.assertEqual(watching["unwatched"], self.DIRECTORIES + 1 - self.WATCHES)
        self.assertTrue(watching["reason"])
        self.assertIn("unwatched", here.run("status", expect=0).out + str(here.status().folder["watching"]))
        text = here.run("status", expect=0).out
        self.assertIn(f"{watching['unwatched']} ", text, "the status says nothing of it")
        self.assertEqual(len(daemon.lines("max_user_watches", "not watched", "unwatched")), 1, daemon.log)
        trees.write(here.root, "d29/new", "in a directory that is not watched", mtime_ns=None)
        took = self.wait_for_object("d29/new", seconds=20)
        self.tell(f"a file in a directory without a watch is in the bucket after {took:.1f} s, scanInterval 4 s")
        trees.write(here.root, "d00/new", "watched", mtime_ns=None)
        took = self.wait_for_object("d00/new")
        self.assertEqual(daemon.metrics()['syncd_unwatched_directories{folder="files"}'], watching["unwatched"])
        # With fewer directories all are watched again, and nothing is left of it.
        for index in range(5, self.DIRECTORIES):
            shutil.rmtree(here.root / f"d{index:02}")
        self.wait_for(lambda: daemon.folder()["watching"]["unwatched"] == 0, "all watched", 20)
        self.assertIsNone(daemon.folder()["watching"]["reason"])
