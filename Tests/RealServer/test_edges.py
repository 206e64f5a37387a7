"""Files and keys at the edge: unreadable, linked, special, unrepresentable; and a process that is asked to stop."""

import os

from harness import trees
from harness.case import RealServerCase
from harness.memoryserver import MemoryServer


class LocalTests(RealServerCase):
    def test_an_unreadable_directory_is_a_problem_and_deletes_nothing(self):
        machine = self.machine(as_nobody=True, delete=True)
        trees.write_many(machine.root, 6)
        trees.write(machine.root, "locked/inside", "inside")
        machine.give_root_away()
        machine.once()
        os.chmod(trees.path_of(machine.root, "locked"), 0)
        run = machine.once(expect=3)
        self.assertEqual(self.problems(run), {b"locked": "unreadable"})
        self.assertIn(b"locked/inside", self.keys())
        os.chmod(trees.path_of(machine.root, "locked"), 0o755)
        self.assert_counts(machine.once())

    def test_an_unreadable_file_is_a_problem_and_stops_nothing_else(self):
        machine = self.machine(as_nobody=True)
        trees.write_many(machine.root, 3)
        machine.give_root_away()
        os.chmod(trees.path_of(machine.root, "file001.txt"), 0)
        run = machine.once(expect=3)
        self.assertEqual(self.problems(run), {b"file001.txt": "unreadable"})
        self.assert_counts(run, uploaded=2)

    def test_links_and_special_files_are_skipped(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        os.symlink("file000.txt", trees.path_of(machine.root, "link"))
        os.symlink("/", trees.path_of(machine.root, "outside"))
        os.mkfifo(trees.path_of(machine.root, "fifo"))
        run = machine.once()
        self.assert_counts(run, uploaded=2)
        self.assertEqual(run.folder["skipped"], 3)

    def test_names_that_no_key_can_have_are_problems(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        trees.write(machine.root, b"not \xff UTF-8", "x")
        deep = b"/".join([b"d" * 200] * 6)
        trees.write(machine.root, deep, "too long for a key")
        run = machine.once(expect=3)
        self.assertEqual(self.problems(run), {b"not \xff UTF-8": "name", deep: "name"})
        self.assert_counts(run, uploaded=2)

    def test_a_backslash_is_a_problem_where_the_server_folds_it(self):
        machine = self.machine()
        trees.write(machine.root, "a/b", "in the directory")
        trees.write(machine.root, "a\\b", "with the backslash")
        run = machine.once(expect=3)
        self.assertEqual(self.problems(run), {b"a\\b": "name"})
        self.assertEqual(self.s3.get(self.bucket, b"a/b"), b"in the directory")
        self.assertEqual(self.keys(), [b"a/b"], "the probe is gone")

    def test_a_file_that_changes_while_it_is_sent_is_sent_again(self):
        machine = self.machine()
        path = trees.write(machine.root, "busy", b"a" * (3 << 20))
        fault = self.proxy.fault("PUT", times=1, hold=True)
        running = machine.start_once()
        fault.wait_until_reached()
        with open(path, "r+b") as file:
            file.write(b"changed")
        fault.release()
        running.wait(expect=0)
        self.assert_bucket_equals(machine.root)


class KeyTests(RealServerCase):
    def test_keys_that_no_file_can_have_are_problems(self):
        memory = MemoryServer()
        self.addCleanup(memory.close)
        keys = [b"good", b"../up", b"a//b", b"/abs", b"x/./y", b"n" * 256, b"both", b"both/beneath", b"marker/"]
        for key in keys:
            memory.put(key, b"" if key.endswith(b"/") else b"content of " + key)
        machine = self.machine(direction="down", endpoint=memory.endpoint, delete=True)
        run = machine.once(expect=3)
        problems = self.problems(run)
        self.assertEqual({path for path, kind in problems.items() if kind == "name"}, set(keys[1:6]))
        self.assertEqual(sorted(kind for kind in problems.values() if kind != "name"), ["collision"])
        self.assertEqual(trees.read(machine.root, "good"), b"content of good")
        self.assertTrue(os.path.isdir(trees.path_of(machine.root, "marker")))
        self.assertEqual(set(memory.objects), set(keys), "nothing was deleted in the bucket")
        self.assertEqual(sorted(path.name for path in machine.place.iterdir() if path.name == "up"), [])


class StoppedTests(RealServerCase):
    def test_a_cycle_that_is_asked_to_stop_does_so_and_says_it(self):
        machine = self.machine()
        trees.write_many(machine.root, 60)
        fault = self.proxy.fault("PUT", first=20, hold=True)
        running = machine.start_once()
        fault.wait_until_reached()
        running.terminate()
        run = running.wait(expect=1)
        self.assertEqual(run.cycle["result"], "interrupted", run)
        fault.drop()
        self.proxy.heal()
        machine.once()
        self.assert_bucket_equals(machine.root)
