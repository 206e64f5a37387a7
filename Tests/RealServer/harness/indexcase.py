"""The base of the tests that do to an index what happens to files."""

from . import trees
from .case import RealServerCase

FILES = 30


class IndexCase(RealServerCase):
    """A folder in sync, whichever way it goes, and beside it, on the side that follows, something that was never ours."""

    direction = "up"

    def settled(self):
        machine = self.machine(direction=self.direction, delete=True)
        if self.direction == "up":
            trees.write_many(machine.root, FILES)
        else:
            for index in range(FILES):
                self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        machine.once()
        if self.direction == "up":
            self.s3.put(self.bucket, b"stranger", b"precious")
        else:
            trees.write(machine.root, "stranger", "precious", None)
        machine.once(expect=4)
        return machine

    def edit(self, machine, name, data):
        if self.direction == "up":
            trees.write(machine.root, name, data, None)
        else:
            self.s3.put(self.bucket, name.encode(), data.encode())

    def remove(self, machine, name):
        if self.direction == "up":
            trees.remove(machine.root, name)
        else:
            self.s3.delete(self.bucket, name.encode())

    def assert_equal_but_for(self, machine, *names):
        """Both sides hold the same, but for what only the side that follows has."""
        tree = trees.snapshot(machine.root, mtimes=False, modes=False)
        sides = [{name: (facts.size, facts.md5) for name, facts in tree.items()}, self.listing()]
        leading, following = sides if self.direction == "up" else reversed(sides)
        self.assertEqual(sorted(set(following) - set(leading)), sorted(names))
        self.assert_equal_trees(leading, {name: following.get(name) for name in leading}, "the side that follows")

    def kept(self, machine):
        """Damaged indexes that were moved aside."""
        return sorted(path.name for path in machine.state.glob("index.damaged-*"))

    def killed(self, machine):
        """Kills a run that has written to its index: the log stays."""
        self.edit(machine, "of the killed run", "x")
        fault = self.proxy.fault("PUT" if self.direction == "up" else "GET", hold=True)
        running = machine.start_once()
        fault.wait_until_reached()
        running.kill()
        fault.drop()
        self.proxy.wait_until_quiet()
        self.proxy.heal()
        self.assertGreater((machine.state / "index.db-wal").stat().st_size, 0)
        self.assertTrue((machine.state / "index.open").exists())
