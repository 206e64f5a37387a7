"""The base of the tests of folders that sync both ways."""

import datetime
import hashlib

from . import trees
from .daemon import DaemonCase

# What SeaweedFS does, as Tests/Conformance finds it: stated here, no test has the trial among its requests.
GUARDED = {"putIfNoneMatch": True, "putIfMatch": True, "completeIfMatch": True, "deleteIfMatch": True}
UNGUARDED = dict.fromkeys(GUARDED, False)


def conflict_name(name, content, mtime_ns):
    """What the loser of a conflict over `name` is called, by its own content and time."""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    moment = datetime.datetime.fromtimestamp(mtime_ns // trees.SECOND, datetime.timezone.utc)
    digest = hashlib.md5(trees.name_bytes(content)).hexdigest()
    return f"{stem} (conflict {moment:%Y-%m-%d %H%M%S} {digest[:6]}){dot}{extension}"


class TwoWayCase(DaemonCase):
    """A folder that syncs both ways, and who else writes to its bucket."""

    files = 10

    def both(self, name="here", capabilities=GUARDED, **folder):
        machine = self.machine(name, "both", **folder)
        machine.connection["capabilities"] = capabilities
        return machine

    def settled(self, name="here", **options):
        """One that is in sync with its bucket."""
        machine = self.both(name, **options)
        trees.write_many(machine.root, self.files)
        machine.once()
        return machine

    def put(self, key, data, mtime_ns=trees.OLD, prefix=b""):
        """Writes an object as another machine does."""
        metadata = {"mtime": f"{mtime_ns // trees.SECOND}.{mtime_ns % trees.SECOND:09}"}
        self.s3.put(self.bucket, prefix + trees.name_bytes(key), trees.name_bytes(data), metadata=metadata)

    def object(self, key):
        """An object's content; None where there is none."""
        key = trees.name_bytes(key)
        return self.s3.get(self.bucket, key) if self.s3.head(self.bucket, key) else None

    def assert_holds(self, machine, **contents):
        """Both sides hold these contents at these names, and the same all in all."""
        for name, content in contents.items():
            self.assert_both_hold(machine, name, content)

    def assert_both_hold(self, machine, name, content):
        self.assertEqual(trees.read(machine.root, name), trees.name_bytes(content), f"{name} here")
        self.assertEqual(self.object(name), trees.name_bytes(content), f"{name} in the bucket")

    def assert_neither_holds(self, machine, name):
        self.assertFalse(trees.exists(machine.root, name), f"{name} is here")
        self.assertIsNone(self.object(name), f"{name} is in the bucket")

    def assert_same(self, machine):
        self.assert_bucket_equals(machine.root)
        self.assertEqual(trees.leftovers(machine.root), [])

    def conflicts(self, machine):
        """The names of all conflict copies here."""
        return sorted(name.decode() for name in trees.snapshot(machine.root) if b" (conflict " in name)
