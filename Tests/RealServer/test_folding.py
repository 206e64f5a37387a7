"""Local file systems that take several spellings of a name for one."""

import os

from harness import trees
from harness.case import RealServerCase
from harness.foldingdisk import FoldingDisk


class FoldingTests(RealServerCase):
    def folding_machine(self, **folder):
        machine = self.machine(**folder)
        disk = FoldingDisk(self.place / "disk.img", machine.root)
        self.addCleanup(disk.close)
        trees.write(machine.root, "trial", "1")
        self.assertTrue(os.path.exists(trees.path_of(machine.root, "TRIAL")), "this file system does not fold")
        os.unlink(trees.path_of(machine.root, "trial"))
        return machine

    def rest(self, machine, problems):
        """Further cycles list, and do nothing else."""
        for _ in range(2):
            self.proxy.forget()
            run = machine.once(expect=3)
            self.assertEqual(set(run.requests), {"LIST"}, run)
            self.assertEqual(self.proxy.counts, run.requests)
            self.assertEqual(self.problems(run), problems)

    def test_twins_stay_apart_and_nothing_is_lost(self):
        down = self.folding_machine(direction="down", delete=True)
        self.s3.put(self.bucket, b"a.txt", b"one")
        self.s3.put(self.bucket, b"dir/x", b"three")
        down.once()
        down.once()
        self.s3.put(self.bucket, b"A.txt", b"two")
        self.s3.put(self.bucket, b"Dir/y", b"four")
        keys = self.keys()
        run = down.once(expect=3)
        problems = {b"A.txt": "name", b"Dir/y": "name"}
        self.assertEqual(self.problems(run), problems)
        messages = {problem["path"]: problem["message"] for problem in run.folder["problems"]}
        self.assertIn('"A.txt" and "a.txt" for one name', messages["A.txt"])
        self.assertIn('"Dir" and "dir" for one name', messages["Dir/y"])
        self.assertEqual(trees.read(down.root, "a.txt"), b"one")
        self.assertEqual(os.listdir(trees.path_of(down.root, "dir")), [b"x"])
        self.rest(down, problems)
        self.assertEqual(self.keys(), keys)
        # Once the operator has renamed them all is well.
        for old, new in ((b"A.txt", b"b.txt"), (b"Dir/y", b"dir/y")):
            self.s3.put(self.bucket, new, self.s3.get(self.bucket, old))
            self.s3.delete(self.bucket, old)
        down.once()
        self.assert_same_names(down.root, ["a.txt", "b.txt", "dir/x", "dir/y"])
        self.assertEqual(trees.read(down.root, "b.txt"), b"two")

    def test_a_name_that_would_come_back_as_another_is_not_fetched(self):
        down = self.folding_machine(direction="down", delete=True)
        for key in (b"README", b"readable", "\u00c9t\u00e9".encode()):
            self.s3.put(self.bucket, key, key)
        run = down.once(expect=3)
        self.assert_counts(run, downloaded=1)
        problems = {b"README": "name", "\u00c9t\u00e9".encode(): "name"}
        self.assertEqual(self.problems(run), problems)
        self.assert_same_names(down.root, ["readable"])
        down.once(expect=3)
        self.rest(down, problems)

    def test_an_object_whose_twin_answers_for_it_is_not_deleted(self):
        up = self.machine(direction="up", delete=True)
        for name in ("a.txt", "A.txt", "other"):
            trees.write(up.root, name, name)
        up.once()
        # The folder moves to a file system that folds, and its index goes with it.
        moved = {name: trees.read(up.root, name) for name in ("a.txt", "other")}
        disk = FoldingDisk(self.place / "disk.img", up.root)
        self.addCleanup(disk.close)
        for name, content in moved.items():
            trees.write(up.root, name, content)
        up.once(expect=4)
        up.approve()
        run = up.once(expect=3)
        self.assertEqual(self.problems(run), {b"A.txt": "name"})
        self.assertEqual(self.keys(), [b"A.txt", b"a.txt", b"other"])

    def assert_same_names(self, root, names):
        found = []
        for directory, directories, files in os.walk(root):
            directories[:] = [name for name in directories if not name.startswith(".syncd")]
            found += [os.path.relpath(os.path.join(directory, name), root) for name in files]
        self.assertEqual(sorted(found), names)
