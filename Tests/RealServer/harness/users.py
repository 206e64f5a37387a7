"""Users of folders that sync both ways: they change files in single steps, so that it is known what each of them replaced."""

import ctypes
import os
import uuid

from . import trees

NOREPLACE, EXCHANGE = 1, 2
_library = ctypes.CDLL(None, use_errno=True)


def rename(source, target, flags):
    """renameat2(2)."""
    if _library.renameat2(-100, os.fsencode(source), -100, os.fsencode(target), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


class Ledger:
    """Every content that was ever written, and those that a user, having it before them, replaced or deleted."""

    def __init__(self):
        self.written = set()
        self.replaced = set()

    @property
    def alive(self):
        """What must still be somewhere."""
        return self.written - self.replaced


class User:
    """Somebody at one machine. What they take away lands in a directory of their own, and its content in the ledger."""

    def __init__(self, machine, name, ledger):
        self.root = machine.root
        self.name = name
        self.ledger = ledger
        self.desk = machine.place / "desk"
        self.desk.mkdir()

    def _path(self, name):
        return trees.path_of(self.root, name)

    def write(self, name, data, mtime_ns=None):
        """Puts a file in the place of whatever is there, in one step."""
        data = trees.name_bytes(data)
        self.ledger.written.add(data)
        draft = uuid.uuid4().hex
        source = trees.write(self.desk, draft, data, mtime_ns)
        target = self._path(name)
        while True:
            try:
                # A directory may go just now, because syncd emptied it.
                os.makedirs(os.path.dirname(target), exist_ok=True)
                rename(source, target, NOREPLACE)
                return
            except FileNotFoundError:
                continue
            except FileExistsError:
                pass
            try:
                rename(source, target, EXCHANGE)
            except FileNotFoundError:
                continue
            self._note(source)
            return

    def delete(self, name):
        """Takes a file away; none may be there any more."""
        target = os.path.join(os.fsencode(self.desk), uuid.uuid4().hex.encode())
        try:
            os.rename(self._path(name), target)
        except FileNotFoundError:
            return
        self._note(target)

    def move(self, name, other):
        """Gives a file another name that is free."""
        target = self._path(other)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            rename(self._path(name), target, NOREPLACE)
        except (FileNotFoundError, FileExistsError):
            return

    def names(self):
        """The files that are there now, those of syncd's own left out."""
        found = []
        for directory, _, names in os.walk(os.fsencode(self.root)):
            below = os.path.relpath(directory, os.fsencode(self.root))
            prefix = b"" if below == b"." else below + b"/"
            found += [prefix + name for name in names]
        return sorted(name for name in found if not any(part.startswith(b".syncd") for part in name.split(b"/")))

    def _note(self, path):
        with open(path, "rb") as file:
            self.ledger.replaced.add(file.read())
        os.remove(path)
