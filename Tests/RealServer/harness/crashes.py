"""Crashes at every numbered place between two effects: one world, what it may hold after a crash, and what it must hold
when it has come to rest."""

import functools
import hashlib
import os
import re
import shutil
from collections import defaultdict
from pathlib import Path

from . import trees

CRASH_AT = "SYNCD_CRASH_AT"
MAXIMUM_CYCLES = 3


@functools.lru_cache(maxsize=64)
def digests(data):
    """The MD5 of some content, and the ETag that its upload in parts leaves."""
    parts = [hashlib.md5(data[at : at + trees.PART_SIZE]) for at in range(0, len(data), trees.PART_SIZE)]
    joined = hashlib.md5(b"".join(part.digest() for part in parts)).hexdigest()
    return hashlib.md5(data).hexdigest(), f"{joined}-{len(parts)}"


class World:
    """An installation, and the part of the bucket below a prefix of its own. `case` is the test; requests go straight to
    the server, so that a crash is all that goes wrong."""

    def __init__(self, case, name, direction, concurrency):
        self.case = case
        self.concurrency = concurrency
        self.prefix = name.encode() + b"/"
        self.machine = case.machine(name, direction, endpoint=case.server.endpoint, prefix=name, delete=True)
        self.machine.top = {"concurrency": concurrency}
        self.root = self.machine.root
        self._read = {}
        # Every content that was ever written, by the ETags that its object may have.
        self._digests = {}
        self._promised = []
        # {name: the contents that may stand there}, as it was before the crash.
        self._allowed = {}

    # Changing it.

    def _know(self, data):
        data = trees.name_bytes(data)
        whole, parts = digests(data)
        self._digests |= {whole: whole, parts: whole}
        return data

    def write(self, name, data):
        trees.write(self.root, name, self._know(data))

    def put(self, name, data):
        self.case.s3.put(self.case.bucket, self.prefix + trees.name_bytes(name), self._know(data))

    def put_in_parts(self, name, data):
        key = self.prefix + trees.name_bytes(name)
        self.case.s3.put_in_parts(self.case.bucket, key, self._know(data), trees.PART_SIZE)

    def delete_object(self, name):
        self.case.s3.delete(self.case.bucket, self.prefix + trees.name_bytes(name))

    def promise(self, name, data):
        """From now on this content is not to be lost: it stays at its name, or in the trash."""
        self._promised.append((trees.name_bytes(name), digests(trees.name_bytes(data))[0]))

    # Looking at it.

    def local(self):
        """{name: MD5}; a file that was read before and has not changed since is not read again."""
        found = {}
        for directory, directories, names in os.walk(os.fsencode(self.root)):
            directories[:] = [name for name in directories if not name.startswith(b".syncd")]
            for name in names:
                path = os.path.join(directory, name)
                if not name.startswith(b".syncd"):
                    found[os.path.relpath(path, os.fsencode(self.root))] = self._md5(path)
        return found

    def _md5(self, path):
        status = os.stat(path)
        state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if state not in self._read:
            self._read[state] = trees.md5(path)
        return self._read[state]

    def remote(self):
        """By content; an ETag that no content explains stands for itself, and is like nothing else."""
        return {name: self._digests.get(etag, etag) for name, (_, etag) in self.case.listing(self.prefix).items()}

    def uploads(self):
        return self.case.s3.uploads(self.case.bucket, self.prefix)

    # Running it.

    def crash(self, number):
        """A cycle that is to end at a place. - Returns: what the place is; None if the cycle ended before it."""
        allowed = defaultdict(set)
        for side in (self.local(), self.remote()):
            for name, digest in side.items():
                allowed[name].add(digest)
        self._allowed = allowed
        run = self.machine.start_once({CRASH_AT: str(number)}).wait()
        found = re.search(rf"^crash point {number}: (.*)$", run.err, re.MULTILINE)
        if found is None:
            self.case.assertIn(run.code, (0, 3), run)
            return None
        self.case.assertEqual(run.code, -9, run)
        return found[1]

    def check_whole(self, where):
        """What must hold at any moment: all that is there is whole, and nothing is where it does not belong."""
        for side, found in (("file", self.local()), ("object", self.remote())):
            for name, digest in found.items():
                self.case.assertIn(digest, self._allowed.get(name, ()), f"{where}: the {side} {name!r} is not whole")
        beside = {path.name for path in Path(self.machine.place).iterdir()}
        self.case.assertLessEqual(beside, {"config.json", "home", "root", "state"}, f"{where}: beside the root")
        self.case.assertEqual(list(self.machine.home.iterdir()), [], f"{where}: in the home directory")

    def settle(self, where, approves=False):
        """Cycles until one sends nothing but listings."""
        for _ in range(MAXIMUM_CYCLES + 1):
            run = self.machine.once(expect=None)
            self.case.assertIn(run.code, (0, 3, 4) if approves else (0, 3), f"{where}\n{run}")
            if set(run.requests) == {"LIST"} and run.code == 0 and run.folder["inSync"]:
                return
            if run.code == 4:
                # What a crash left in the bucket without a record is a stranger's, and its file is gone.
                self.machine.approve()
        self.case.fail(f"{where}: still not at rest after {MAXIMUM_CYCLES} cycles\n{run}")

    def check_at_rest(self, where):
        lines = trees.differences(self.local(), self.remote())
        self.case.assertEqual(lines, [], f"{where}: both sides should be equal")
        self.case.assertEqual(trees.leftovers(self.root), [], f"{where}: temporary files")
        self.case.assertEqual(self.uploads(), [], f"{where}: unfinished uploads")
        here = self.local()
        trash = trees.trash_digests(self.root) if self._promised else {}
        for name, digest in self._promised:
            kept = trash.get(name, set()) | {here.get(name)}
            self.case.assertIn(digest, kept, f"{where}: the only copy of {name!r} is lost")
        self._promised = []
        # The next promise is not to be kept by what lies there from this one.
        shutil.rmtree(self.root / ".syncd-trash", ignore_errors=True)
