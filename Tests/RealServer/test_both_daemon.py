"""`syncd run` with folders that sync both ways."""

import os

from harness import trees
from harness.daemon import SOON_SECONDS
from harness.twoway import TwoWayCase, conflict_name

LATER = trees.OLD + 100 * trees.SECOND


class BothDaemonTests(TwoWayCase):
    def start(self, **folder):
        """A daemon whose intervals are too long to matter, but where a test says otherwise."""
        intervals = {"scanInterval": "1h", "listInterval": "1h", "deleteDelay": "1s"}
        here = self.both(**intervals | folder)
        trees.write_many(here.root, self.files)
        return here, self.start_daemon(here)

    def wait_for_file(self, machine, name, data):
        data = trees.name_bytes(data)

        def is_there():
            return trees.exists(machine.root, name) and trees.read(machine.root, name) == data

        self.wait_for(is_there, f"{name!r} here", SOON_SECONDS)

    def test_a_local_change_goes_up_promptly_and_by_a_condition(self):
        here, daemon = self.start()
        self.proxy.forget()
        trees.write(here.root, "dir/new", "new", None)
        self.wait_for_object("dir/new", "new")
        trees.write(here.root, "file000.txt", "edited here", None)
        took = self.wait_for_object("file000.txt", "edited here")
        self.tell(f"a change is in the bucket after {took:.2f} s")
        self.assertEqual({kind for kind in self.proxy.counts if kind != "PUT"}, set(), "no look, and no listing")
        self.wait_until_in_sync(daemon)
        self.assert_same(here)

    def test_remote_changes_come_by_the_list_interval(self):
        here, daemon = self.start(listInterval="1s")
        self.put("file000.txt", "edited there")
        self.put("new", "new there")
        self.s3.delete(self.bucket, b"file001.txt")
        self.wait_for_file(here, "file000.txt", "edited there")
        self.wait_for_file(here, "new", "new there")
        self.wait_for(lambda: not trees.exists(here.root, "file001.txt"), "the file gone", SOON_SECONDS)
        self.assertIn(b"file001.txt", trees.trash(here.root))
        self.wait_until_in_sync(daemon)
        self.assert_same(here)

    def test_remote_changes_come_by_sync(self):
        here, daemon = self.start()
        self.put("file000.txt", "edited there")
        here.run("sync", expect=0)
        self.wait_for_file(here, "file000.txt", "edited there")
        self.wait_until_in_sync(daemon)
        # What came down is no change of this side's: the watcher that saw it sends nothing back.
        self.proxy.forget()
        here.run("sync", expect=0)
        self.wait_until_in_sync(daemon)
        self.assert_nothing_changed()
        self.assert_same(here)

    def test_a_local_delete_is_held_and_travels(self):
        here, daemon = self.start()
        trees.remove(here.root, "file000.txt")
        self.wait_until_gone("file000.txt", SOON_SECONDS)
        self.wait_until_in_sync(daemon)
        self.assert_same(here)

    def test_a_change_that_meets_another_version_ends_in_a_conflict(self):
        here, daemon = self.start()
        self.put("file000.txt", "edited there", LATER)
        trees.write(here.root, "file000.txt", "edited here", trees.OLD)
        copy = conflict_name("file000.txt", "edited here", trees.OLD)
        self.wait_for_object(copy, "edited here")
        self.wait_for_file(here, copy, "edited here")
        self.wait_for_file(here, "file000.txt", "edited there")
        self.wait_until_in_sync(daemon)
        self.assert_both_hold(here, "file000.txt", "edited there")
        self.assertIn("both versions are kept", daemon.log)
        self.assert_same(here)

    def test_a_delete_that_meets_another_version_is_none(self):
        here, daemon = self.start()
        self.put("file000.txt", "edited there", LATER)
        trees.remove(here.root, "file000.txt")
        here.run("sync", expect=0)
        self.wait_for_file(here, "file000.txt", "edited there")
        self.wait_until_in_sync(daemon)
        self.assert_both_hold(here, "file000.txt", "edited there")

    def test_status_explain_plan_and_metrics(self):
        here, daemon = self.start()
        self.assert_status_contract(daemon.status())
        self.assertEqual(daemon.folder()["direction"], "both")
        self.assertEqual(daemon.folder()["guards"], {"overwrites": "condition", "parts": "condition", "deletes": "condition"})
        self.assertEqual(daemon.folder()["watching"]["unwatched"], 0)
        self.assertIn(f"{here.root} ↔ s3://{self.bucket}/", here.run("status", expect=0).out)
        self.put("file000.txt", "edited there", LATER)
        trees.write(here.root, "file001.txt", "edited here", LATER)
        self.wait_for_object("file001.txt", "edited here")
        plan = here.run("plan", expect=2)
        self.assertIn("download", plan.out)
        self.assertIn("changed in the bucket, unchanged here", here.run("explain", "files", "file000.txt", expect=0).out)
        here.run("sync", expect=0)
        self.wait_for_file(here, "file000.txt", "edited there")
        self.wait_until_in_sync(daemon)
        metrics = daemon.metrics()
        self.assertEqual(metrics['syncd_transfers_total{folder="files",direction="up"}'], self.files + 1)
        self.assertEqual(metrics['syncd_transfers_total{folder="files",direction="down"}'], 1)
        here.run("wait", "--synced", str(here.root / "file000.txt"), expect=0)

    def test_a_mass_delete_on_either_side_halts(self):
        here, daemon = self.start()
        trees.write_many(here.root, 30)
        self.wait_for_object("file029.txt")
        self.wait_until_in_sync(daemon)
        for index in range(20):
            self.s3.delete(self.bucket, b"file%03d.txt" % index)
        here.run("sync", expect=0)
        self.wait_for_state(daemon, "halted")
        self.assertEqual(len(trees.snapshot(here.root)), 30)
        here.approve()
        self.wait_until_in_sync(daemon)
        self.assertEqual(len(trees.snapshot(here.root)), 10)
        self.assertEqual(len(trees.trash(here.root)), 20)
        self.assert_same(here)

    def test_a_reload_takes_another_winner(self):
        here, daemon = self.start(conflict="local")
        here.folder["conflict"] = "remote"
        here.write_config()
        self.assertIn("files: conflict changed", here.run("reload", expect=0).out)
        self.put("file000.txt", "edited there", trees.OLD)
        trees.write(here.root, "file000.txt", "edited here", LATER)
        copy = conflict_name("file000.txt", "edited here", LATER)
        self.wait_for_file(here, copy, "edited here")
        self.wait_until_in_sync(daemon)
        self.assertEqual(os.stat(here.root / copy).st_mtime_ns, LATER)
        self.assert_both_hold(here, "file000.txt", "edited there")
