"""`kill -9` at many places: every file is whole at any time, and the next run goes on from there."""

from harness import trees
from harness.case import RealServerCase

FILES = 80
# Each round's request at which the process is killed; the transfers of earlier rounds stay done.
KILLED_AT = (1, 2, 9, 20, 33)


class KillTests(RealServerCase):
    def killed(self, machine, kind, number):
        """Starts a cycle and kills it at its `number`th request of a kind; that request and those after it never
        reach the server."""
        fault = self.proxy.fault(kind, first=number, hold=True)
        running = machine.start_once()
        fault.wait_until_reached()
        running.kill()
        fault.drop()
        self.proxy.wait_until_quiet()
        self.proxy.heal()

    def fill(self, root):
        trees.write_many(root, FILES)
        trees.write(root, "deep/er/file", "deep", mode=0o600)

    def test_up(self):
        up = self.machine("up", delete=True)
        self.fill(up.root)
        for number in KILLED_AT:
            self.killed(up, "PUT", number)
            self.assertEqual(trees.differences(self.tree(up.root) | self.listing(), self.tree(up.root)), [])
        stored = len(self.keys())
        self.assertGreater(stored, 0)
        self.proxy.forget()
        up.once()
        self.assert_bucket_equals(up.root)
        # What had arrived before a kill is found by its content, and not sent again.
        self.assertEqual(self.proxy.counts["PUT"], FILES + 1 - stored)
        self.assert_idle(up)

    def test_down(self):
        source = self.place / "source"
        self.fill(source)
        for name in trees.snapshot(source):
            self.s3.put(self.bucket, name, trees.read(source, name))
        down = self.machine("down", direction="down", delete=True)
        for number in KILLED_AT:
            self.killed(down, "GET", number)
            found = trees.snapshot(down.root, mtimes=False, modes=False)
            whole = trees.snapshot(source, mtimes=False, modes=False)
            self.assertEqual(trees.differences(whole | found, whole), [], "a file was there in part")
        down.once()
        self.assert_bucket_equals(down.root)
        self.assertEqual(trees.leftovers(down.root), [])

    def test_replacing_files(self):
        down = self.machine("down", direction="down", delete=True)
        for index in range(FILES):
            self.s3.put(self.bucket, f"file{index:03}.txt", b"old %d" % index)
        down.once()
        for index in range(FILES):
            self.s3.put(self.bucket, f"file{index:03}.txt", b"the new version %d" % index)
        for number in KILLED_AT:
            self.killed(down, "GET", number)
            for index in range(FILES):
                content = trees.read(down.root, f"file{index:03}.txt")
                self.assertIn(content, (b"old %d" % index, b"the new version %d" % index))
        down.once()
        self.assert_bucket_equals(down.root)
        self.assertEqual(trees.leftovers(down.root), [])

    def test_deleting_objects(self):
        up = self.machine("up", delete=True)
        self.fill(up.root)
        up.once()
        for index in range(0, FILES, 3):
            trees.remove(up.root, f"file{index:03}.txt")
        self.killed(up, "POST", 1)
        self.assertEqual(len(self.keys()), FILES + 1)
        up.once()
        self.assert_bucket_equals(up.root)
        self.assert_idle(up)

    def test_a_kill_while_looking(self):
        up = self.machine("up", delete=True)
        self.fill(up.root)
        up.once()
        trees.remove(up.root, "file000.txt")
        self.proxy.page_size = 20
        self.killed(up, "LIST", 3)
        self.proxy.page_size = None
        self.assert_counts(up.once(), deletedRemote=1)
        self.assert_idle(up)

    def tree(self, root):
        return {
            name: (facts.size, facts.md5) for name, facts in trees.snapshot(root, mtimes=False, modes=False).items()
        }
